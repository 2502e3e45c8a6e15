"""remotesupport.log: in the state folder, rotated, without secrets."""

from __future__ import annotations

import logging
import logging.handlers
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from remotesupport import logs

SECRET = "invented secret/77?&"


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """A set-up log; calling the fixture gives what the file holds."""
    root = logging.getLogger()
    before = root.level
    logs.set_up(tmp_path, [SECRET], stderr=False)
    yield lambda: logs.log_file(tmp_path).read_text(encoding="utf-8")
    logs.tear_down()
    root.setLevel(before)


def test_known_secrets_are_removed_in_every_form(written: Callable[[], str]) -> None:
    """A secret is removed as it is and as an address carries it."""
    logging.getLogger("x").info("one %s two %s", SECRET, quote(SECRET, safe=""))
    assert "one *** two ***" in written()


def test_exception_text_is_cleaned(written: Callable[[], str]) -> None:
    """A secret in an exception does not reach the file either."""
    try:
        raise ValueError(f"refused {SECRET}")
    except ValueError:
        logging.getLogger("x").exception("failed")
    assert SECRET not in written()
    assert "refused ***" in written()


@pytest.mark.parametrize(
    "line",
    [
        "POST /billmgr?func=auth&authinfo=robot:Tell-Tale-1&out=xml",
        "password=Tell-Tale-1",
        '{"password": "Tell-Tale-1"}',
        "auth=Tell-Tale-1",
        "postgresql+psycopg://robot:Tell-Tale-1@127.0.0.1/x",
        "{'session': 'Tell-Tale-1'}",
    ],
)
def test_telling_names_are_cleaned(line: str) -> None:
    """A value whose name says that it is secret is removed although nobody registered it."""
    assert "Tell-Tale-1" not in logs.Redactor()(line)


def test_ordinary_text_stays() -> None:
    """Text without secrets is left as it is."""
    line = "acme: 12 tickets read, password changed by https://main.example:1500/billmgr at 10:15:00"
    assert logs.Redactor(["abc"])(line) == line


def test_foreign_handlers_can_be_cleaned(caplog: pytest.LogCaptureFixture) -> None:
    """The filter cleans a record before a handler that is not ours sees it."""
    caplog.handler.addFilter(cleaner := logs.RedactingFilter(logs.Redactor([SECRET])))
    logging.getLogger("x").warning("told %s", SECRET)
    caplog.handler.removeFilter(cleaner)
    assert caplog.messages == ["told ***"]


def test_rotation(tmp_path: Path) -> None:
    """The log is rotated, and http libraries speak from WARNING on."""
    logs.set_up(tmp_path, stderr=False)
    handler = next(h for h in logging.getLogger().handlers if h.get_name() == logs.FILE_NAME)
    assert isinstance(handler, logging.handlers.RotatingFileHandler)
    assert (handler.maxBytes, handler.backupCount) == (logs.MAX_BYTES, logs.KEPT_FILES)
    assert logging.getLogger("httpx").level == logging.WARNING
    logs.tear_down()


def test_set_up_twice_logs_once(tmp_path: Path) -> None:
    """Setting up again replaces the handlers; a line is written once."""
    logs.set_up(tmp_path, stderr=False)
    logs.set_up(tmp_path, stderr=False)
    logging.getLogger("x").warning("once")
    logs.tear_down()
    assert logs.log_file(tmp_path).read_text(encoding="utf-8").count("once") == 1
