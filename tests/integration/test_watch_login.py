"""The login that only lists main's tickets: what it saves, what it may see, and that nothing is missed by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from remotesupport.bootstrap import Watch, watch_of
from remotesupport.cli.status import look_at
from remotesupport.core.connections.watch import NOTED, WatchedLook, WatchedRow
from remotesupport.core.run import RunKind
from remotesupport.steps.operator.check import check_connection
from remotesupport.steps.operator.check_row import CheckRow
from remotesupport.steps.operator.check_watch import CHECK, looked
from tests.http_desk import LONG, HttpDesk, http_desk
from tests.three_billings import ThreeBillings, configured, running_emulator, texts, three_billings

BOTH = ("acme", "globex")
ANOTHER = pytest.mark.thorough("two seconds of CPU time; the like of it is in `make test`")
NO_LIST = "a BILLmanager 4 has no list of all tickets that an employee could be shown"
REFUSED = "watch login: main (watch login) in auth: the login is refused"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ThreeBillings]:
    """Three billings with a ticket of each client, and a login of main that lists."""
    with three_billings(tmp_path, watch="anna") as found:
        opened(found)
        yield found


def opened(world: ThreeBillings) -> None:
    """One ticket in each external billing."""
    for billing in (world.acme, world.globex):
        billing.act(as_="ivan", do="open", department="Technical support", subject="Mail", text="It is late")


def client_ticket(world: ThreeBillings) -> str:
    """The id of acme's ticket."""
    return str(world.acme.state()["tickets"][0]["id"])


async def asked_of_main(desk: HttpDesk, **request: Any) -> Counter[str]:
    """The functions that one run asked main for, and how often."""
    before = _functions(desk)
    await desk.run(**request)
    return _functions(desk) - before


def _functions(desk: HttpDesk) -> Counter[str]:
    return Counter(entry["func"] for entry in desk.world.main.requests())


async def rested(desk: HttpDesk) -> None:
    """Runs until main's own lists are not read in a minute."""
    await desk.drain()
    for _ in range(6):
        if await asked_of_main(desk) == {"ticket_all": 1}:
            return
    raise AssertionError("main's lists are read in each minute")


async def test_without_the_login_nothing_changes(tmp_path: Path) -> None:
    """Off by default: each minute asks main once for each connection, and no list of employees."""
    with three_billings(tmp_path) as world:
        opened(world)
        async with http_desk(world, BOTH) as desk:
            await desk.drain()
            minutes = [await asked_of_main(desk) for _ in range(4)]
            assert minutes.count(Counter(clientticket=2)) >= 3
            assert not any("ticket_all" in minute for minute in minutes)
            assert desk.context.store.progress(NOTED) is None


async def test_a_quiet_minute_asks_main_once(world: ThreeBillings) -> None:
    """One list for all connections; after five minutes, and by whoever asks, main is read as ever."""
    async with http_desk(world, BOTH) as desk:
        await rested(desk)
        minutes = [await asked_of_main(desk) for _ in range(6)]
        assert minutes.count(Counter(ticket_all=1)) >= 4
        assert any(minute["clientticket"] == 2 for minute in minutes)
        assert (await asked_of_main(desk, asked=True))["clientticket"] == 2
        assert (await asked_of_main(desk, kind=RunKind.AUDIT))["clientticket"] >= 2


@pytest.mark.thorough("twenty connections; two of them are in `make test`")
async def test_twenty_quiet_connections_cost_main_one_request(tmp_path: Path) -> None:
    """Twenty connections ask main twenty times in a quiet minute without the login, and once with it."""
    names = tuple(f"provider-{number:02}" for number in range(20))
    found = {}
    for watch in ("", "anna"):
        home = tmp_path / (watch or "without")
        home.mkdir()
        with (
            running_emulator("main", customers=names) as main,
            running_emulator("acme") as acme,
            running_emulator("globex") as idle,
        ):
            acme.act(as_="ivan", do="open", department="Technical support", subject="Mail", text="It is late")
            environ = configured(home, main.url, dict.fromkeys(names, acme.url), watch=watch)
            async with http_desk(ThreeBillings(main, acme, idle, home, environ), names) as desk:
                await desk.drain()
                minutes = [await asked_of_main(desk) for _ in range(5)]
                found[watch] = min(minute.total() for minute in minutes)
    assert found == {"": 20, "anna": 1}


async def test_a_close_in_main_is_found_in_the_next_run(world: ThreeBillings) -> None:
    """What staff do without a word is on the list, too."""
    async with http_desk(world, BOTH) as desk:
        await rested(desk)
        world.main.act(as_="anna", do="close", ticket=world.copy("[acme #"))
        assert (await asked_of_main(desk))["clientticket"] >= 1
        assert next(iter(desk.context.store.links("acme")["main_state"])) == "closed"


