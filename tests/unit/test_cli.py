"""The command line: exit statuses, advice instead of tracebacks, one JSON document, the board, the reason."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from remotesupport import logs
from remotesupport.cli import output
from remotesupport.cli.errors import ADVICE, DONE, FAILED, PERSON, WRONG, advice
from remotesupport.cli.main import main
from remotesupport.cli.run_tables import show_report
from remotesupport.core.connections.connection_state import Failure
from remotesupport.core.connections.shards import Shard, number_of
from remotesupport.core.model import ChangeKind, Direction
from remotesupport.core.records import Event, ParkedChange
from remotesupport.core.run import BillingResult, BillingState, RunKind, RunReport
from remotesupport.core.text.durations import span
from remotesupport.store import Store
from tests.fresh_store import store_at

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The command in an empty folder with a state folder of its own; gives the exit status."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REMOTESUPPORT_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("REMOTESUPPORT_CONFIG", raising=False)
    before = logging.getLogger().level
    yield lambda *arguments: main(arguments)
    logs.tear_down()
    logging.getLogger().setLevel(before)
    os.environ.pop("REMOTESUPPORT_CONFIG", None)


@pytest.fixture
def store(tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> Iterator[Store]:
    """The store that the command will open, after ``init``."""
    assert run("init") == DONE
    capsys.readouterr()
    (tmp_path / "state").mkdir()
    with store_at(f"sqlite:///{tmp_path}/state/remotesupport.sqlite3") as opened:
        yield opened


def one_document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


# --- how a command ends -------------------------------------------------------------------------------------


def test_unknown_command_is_wrong_usage(run: Run) -> None:
    """A command that is not there is wrong usage."""
    assert run("frobnicate") == WRONG


def test_help_is_light() -> None:
    """Asking for help costs less than a second of CPU and loads no heavy library."""
    code = (
        "import sys, time; from remotesupport.cli.main import main; status = main(['--help']);"
        "heavy = {'pandas', 'prefect', 'sqlalchemy', 'great_expectations', 'httpx'} & set(sys.modules);"
        "sys.exit(f'{heavy} {time.process_time()}' if heavy or status or time.process_time() > 1 else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_module_entry_point() -> None:
    """``python -m remotesupport`` is the same command."""
    command = [sys.executable, "-m", "remotesupport", "--version"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.startswith("remotesupport 0.")


def test_without_configuration(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a configuration a command says which command writes one, without a traceback."""
    assert run("status") == WRONG
    shown = capsys.readouterr()
    assert "remotesupport init" in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_unforeseen_errors_go_to_the_log(tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody foresaw is one line on the terminal and a traceback in the log."""
    logs.set_up(tmp_path / "state")
    try:
        raise ZeroDivisionError("invented")
    except ZeroDivisionError as error:
        text, status = advice(error)
    assert (status, "remotesupport.log" in text) == (FAILED, True)
    assert "Traceback" not in capsys.readouterr().err
    assert "Traceback" in logs.log_file(tmp_path / "state").read_text(encoding="utf-8")


# --- init and the options -----------------------------------------------------------------------------------


def test_init_never_overwrites(tmp_path: Path, run: Run) -> None:
    """init writes a file once and leaves it alone ever after."""
    assert run("init") == DONE
    file = tmp_path / "remotesupport.toml"
    file.write_text("# mine\n", encoding="utf-8")
    assert run("init") == WRONG
    assert file.read_text(encoding="utf-8") == "# mine\n"


def test_config_option_names_the_file(tmp_path: Path, run: Run) -> None:
    """--config is where init writes and where the others read."""
    place = tmp_path / "deep" / "mine.toml"
    assert run("--config", str(place), "init") == DONE
    assert place.is_file()
    assert run("--config", str(place), "parked") == DONE


def test_unknown_billing(run: Run, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """A connection that is not configured is refused with the nearest name."""
    assert run("status", "--billing", "acmee") == WRONG
    assert 'Did you mean "acme"?' in capsys.readouterr().err


# --- status, why, parked, pause -----------------------------------------------------------------------------


def test_status_document(run: Run, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """status --json is one document of the documented shape, and an access problem needs a person."""
    words = "acme: wrong password"
    store.set_connection("acme", last_good=NOW, access=words, stopped_why=words, failure=Failure.ACCESS, last_run=NOW)
    assert run("status", "--json") == PERSON
    found = one_document(capsys)
    shown = {"exit", "store", "last_run", "running", "not_running_since", "main", "audits_skipped", "billings"}
    assert shown | {"shards", "warnings"} == set(found)
    (row,) = found["billings"]
    assert {"name", "behind_s", "last_good", "parked", "stopped", "access", "state", "since", "why"} <= set(row)
    assert (row["name"], row["access"], row["last_good"]) == ("acme", words, NOW.isoformat())
    assert (row["state"], row["why"], found["exit"]) == ("access", words, PERSON)


def test_status_without_a_store(tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing was ever kept status says never read, ends with 1, and makes no store."""
    assert run("init") == DONE
    capsys.readouterr()
    assert run("status") == FAILED
    shown = capsys.readouterr().out
    assert shown.startswith("Not running: no run has ever begun")
    assert "never read" in shown
    assert list((tmp_path / "state").glob("*.sqlite3*")) == []


def test_status_says_since_when_nothing_runs(run: Run, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """When no run has begun for long, the first line says so and since when; a person's plan is no run."""
    store.begin_run("r1", "sync", None, NOW)
    store.begin_run("r2", "plan", None, datetime.now(UTC))
    store.set_connection("acme", last_good=NOW, last_run=NOW, last_read=NOW)
    assert run("status") == FAILED
    first, second, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("Not running since 2026-11-23 09:00:00Z (")
    assert second.startswith("Last run: sync, began 2026-11-23 09:00:00Z (")
    assert f"The store {store.shown.removeprefix('The store ')}." in second
    assert "not running" in "\n".join(rest)


def test_a_worker_on_another_machine_needs_the_common_store(
    run: Run, store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a file for its store it would know only what it has carried itself: it is refused, with what to set."""
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example:4200/api")
    assert run("worker") == WRONG
    assert "REMOTESUPPORT_DATABASE_URL=postgresql+psycopg://" in capsys.readouterr().err


def test_status_names_the_shards_that_stand_still(
    tmp_path: Path, run: Run, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of three shards one runs: the others are named, and whoever is in them is not running, however busy the first."""
    now = datetime.now(UTC)
    config = tmp_path / "remotesupport.toml"
    config.write_text(config.read_text() + "\n[scale]\nshards = 3\n")
    mine = number_of("acme", 3)
    store.begin_run("r1", "sync", None, now, ["others"], Shard(mine % 3 + 1, 3))
    store.begin_run("r2", "sync", None, now, ["somebody"])  # by name: it says nothing of a shard
    store.set_connection("acme", last_good=now, last_run=now, last_read=now)
    assert run("status") == FAILED
    shown = capsys.readouterr().out
    assert "2 of 3 shards stand still" in shown
    assert f"{mine}/3" in shown.splitlines()[0]
    assert "not running" in shown
    store.begin_run("r3", "sync", None, now, ["acme"], Shard(mine, 3))
    assert run("status", "--json") == DONE
    found = one_document(capsys)
    assert [row["state"] for row in found["billings"]] == ["ok"]
    assert [one["shard"] for one in found["shards"] if one["running"]] == sorted([f"{mine}/3", f"{mine % 3 + 1}/3"])


def test_a_paused_connection_is_shown_since_when(run: Run, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """pause is a state with its moment, and no failure of its own."""
    now = datetime.now(UTC)
    store.begin_run("r1", "sync", None, now)
    store.set_connection("acme", last_good=now, last_run=now, last_read=now)
    assert run("pause", "acme") == DONE
    capsys.readouterr()
    assert run("status", "--json") == DONE
    (row,) = one_document(capsys)["billings"]
    assert row["state"] == "paused"
    assert datetime.fromisoformat(row["since"]) >= now


def test_why_document(run: Run, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """why --json gives the one reason and the timeline."""
    row = {"connection": "acme", "ticket": "7", "reason": "in_sync", "detail": "", "main_ticket": "70"}
    store.begin_run("r1", "sync", None, NOW)
    store.record_reasons("r1", [row])
    store.add_events([Event(NOW, "acme", "7", "created", "r1", "main ticket 70")])
    assert run("why", "acme", "7", "--json") == DONE
    found = one_document(capsys)
    assert (found["billing"], found["ticket"], found["reason"], found["main_ticket"]) == ("acme", "7", "in_sync", "70")
    assert {"at", "event", "run"} <= set(found["timeline"][-1])


FLOW_RUN = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("environ", "shown"),
    [
        ({}, FLOW_RUN),
        ({"PREFECT_API_URL": "http://prefect:4200/api"}, f"http://prefect:4200/runs/flow-run/{FLOW_RUN}"),
        (
            {"PREFECT_API_URL": "http://prefect:4200/prefect/api/"},
            f"http://prefect:4200/prefect/runs/flow-run/{FLOW_RUN}",
        ),
        ({"PREFECT_API_URL": "https://prefect/other"}, FLOW_RUN),
        (
            {"PREFECT_API_URL": "http://server:4200/api", "PREFECT_UI_URL": "https://ui/"},
            f"https://ui/runs/flow-run/{FLOW_RUN}",
        ),
    ],
)
def test_why_says_where_a_run_can_be_opened(
    run: Run, store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str], shown: str,
) -> None:  # fmt: skip
    """A timeline line of a flow run has its page in the Prefect UI where one is known, else its id; others nothing."""
    for name in ("PREFECT_API_URL", "PREFECT_UI_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    store.begin_run("r1", "sync", FLOW_RUN, NOW)
    store.begin_run("r2", "sync", None, NOW)
    store.add_events([Event(NOW, "acme", "7", "created", r, "main ticket 70") for r in ("r1", "r2", "olga")])
    assert run("why", "acme", "7") == DONE
    _, heads, *rows = capsys.readouterr().out.splitlines()
    assert [dict(zip(heads.split("\t"), row.split("\t"), strict=True))["flow run"] for row in rows] == [shown, "", ""]
    assert run("why", "acme", "7", "--json") == DONE
    by_flow, plain, _ = one_document(capsys)["timeline"]
    assert (by_flow["flow_run"], plain["flow_run"], plain["url"]) == (FLOW_RUN, None, None)
    assert by_flow["url"] == (shown if shown != FLOW_RUN else None)


def test_why_of_a_ticket_never_read(run: Run, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """A ticket that was never read is answered with the command that reads it."""
    assert run("why", "acme", "404") == FAILED
    assert "backfill --billing acme --ticket 404" in capsys.readouterr().err


def parked_change(**more: Any) -> ParkedChange:
    return ParkedChange(
        "acme",
        "7",
        Direction.TO_MAIN,
        ChangeKind.POST,
        "acme/to_main/7/9",
        "refused: locked",
        NOW,
        2,
        None,
        "r1",
        **more,
    )


def test_parked_and_retry(run: Run, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """What waits is listed with its cause; retry offers it again, once."""
    kept = store.park(parked_change())
    assert run("parked", "--json") == DONE
    (row,) = one_document(capsys)["parked"]
    assert (row["billing"], row["cause"], row["id"]) == ("acme", "refused: locked", kept.id)
    assert run("parked", "retry", str(kept.id)) == DONE
    assert store.parked() == []
    assert run("parked", "retry", str(kept.id)) == WRONG


def test_pause(run: Run, store: Store) -> None:
    """pause is remembered until resume."""
    assert run("pause", "acme") == DONE
    assert [(s.name, s.paused) for s in store.connection_states()] == [("acme", True)]


# --- runs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["backfill"],
        ["backfill", "--since", "yesterday"],
        ["backfill", "--since", "2026-11-02", "--until", "2026-11-01"],
        ["backfill", "--ticket", "7"],
        ["apply"],
    ],
)
def test_impossible_requests_are_wrong_usage(run: Run, store: Store, arguments: list[str]) -> None:
    """A request that makes no sense is refused before anything is read."""
    assert run(*arguments) == WRONG


def test_missing_secret_is_named(run: Run, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """check names the environment variable that is not set."""
    assert run("check", "--json") == PERSON
    (connection,) = one_document(capsys)["connections"]
    assert "ACME_PASSWORD" in str(connection["checks"])


def report(**more: Any) -> RunReport:
    return RunReport("r1", RunKind.SYNC, NOW, [BillingResult("acme", **more)])


def test_report_outside_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Outside a terminal a table is tab-separated lines, and reasons go to standard error."""
    show_report(report(state=BillingState.FAILED, reason="acme: refused"))
    shown = capsys.readouterr()
    assert shown.out.splitlines()[1].split("\t")[:2] == ["acme", "failed"]
    assert "acme: refused" in shown.err


# --- output -------------------------------------------------------------------------------------------------


def test_foreign_text_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Escape sequences, direction marks and markup in a ticket's text are shown, not obeyed."""
    output.table("T", ("A",), [["\x1b[2J[red]x[/red]\u202e"]])
    assert capsys.readouterr().out.splitlines()[1] == "␛[2J[red]x[/red]⟨U+202E⟩"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (90061, "1 d 1 h"), (-5, "0 s")],
)
def test_spans(seconds: float | None, text: str) -> None:
    """A span of time is its two largest units."""
    assert span(seconds) == text


def test_each_error_that_has_advice_exists() -> None:
    """The errors that a command turns into a sentence are named by module, to import none of them at the start."""
    named = [(module, name) for module, name, _ in ADVICE]
    assert [f"{m}.{n}" for m, n in named if not hasattr(import_module(m), n)] == []
