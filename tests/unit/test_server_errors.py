"""The errors of the Prefect server's own services, as its log shows them."""

from __future__ import annotations

from pathlib import Path

from deployments.server_errors import MOST_KINDS, ServerErrors

TRACEBACK = """
07:06:46.732 | ERROR   | docket.dependencies - [   163ms] schedule_deployments(){schedule_deployments}
Traceback (most recent call last):
  File "scheduler.py", line 348, in schedule_deployments
    raise exc.InvalidRequestError(
sqlalchemy.exc.InvalidRequestError: Can't evaluate bulk DML statement; please supply a bulk_dml decorated function
"""


def test_an_error_is_told_once_and_counted_each_time(tmp_path: Path) -> None:
    """The first error of a kind is returned, later ones are only counted, and the last one is known."""
    log = tmp_path / "server.log"
    errors = ServerErrors(log)
    assert errors.look() == []
    log.write_text(TRACEBACK)
    (line,) = errors.look()
    assert line.startswith("sqlalchemy.exc.InvalidRequestError: Can't evaluate bulk DML statement")
    with log.open("a") as more:
        more.write(TRACEBACK * 3)
    assert errors.look() == []
    assert (errors.total, errors.last) == (4, line)


def test_numbers_make_no_new_kind(tmp_path: Path) -> None:
    """The same error about another row, port or address is the same kind."""
    log = tmp_path / "server.log"
    log.write_text("".join(f"builtins.OSError: port {n} at 0x{n:x} is taken\n" for n in range(4200, 4300)))
    errors = ServerErrors(log)
    assert len(errors.look()) == 1
    assert errors.total == 100


def test_a_new_log_is_read_from_its_beginning(tmp_path: Path) -> None:
    """After a restart the log is a new one, and its errors count on."""
    log = tmp_path / "server.log"
    log.write_text("banner\n" * 100 + TRACEBACK)
    errors = ServerErrors(log)
    errors.look()
    log.write_text(TRACEBACK.replace("InvalidRequestError: Can't", "OperationalError: Could not"))
    assert len(errors.look()) == 1
    assert errors.total == 2


def test_a_flood_of_kinds_is_bounded(tmp_path: Path) -> None:
    """A log in which each error is a kind of its own takes no endless memory and no endless lines."""
    log = tmp_path / "server.log"
    words = (f"{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(600))
    log.write_text("".join(f"ValueError: {word} is wrong\n" for word in words))
    errors = ServerErrors(log)
    assert len(errors.look()) == MOST_KINDS


def test_words_that_are_no_error_are_left_alone(tmp_path: Path) -> None:
    """Banners, warnings and lines of code in a traceback are not counted."""
    log = tmp_path / "server.log"
    log.write_text(
        "Check out the dashboard at http://127.0.0.1:4333\n  raise ValueError('x: y')\nNote: see Error: no\n"
    )
    errors = ServerErrors(log)
    assert errors.look() == []
    assert errors.total == 0