async def test_a_ticket_that_goes_where_the_login_does_not_see_it_is_read_in_each_minute(world: ThreeBillings) -> None:
    """Nothing is known any more of a ticket that has left the list, so its connection rests no more."""
    async with http_desk(world, BOTH) as desk:
        await rested(desk)
        world.main.act(as_="anna", do="transfer", ticket=world.copy("[acme #"), department="Sales")
        minutes = [await asked_of_main(desk) for _ in range(4)]
        assert all(minute["clientticket"] >= 1 for minute in minutes)


async def test_an_answer_in_main_is_found_in_the_next_run(world: ThreeBillings) -> None:
    """A connection whose ticket moved in main is read at once, and only that one."""
    async with http_desk(world, BOTH) as desk:
        await rested(desk)
        world.main.act(as_="anna", do="reply", ticket=world.copy("[acme #"), text="Try it now")
        asked = await asked_of_main(desk)
        assert (asked["ticket_all"], asked["clientticket"]) == (1, 1)
        assert any("Try it now" in text for text in texts(world.acme, client_ticket(world)))


async def test_a_clients_message_finds_main_as_it_is(world: ThreeBillings) -> None:
    """Where the external side moved, main is read in the same run before anything is written there."""
    async with http_desk(world, BOTH) as desk:
        await rested(desk)
        world.acme.act(as_="ivan", do="reply", ticket=client_ticket(world), text="And now it is gone")
        before = len(world.main.requests())
        await desk.run()
        asked = [(entry["func"], "message" in entry["params"]) for entry in world.main.requests()[before:]]
        assert ("clientticket", False) in asked[: asked.index(("clientticket.edit", True))]
        assert any("And now it is gone" in text for text in texts(world.main, world.copy("[acme #")))


async def test_a_ticket_changed_twice_within_one_second_is_not_missed(world: ThreeBillings) -> None:
    """Its row looks the same after the second change: main is read until that second is surely over."""
    async with http_desk(world, BOTH) as desk:
        await rested(desk)
        ticket = world.copy("[acme #")
        desk.clock.advance(60)
        world.main.act(as_="anna", do="reply", ticket=ticket, text="First words")
        await desk.run(later=0)
        world.main.act(as_="anna", do="reply", ticket=ticket, text="Second words")
        await desk.run()
        said = "\n".join(texts(world.acme, client_ticket(world)))
        assert (said.count("First words"), said.count("Second words")) == (1, 1)


@ANOTHER
async def test_a_note_hides_no_answer_of_the_same_second(world: ThreeBillings) -> None:
    """An answer in the second of an internal note that was seen on the list crosses in the next minute all the same."""
    async with http_desk(world, BOTH) as desk:
        await rested(desk)
        ticket = world.copy("[acme #")
        desk.clock.advance(60)
        world.main.act(as_="anna", do="note", ticket=ticket, text="Ask Boris")
        await desk.run(later=0)
        world.main.act(as_="anna", do="reply", ticket=ticket, text="Done")
        await desk.run()
        said = "\n".join(texts(world.acme, client_ticket(world)))
        assert ("Done" in said, "Ask Boris" in said) == (True, False)


WRONG = {
    "refused": {"status": 403},
    "cut off": {"truncate": True},
    "empty": {"empty_list": True},
    "not a list": {"html": True},
    "no answer": {"reset_before": True},
}


@pytest.mark.parametrize("how", ["refused", *(pytest.param(how, marks=ANOTHER) for how in WRONG if how != "refused")])
async def test_a_list_that_cannot_be_read_loses_nothing_and_is_said(world: ThreeBillings, how: str) -> None:
    """Main is read as without it, the run's report and ``status`` say why, and no word of the server is in that."""
    async with http_desk(world, BOTH) as desk:
        await rested(desk)
        world.main.fault(func="ticket_all", **WRONG[how])
        world.main.act(as_="anna", do="reply", ticket=world.copy("[acme #"), text="Try it now")
        done = await desk.run()
        (warning,) = done.warnings
        assert warning.startswith("watch login: ")
        assert warning.endswith("main is read as without it")
        assert any("Try it now" in text for text in texts(world.acme, client_ticket(world)))
        assert done.exit_status == 0
        noted = desk.context.store.progress(NOTED)
        assert noted is not None
        assert noted["problem"] in warning
        assert look_at(desk.context.settings, "store", desk.context.store, desk.clock(), ()).warnings == [warning]
        world.main.fault(clear=True)
        await desk.run(later=6 * 60)
        assert desk.context.store.progress(NOTED) == {"problem": ""}


async def test_a_refused_login_is_tried_once_in_five_minutes(world: ThreeBillings) -> None:
    """A wrong password is said in each run, and locks nobody out."""
    (world.home / "secrets" / "anna").write_text("wrong")
    async with http_desk(world, BOTH) as desk:
        done = [await desk.run() for _ in range(4)]
        assert all(one.warnings and one.warnings[0].startswith(REFUSED) for one in done)
        assert sum(entry["params"].get("username") == "anna" for entry in world.main.requests("auth")) == 1
        (world.home / "secrets" / "anna").write_text("demo-anna-password")
        assert (await desk.run(later=LONG)).warnings == []


