"""The monthly report from a store, as a page, a table and a document; by the command and by the functions beside it."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from remotesupport.core.frames import DEPARTMENTS, build
from remotesupport.core.model import ChangeKind, Reason
from remotesupport.core.report.facts import MonthFacts, Turn
from remotesupport.core.report.month import Month
from remotesupport.core.run import RunKind
from remotesupport.settings import Settings, load_settings
from remotesupport.steps.report.files import harmless, write_reports
from remotesupport.store import Store
from tests.cli_here import Ended, cli_here
from tests.fresh_store import store_at
from tests.http_desk import RealTime, http_desk
from tests.store_rows import TO_EXTERNAL, TO_MAIN, FakeClock, intent, parked, received, taken
from tests.three_billings import three_billings

pytest_plugins = ("tests.database_fixtures",)

MAY = datetime(2024, 5, 1, tzinfo=UTC)
CONFIG = """
[main]
url = "http://127.0.0.1:1/billmgr"

[[external]]
name = "acme"
url = "http://127.0.0.1:2/billmgr"
login = "robot"
password = "env:INVENTED"
main_login = "acme"
main_password = "env:INVENTED"
timezone = "UTC"

[external.agreed]
first_answer_minutes = 60
"""
NASTY = "=Sales <script>alert(1)</script>"


def sent(store: Store, clock: FakeClock, act: str, **changed: Any) -> None:
    """A write that has succeeded, now."""
    lease = taken(store, seconds=3600)
    stored = store.intend(lease, intent(act, now=clock(), **changed))
    store.release_lease(lease)
    state = "closed" if stored.kind is ChangeKind.CLOSE else "open"
    received(store, stored, f"t{act}", ext_state=state, main_state=state, department="3")


def a_month(store: Store, clock: FakeClock) -> None:
    """A ticket on the 2nd of May at nine, answered after 30 minutes, edited, closed after two hours; one on the 3rd,
    answered after three hours and open; one in April and one in June; a pair that was found; a ticket that is not
    carried, a change that waits, and one that was given up."""
    clock.at = MAY - timedelta(days=3)
    store.begin_run("run-1", RunKind.SYNC, None, clock())
    names = [
        {"connection": "acme", "side": "external", "department": "3", "name": NASTY, "active": True, "remote": None}
    ]
    store.save_departments("acme", build(DEPARTMENTS, names))
    _ticket(store, clock, "4")
    clock.at = MAY + timedelta(days=1, hours=9)
    _ticket(store, clock, "1")
    clock.advance(30 * 60)
    sent(store, clock, "11", direction=TO_EXTERNAL, ext_ticket="1", main_ticket="501")
    sent(store, clock, "10/edit/1", ext_ticket="1", main_ticket="501")
    clock.advance(90 * 60)
    _act(store, clock, ChangeKind.CLOSE, "1", "501")
    clock.at = MAY + timedelta(days=2, hours=9)
    _ticket(store, clock, "2")
    clock.advance(3 * 3600)
    sent(store, clock, "21", direction=TO_EXTERNAL, ext_ticket="2", main_ticket="502")
    not_carried = {"connection": "acme", "ticket": "7", "reason": Reason.CONFLICT, "detail": "two", "main_ticket": None}
    store.record_reasons("run-1", [not_carried])
    store.park(parked(ext_ticket="2", since=clock()))
    gone = store.park(parked("acme/to_main/8/x/files", ext_ticket="8", since=clock()))
    store.drop(gone.id or 0, "sent by hand", "a person")
    clock.at = MAY + timedelta(days=40)
    _ticket(store, clock, "5")


def _ticket(store: Store, clock: FakeClock, ticket: str) -> None:
    sent(store, clock, f"{ticket}0", kind=ChangeKind.CREATE, ext_ticket=ticket, main_ticket=f"50{ticket}")


def _act(store: Store, clock: FakeClock, kind: ChangeKind, ticket: str, main: str) -> None:
    sent(store, clock, f"{kind}/run", kind=kind, ext_ticket=ticket, main_ticket=main, covers=(), body_hash="")


def test_the_store_tells_a_month_as_it_was(store: Store, clock: FakeClock) -> None:
    """Arrivals, texts with their ways and edits, turns, what is held, waits and was given up: since a moment."""
    a_month(store, clock)
    facts = store.month_facts("acme", MAY)
    arrived = {one.ticket: one.arrived for one in facts.tickets}
    assert arrived["1"] == MAY + timedelta(days=1, hours=9)
    assert sorted(arrived) == ["1", "2", "4", "5"]
    assert [(t.ticket, t.direction, t.edit) for t in facts.texts] == [
        ("1", TO_MAIN, False), ("1", TO_EXTERNAL, False), ("1", TO_MAIN, True),
        ("2", TO_MAIN, False), ("2", TO_EXTERNAL, False), ("5", TO_MAIN, False),
    ]  # fmt: skip
    assert [(t.ticket, t.turn) for t in facts.turns] == [
        ("1", Turn.CREATED), ("1", Turn.CLOSED), ("2", Turn.CREATED), ("5", Turn.CREATED)
    ]  # fmt: skip
    assert {one.ticket: one.open for one in facts.tickets} == {"1": False, "2": True, "4": True, "5": True}
    assert {one.department for one in facts.tickets} == {"3"}
    assert facts.departments == {"3": NASTY}
    assert [(h.ticket, h.reason) for h in facts.held] == [("7", "conflict")]
    assert ([p.ticket for p in facts.parked], [d.ticket for d in facts.dropped]) == (["2"], ["8"])
    assert (facts.untimed_texts, facts.known_from) == (0, MAY - timedelta(days=3))


def test_a_pair_that_was_found_has_no_arrival(store: Store, clock: FakeClock) -> None:
    """A ticket of which a text has no time was perhaps there before: its arrival is not known, and is not guessed."""
    clock.at = MAY
    sent(store, clock, "10", kind=ChangeKind.ADOPT, ext_ticket="9", main_ticket="509")
    with store._db.write() as conn:
        conn.exec_driver_sql("UPDATE rs_carried SET at = NULL")
    clock.advance(3600)
    sent(store, clock, "11", ext_ticket="9", main_ticket="509")
    facts = store.month_facts("acme", MAY)
    assert [one.arrived for one in facts.tickets] == [None]
    assert facts.untimed_texts == 1


def test_what_a_backfill_has_brought_is_known_as_such(store: Store, clock: FakeClock) -> None:
    """A ticket that the run of a backfill has created is marked; one of a sync is not."""
    clock.at = MAY
    store.begin_run("run-1", RunKind.SYNC, None, clock())
    store.begin_run("run-2", RunKind.BACKFILL, None, clock())
    _ticket(store, clock, "1")
    sent(store, clock, "20", kind=ChangeKind.CREATE, ext_ticket="2", main_ticket="502", run="run-2")
    assert {one.ticket: one.backfilled for one in store.month_facts("acme", MAY).tickets} == {"1": False, "2": True}


def test_other_connections_are_not_in_it(store: Store, clock: FakeClock) -> None:
    """A report is of one billing: what another one has is none of its business."""
    a_month(store, clock)
    facts = store.month_facts("globex", MAY)
    assert (facts.tickets, facts.texts, facts.turns, facts.held) == ((), (), (), ())
    assert store.month_facts("globex", MAY) == MonthFacts(known_from=MAY - timedelta(days=3))


def test_drawing_leaves_imports_in_order() -> None:
    """After the first chart every later import goes without a warning: a worker imports for weeks."""
    code = (
        "import sys; from remotesupport.steps.report.charts import _bars; svg = _bars(['a'], [('one', [1])]);"
        "import mailbox; assert '<svg' in svg; assert all(hasattr(f, 'find_spec') for f in sys.meta_path)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- the command --------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, clock: FakeClock) -> Path:
    """A state folder with a configuration, and a store with the month in it."""
    (tmp_path / "remotesupport.toml").write_text(CONFIG)
    with store_at(f"sqlite:///{tmp_path / 'remotesupport.sqlite3'}", clock) as store:
        a_month(store, clock)
    return tmp_path


async def test_a_month_of_real_runs(tmp_path: Path) -> None:
    """A ticket and its answer that have crossed between real billings are in the report of the month: one arrival, one
    answer, an hour of each side's own clock, the department by its name; all of it is closed in the end."""
    with three_billings(tmp_path) as world:
        url = f"sqlite:///{world.home / 'remotesupport.sqlite3'}"
        async with http_desk(world, url=url, clock=RealTime()) as desk:
            opened = world.acme.act(as_="ivan", do="open", subject="s", department="Technical support", text="E")
            await desk.run(later=0)
            copy = world.copy(f"[acme #{opened['ticket']}]")
            world.main.act(as_="anna", do="reply", ticket=copy, text="M")
            await desk.run(later=0)
            world.main.act(as_="anna", do="close", ticket=copy)
            for _ in range(3):
                await desk.run(later=0)
            (arrived,) = [t.arrived for t in desk.context.store.month_facts("acme", MAY).tickets]
        month = Month.of(arrived or MAY, ZoneInfo("Europe/Moscow"))
        words = ("report", "--billing", "acme", "--month", str(month), "--json")
        ended = await asyncio.to_thread(cli_here, *words, cwd=world.home, environ=world.environ)
    assert ended.returncode == 0, ended.stderr
    figures = json.loads(ended.stdout)["reports"][0]["figures"]
    assert [(d["name"], d["arrived"], d["first"]["done"]) for d in figures["departments"]] == [
        ("Technical support", 1, 1)
    ]
    assert (sum(figures["to_main"]["by_hour"]), sum(figures["to_external"]["by_hour"])) == (1, 1)
    assert (figures["full"]["done"], figures["open_at_end"], figures["closed"]) == (1, 0, 1)
    assert {limit["what"] for limit in figures["limits"]} <= {"month_not_over", "timelines_begin_later"}


