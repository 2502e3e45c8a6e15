"""A version 4 by its public functions, on a server that is not our emulator: the main job, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from remotesupport.core.model import Direction, Reason
from remotesupport.core.run import BillingResult, BillingState, RunKind
from remotesupport.core.text.compose import unclosable_note
from remotesupport.steps.operator.check import check_connection
from remotesupport.steps.operator.check_row import CheckRow
from tests.another_v4 import DENIED, THREE, AnotherV4, _Clock
from tests.emulator_fixtures import running_emulator
from tests.http_desk import LONG, HttpDesk, crossed_once, http_desk
from tests.three_billings import ThreeBillings, configured, texts

NOBODY = SimpleNamespace(core=SimpleNamespace(clock=_Clock()))


@contextmanager
def world_of(home: Path, main: Any, acme: Any, **replaced: str) -> Iterator[ThreeBillings]:
    """These two billings; ``replaced``: texts of the configuration, by a word of the line that they replace."""
    environ = configured(home, main.url, {"acme": acme.url})
    file = home / "remotesupport.toml"
    for word, line in replaced.items():
        file.write_text(file.read_text().replace(word, line))
    yield ThreeBillings(main, acme, NOBODY, home, environ)  # type: ignore[arg-type]


@contextmanager
def old_external(home: Path, **replaced: str) -> Iterator[tuple[ThreeBillings, AnotherV4]]:
    """A main billing of version 6 and the other version 4."""
    with (
        running_emulator("main", "6.94.1") as main,
        AnotherV4("acme") as acme,
        world_of(home, main, acme, **replaced) as world,
    ):
        yield world, acme


async def line_of(desk: HttpDesk, **options: Any) -> BillingResult:
    """The connection's line of one run, which must be in order."""
    report = await desk.run(**options)
    (line,) = report.billings
    assert (line.state, report.exit_status) == (BillingState.OK, 0), line.reason
    return line


async def check_row(desk: HttpDesk, check: str) -> CheckRow:
    """One row of ``check``."""
    rows = await check_connection(desk.context.connections["acme"], desk.context.settings.main)
    (found,) = [row for row in rows if row.check == check]
    return found


async def exchanged(
    desk: HttpDesk, world: ThreeBillings, acme: AnotherV4, said: str = "E1", answer: str = "M1"
) -> tuple[str, str]:
    """A ticket with one message each way, and its copy in main."""
    ticket = acme.client_opens("s", said)
    await line_of(desk)
    copy = world.copy(f"[acme #{ticket}]")
    world.main.act(as_="anna", do="reply", ticket=copy, text=answer)
    await line_of(desk)
    assert acme.texts(ticket) == [said, answer]
    return ticket, copy


@pytest.mark.thorough("two seconds of CPU time; what cannot be closed there, with its answers, is in `make test`")
async def test_an_empty_queue_is_no_emptied_billing(tmp_path: Path) -> None:
    """When all tickets are answered the queue is empty: each run is in order, and later answers are delivered."""
    with old_external(tmp_path) as (world, acme):
        async with http_desk(world) as desk:
            ticket, copy = await exchanged(desk, world, acme)
            assert not any(t.queued for t in acme.tickets.values())
            for kind in (RunKind.SYNC, RunKind.AUDIT):
                assert (await line_of(desk, kind=kind)).written == 0
            world.main.act(as_="anna", do="reply", ticket=copy, text="M2")
            assert (await line_of(desk)).written == 1
            acme.client_says(ticket, "E2")
            await line_of(desk)
            assert acme.texts(ticket) == ["E1", "M1", "M2", "E2"]
            crossed_once(world.main, copy, ["E1", "M1", "M2", "E2"])


async def test_what_cannot_be_closed_is_not_and_answers_go_on(tmp_path: Path) -> None:
    """Main closes: nothing is written or parked, main and ``check`` say so once, and later answers are delivered."""
    with old_external(tmp_path) as (world, acme):
        async with http_desk(world) as desk:
            ticket, copy = await exchanged(desk, world, acme)
            world.main.act(as_="anna", do="close", ticket=copy)
            for _ in range(3):
                assert (await line_of(desk)).written == 0
            acme.client_says(ticket, "E2")
            await line_of(desk)
            world.main.act(as_="anna", do="reply", ticket=copy, text="M2")
            world.main.act(as_="anna", do="close", ticket=copy)
            assert (await line_of(desk)).written == 1
            assert (await line_of(desk)).written == 0
            assert desk.context.store.parked(["acme"]) == []
            assert acme.texts(ticket) == ["E1", "M1", "E2", "M2"]
            assert "\n".join(texts(world.main, copy)).count(unclosable_note("acme")) == 1
            row = await check_row(desk, "closing")
            assert row.ok
            assert row.cure