@ANOTHER
async def test_a_version_4_has_no_such_list(tmp_path: Path) -> None:
    """It is said, and all goes on as without it."""
    with three_billings(tmp_path, main_version="4.0.68", watch="anna") as world:
        opened(world)
        async with http_desk(world, BOTH) as desk:
            done = await desk.run()
            assert NO_LIST in done.warnings[0]
            assert world.copies("[acme #")


@ANOTHER
async def test_an_employee_of_another_department_saves_nothing_and_is_told(tmp_path: Path) -> None:
    """A list without the tickets of a connection says nothing about it: main is read."""
    with three_billings(tmp_path, watch="petr") as world:
        opened(world)
        async with http_desk(world, BOTH) as desk:
            await desk.drain()
            done = await desk.run()
            assert "shows none of the tickets that are carried" in done.warnings[0]
            assert (await asked_of_main(desk))["clientticket"] == 2


async def test_the_login_lists_and_opens_nothing(world: ThreeBillings) -> None:
    """All that it ever asked main for is a session and the list of all tickets."""
    async with http_desk(world, BOTH) as desk:
        await rested(desk)
        world.main.act(as_="anna", do="reply", ticket=world.copy("[acme #"), text="Try it now")
        await desk.drain()
    asked = [entry for entry in world.main.requests() if "anna" in (entry["login"], entry["params"].get("username"))]
    assert {entry["func"] for entry in asked} == {"auth", "ticket_all"}


async def checked(desk: HttpDesk) -> dict[str, CheckRow]:
    """The rows of ``check`` for acme by name."""
    settings = desk.context.settings
    watched = await looked(watch_of(settings.main, None))
    rows = await check_connection(desk.context.connections["acme"], settings.main, watched=watched)
    return {row.check: row for row in rows}


async def test_check_says_that_the_ids_are_the_same(world: ThreeBillings) -> None:
    """The employee's list is compared with the customer's own: how many of its tickets are there."""
    async with http_desk(world) as desk:
        empty = (await checked(desk))[CHECK]
        assert (empty.ok, "none yet" in empty.detail) == (True, True)
        await desk.drain()
        row = (await checked(desk))[CHECK]
        assert (row.ok, row.cure) == (True, "")
        assert row.detail == "1 of 1 tickets of the customer's list are in its list, with the same ids"


@pytest.mark.parametrize(
    ("watch", "version", "said"),
    [
        ("petr", "6.94.1", "it shows none of this customer's tickets"),
        pytest.param("", "6.94.1", None, marks=ANOTHER),
        pytest.param("anna", "4.0.68", NO_LIST, marks=ANOTHER),
        pytest.param("nobody", "6.94.1", "the login is refused", marks=ANOTHER),
    ],
)
async def test_check_says_why_the_login_is_of_no_use(
    tmp_path: Path, watch: str, version: str, said: str | None
) -> None:
    """Departments that it is not in, a version without the list, a refused login; no row where there is no login."""
    with three_billings(tmp_path, watch=watch, main_version=version) as world:
        opened(world)
        async with http_desk(world) as desk:
            await desk.drain()
            rows = await checked(desk)
            found = rows.get(CHECK)
            assert (found and (found.ok, found.detail)) == (said and (False, said))
            assert [name for name, row in rows.items() if not row.ok and name != CHECK and row.looked_at] == []


@ANOTHER
async def test_an_employee_in_another_time_zone_sees_the_same_tickets(world: ThreeBillings) -> None:
    """Times of two logins are the same moments in their own zones."""
    world.main.core.database.run("UPDATE user SET timezone = 'Asia/Kathmandu' WHERE login = 'anna'")
    async with http_desk(world, BOTH) as desk:
        await rested(desk)
        assert (await checked(desk))[CHECK].ok


@ANOTHER
async def test_other_ids_are_never_trusted(world: ThreeBillings) -> None:
    """Where the same ids have other times on the two lists, main is read as without the login, and check says so."""
    async with http_desk(world, BOTH) as desk:
        await desk.drain()
        shown = await looked(desk.context.watch)
        assert isinstance(shown, WatchedLook)
        other = {ticket: WatchedRow(row.mark, f"{row.at[:-2]}99") for ticket, row in shown.rows.items()}
        desk.context.watch = Watch(Opened(WatchedLook(other, whole=True)))
        minutes = [await asked_of_main(desk) for _ in range(7)]
        assert all(minute["clientticket"] == 2 for minute in minutes[-5:])
        connection = desk.context.connections["acme"]
        watched = await looked(Watch(Opened(WatchedLook(other, whole=True))))
        rows = await check_connection(connection, desk.context.settings.main, watched=watched)
        (row,) = (row for row in rows if row.check == CHECK)
        assert (row.ok, "the same ids have other times" in row.detail) == (False, True)


class Opened:
    """A list of employees that shows this, opened."""

    def __init__(self, shown: WatchedLook) -> None:
        self.shown = shown

    async def __call__(self) -> Opened:
        return self

    async def look(self, known: Mapping[str, WatchedRow]) -> WatchedLook:
        return self.shown

    async def aclose(self) -> None:
        """Nothing is open."""