def command(home: Path, *words: str) -> Ended:
    environ = {
        "REMOTESUPPORT_HOME": str(home), "REMOTESUPPORT_CONFIG": str(home / "remotesupport.toml"),
        "INVENTED": "invented", "PATH": os.environ["PATH"],
    }  # fmt: skip
    return cli_here("report", *words, cwd=home, environ=environ)


def one_report(home: Path, *words: str) -> dict[str, Any]:
    ended = command(home, "--billing", "acme", "--month", "2024-05", "--json", *words)
    assert ended.returncode == 0, ended.stderr
    (found,) = json.loads(ended.stdout)["reports"]
    return dict(found)


def test_the_command_reports_a_month(home: Path) -> None:
    """Two tickets arrived; answered after 30 min and 3 h, one of two within the agreed hour; one closed after 2 h."""
    found = one_report(home)
    figures = found["figures"]
    assert (found["billing"], found["month"], figures["arrived"]) == ("acme", "2024-05", 2)
    assert (figures["first"]["median"], figures["first"]["p90"]) == (105 * 60, 3 * 3600)
    assert figures["share_within_percent"] == {"first": 50.0, "full": None}
    assert (figures["full"]["done"], figures["full"]["median"], figures["closed"]) == (1, 2 * 3600, 1)
    assert (figures["open_at_end"], figures["to_main"]["edits"]) == (2, 1)
    assert Path(found["html"]) == home / "reports" / "acme-2024-05.html"