@pytest.mark.thorough("four seconds of CPU time; a parked answer that holds up no other is in `make test`")
async def test_a_ticket_that_may_not_be_seen_waits_alone(tmp_path: Path) -> None:
    """Moved where the login may not look: its answer is parked with the cause; the others go on; later it crosses."""
    with old_external(tmp_path) as (world, acme):
        async with http_desk(world) as desk:
            moved, moved_copy = await exchanged(desk, world, acme)
            other, other_copy = await exchanged(desk, world, acme, "F1", "N1")
            acme.denied = {moved}
            for copy in (moved_copy, other_copy):
                world.main.act(as_="anna", do="reply", ticket=copy, text="M2")
            report = await desk.run()
            assert (report.exit_status, report.billings[0].access) == (1, False)
            assert acme.texts(other)[-1] == "M2"
            (parked,) = desk.context.store.parked(["acme"])
            assert (parked.ext_ticket, parked.direction) == (moved, Direction.TO_EXTERNAL)
            assert "access deny" in parked.cause
            acme.client_says(other, "F2")
            await desk.run()
            assert "F2" in texts(world.main, other_copy)[-1]
            acme.denied = set()
            await desk.drain()
            assert acme.texts(moved)[-1] == "M2"
            assert acme.texts(moved).count("M2") == 1
            assert desk.context.store.parked(["acme"]) == []


@pytest.mark.thorough("another look-alike; its first laws, and these on the emulator, are in `make test`")
async def test_a_ticket_that_may_not_be_read_has_that_reason(tmp_path: Path) -> None:
    """Its row is shown and it may not be opened: it alone is parked, its reason is access_denied; later it crosses."""
    with old_external(tmp_path) as (world, acme):
        async with http_desk(world) as desk:
            ticket, _ = await exchanged(desk, world, acme)
            acme.denied = {ticket}
            acme.client_says(ticket, "E2")
            fresh = acme.client_opens("s", "G1")
            for _ in range(2):
                report = await desk.run()
                (line,) = report.billings
                assert (report.exit_status, line.access, line.reasons[Reason.ACCESS_DENIED]) == (1, False, 1)
                assert f"ticket {ticket}" in line.reason
            crossed_once(world.main, world.copy(f"[acme #{fresh}]"), ["G1"])
            (parked,) = desk.context.store.parked(["acme"])
            assert (parked.ext_ticket, parked.next_try) == (ticket, None)
            acme.denied = set()
            await desk.drain()
            crossed_once(world.main, world.copy(f"[acme #{ticket}]"), ["E1", "M1", "E2"])
            assert desk.context.store.parked(["acme"]) == []


@pytest.mark.thorough("another look-alike; its first laws, and these on the emulator, are in `make test`")
async def test_a_ticket_that_may_not_be_read_can_be_given_up(tmp_path: Path) -> None:
    """After ``parked drop`` its connection is in order again, and nothing of that ticket is ever written."""
    with old_external(tmp_path) as (world, acme):
        async with http_desk(world) as desk:
            ticket, copy = await exchanged(desk, world, acme)
            acme.denied = {ticket}
            acme.client_says(ticket, "E2")
            await desk.run()
            (parked,) = desk.context.store.parked(["acme"])
            desk.context.store.drop(parked.id or 0, "it is theirs now", "test")
            await line_of(desk)
            acme.denied = set()
            await line_of(desk)
            assert "E2" not in "\n".join(texts(world.main, copy))


async def test_who_may_see_nothing_at_all_is_refused(tmp_path: Path) -> None:
    """When the lists are denied, too, it is the login that is refused: a person is needed."""
    with old_external(tmp_path) as (world, acme):
        async with http_desk(world) as desk:
            ticket, _ = await exchanged(desk, world, acme)
            acme.denied, acme.lists_denied = {ticket}, True
            report = await desk.run()
            assert (report.exit_status, report.billings[0].access) == (3, True)


@pytest.mark.thorough("another look-alike; its first laws, and these on the emulator, are in `make test`")
@pytest.mark.parametrize("words", ["access deny", "Auth failed from 127.0.0.1"])
async def test_a_dead_session_gets_one_new_login_whatever_is_said(words: str, tmp_path: Path) -> None:
    """A server that was restarted says either: the run logs in once more, and all is in order."""
    with old_external(tmp_path) as (world, acme):
        async with http_desk(world) as desk:
            ticket, copy = await exchanged(desk, world, acme)
            before = acme.asked_for("auth")
            acme.dead_words = words
            acme.sessions_end()
            world.main.act(as_="anna", do="reply", ticket=copy, text="M2")
            await line_of(desk)
            assert acme.asked_for("auth") == before + 1
            assert acme.texts(ticket)[-1] == "M2"


@pytest.mark.thorough("a second of CPU time; how such pages are read is in `make test`")
async def test_an_avatar_in_a_box_is_no_message(tmp_path: Path) -> None:
    """Where pictures stand in boxes, the conversation is read as it is without them."""
    with old_external(tmp_path) as (world, acme):
        acme.avatar = "<div class='avatar'><a href='#'><img src='/manimg/1.png'><\\/a><\\/div>"
        async with http_desk(world) as desk:
            ticket, copy = await exchanged(desk, world, acme)
            acme.client_says(ticket, "E2\nsecond <line>")
            await line_of(desk)
            crossed_once(world.main, copy, ["E1", "M1", "E2\nsecond <line>"])


@contextmanager
def old_main(home: Path, **replaced: str) -> Iterator[tuple[ThreeBillings, AnotherV4]]:
    """The other version 4 as main billing, whose form lists no categories, and an external billing of version 6."""
    with (
        AnotherV4("main") as main,
        running_emulator("acme", "6.94.1") as acme,
        world_of(home, main, acme, **replaced) as world,
    ):
        yield world, main


@pytest.mark.thorough("a second of CPU time; the habit itself is in the contract's tests")
async def test_departments_of_main_by_number(tmp_path: Path) -> None:
    """A form without categories: the number in the configuration is the category, and ``check`` says so."""
    with old_main(tmp_path, **{'"Outsourced support"': '"12"'}) as (world, main):
        opened = {"as_": "ivan", "do": "open", "subject": "s", "department": "Technical support"}
        ticket = str(world.acme.act(**opened, text="E1")["ticket"])
        async with http_desk(world) as desk:
            assert "12" in (await check_row(desk, "main department names")).detail
            await line_of(desk)
            ((copy, made),) = main.tickets.items()
            assert (made.category, made.subject) == ("12", f"[acme #{ticket}] s")
            main.staff_says(copy, "M1")
            await line_of(desk)
            crossed_once(world.acme, ticket, ["E1", "M1"])
            assert (await line_of(desk)).written == 0


@pytest.mark.thorough("another look-alike; its first laws, and these on the emulator, are in `make test`")
async def test_a_name_that_cannot_be_looked_up_in_main(tmp_path: Path) -> None:
    """The same with a name: nothing crosses, and run and ``check`` say to write the number."""
    with old_main(tmp_path) as (world, main):
        async with http_desk(world) as desk:
            (line,) = (await desk.run()).billings
            assert line.state is BillingState.FAILED
            assert "write the number of its category" in line.reason
            row = await check_row(desk, "departments")
            assert not row.ok
            assert "number" in row.detail
            assert main.tickets == {}


OTHERWISE = {
    "ok": {"result": "ok"},
    "nothing": {},
    "an empty answer": b"",
    "a value": {"error": {"code": "4", "obj": "elid", "msg": "invalid value"}},
    "not there": {"error": {"code": "3", "obj": "user", "msg": "no such user"}},
    "inner": {"error": {"code": "1", "obj": "", "msg": "internal error"}},
    "other rows": {"elem": [{"id": "1", "name": "x"}]},
}
# An answer without what was asked for.
SHOWN = ("ok",)
OTHERS = pytest.mark.thorough("the same law for six more answers, a second and a half of CPU time each")
ANSWERS = [pytest.param(OTHERWISE[k], id=k, marks=[] if k in SHOWN else OTHERS) for k in OTHERWISE]


@pytest.mark.parametrize("three", ANSWERS)
async def test_functions_that_answer_otherwise_are_left_alone(three: dict[str, Any] | bytes, tmp_path: Path) -> None:
    """Three functions that are not as we read them: the public ones do the work, and ``check`` says so."""
    with old_external(tmp_path) as (world, acme):
        acme.three = three
        async with http_desk(world) as desk:
            ticket, copy = await exchanged(desk, world, acme)
            crossed_once(world.main, copy, ["E1", "M1"])
            row = await check_row(desk, "functions")
            assert row.ok
            assert "clienttickets.syncdepartments" in row.detail
            assert row.cure
            assert acme.asked_for("clienttickets.syncadmticket") == 0
            await desk.context.aclose()
            desk.context = desk.open()
            world.main.act(as_="anna", do="reply", ticket=copy, text="M2")
            await line_of(desk)
            assert acme.texts(ticket) == ["E1", "M1", "M2"]


@pytest.mark.thorough("another look-alike; its first laws, and these on the emulator, are in `make test`")
async def test_the_dialect_is_chosen_by_hand(tmp_path: Path) -> None:
    """With ``dialect = "public"`` none of the three is ever called; with "sync" strange answers are an error."""
    chosen = {"timezone =": 'dialect = "public"\ntimezone ='}
    (tmp_path / "a").mkdir()
    with old_external(tmp_path / "a", **chosen) as (world, acme):
        async with http_desk(world) as desk:
            await exchanged(desk, world, acme)
            assert "dialect" in (await check_row(desk, "functions")).detail
            assert sum(acme.asked_for(func) for func in THREE) == 0
    (tmp_path / "b").mkdir()
    with old_external(tmp_path / "b", **{"timezone =": 'dialect = "sync"\ntimezone ='}) as (world, acme):
        acme.three = {"result": "ok"}
        async with http_desk(world) as desk:
            (line,) = (await desk.run(later=LONG)).billings
            assert line.state is BillingState.FAILED
            assert 'dialect = "public"' in line.reason
    assert DENIED["error"]["code"] == "100"