def test_the_table_opens_in_pandas_with_the_same_numbers(home: Path) -> None:
    """What the CSV says is what the document says, read by pandas with its defaults."""
    found = one_report(home)
    table, figures = pd.read_csv(found["csv"]), found["figures"]
    totals = table[table["department"].isna() & table["reason"].isna()].set_index("figure")["value"]
    assert totals["arrived"] == figures["arrived"]
    assert totals["first_answer_median"] * 60 == figures["first"]["median"]
    assert totals["first_answer_within_agreed"] == figures["share_within_percent"]["first"]
    assert totals["open_at_end"] == figures["open_at_end"]
    days = table[table["figure"].eq("arrived_on_day") & table["value"].gt(0)]
    assert list(zip(days["day"], days["value"], strict=True)) == [("2024-05-02", 1), ("2024-05-03", 1)]
    hours = table[table["figure"].eq("written_in_hour_to_main")]
    assert list(hours["value"]) == list(figures["to_main"]["by_hour"])
    held = table[table["figure"].eq("not_carried_new")].set_index("reason")["value"]
    assert dict(held) == {"conflict": 1}


def test_the_page_needs_nothing_but_itself(home: Path) -> None:
    """No script, no style sheet, font or picture of elsewhere; foreign words are text and no formula."""
    found = one_report(home, "--out", str(home / "elsewhere"))
    page = Path(found["html"]).read_text(encoding="utf-8")
    assert "<script" not in page
    addresses = page.replace("http://www.w3.org/", "").replace("http://pygal.org", "")
    assert [word for word in ("http:", "https:", "url(", "@import", "src=", "<link") if word in addresses] == []
    assert "&lt;script&gt;alert(1)" in page
    table = pd.read_csv(io.StringIO(Path(found["csv"]).read_text(encoding="utf-8")))
    assert set(table["department"].dropna()) == {f"'{NASTY}"}
    assert [str(harmless(v)) for v in ("+1", "@x", "-y", "plain", 7)] == ["'+1", "'@x", "'-y", "plain", "7"]


def test_what_is_not_known_stands_on_the_page(home: Path) -> None:
    """A month before the store's first run says that its closings are not all known."""
    ended = command(home, "--month", "2024-04")
    assert ended.returncode == 0, ended.stderr
    page = (home / "reports" / "acme-2024-04.html").read_text(encoding="utf-8")
    assert "is known from 2024-04-28 00:00 on only" in page
    assert "Clocks of two billings are never compared" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--month", "may"), "write it as 2026-11"),
        (("--month", "9000-01"), "has not begun yet"),
        (("--billing", "acne", "--month", "2024-05"), "acme"),
        (("--month", "2024-05", "--out", "remotesupport.toml"), "name another one with --out"),
    ],
)
def test_what_cannot_be_reported_is_refused_with_advice(home: Path, words: tuple[str, ...], said: str) -> None:
    """A month that is none or lies ahead, an unknown billing, a folder that is none: status 2, and what to do."""
    ended = command(home, *words)
    assert (ended.returncode, said in ended.stderr) == (2, True), ended.stderr


def test_without_a_store_there_is_nothing_to_report(tmp_path: Path) -> None:
    """Before the first run the command says so, and makes no store."""
    (tmp_path / "remotesupport.toml").write_text(CONFIG)
    ended = command(tmp_path, "--month", "2024-05")
    assert (ended.returncode, "nothing to report" in ended.stderr) == (2, True), ended.stderr
    assert not (tmp_path / "remotesupport.sqlite3").exists()


def test_without_a_browser_there_is_no_pdf(home: Path, tmp_path: Path) -> None:
    """--pdf on a machine without Chromium says so with status 3, before anything is written."""
    environ = {"REMOTESUPPORT_HOME": str(home), "REMOTESUPPORT_CONFIG": str(home / "remotesupport.toml"), "PATH": ""}
    ended = cli_here("report", "--month", "2024-05", "--pdf", cwd=home, environ=environ)
    assert (ended.returncode, "no Chromium is installed here" in ended.stderr) == (3, True), ended.stderr
    assert not (home / "reports").exists()


@pytest.fixture
def settings(home: Path) -> Settings:
    return load_settings(home / "remotesupport.toml", {"REMOTESUPPORT_HOME": str(home), "INVENTED": "x"})


def test_the_schedule_reports_the_last_month_of_each_billing(settings: Settings) -> None:
    """On the first of June it is May's that is written into the state folder, again and again the same files."""
    with store_at(settings.database_url) as store:
        for _ in range(2):
            (made,) = write_reports(settings, store, datetime(2024, 6, 1, 12, 20, tzinfo=UTC))
    assert (str(made.figures.month), made.figures.arrived) == ("2024-05", 2)
    assert sorted(p.name for p in (settings.home / "reports").iterdir()) == ["acme-2024-05.csv", "acme-2024-05.html"]
