"""Every kind of write, killed at every point; afterwards the world must look as if nothing had happened.

The yardstick is the same story without any kill: the same texts in the same order in both tickets (times apart), the
same states, one main ticket for each, and in the ledger nothing open.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import re
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.crash_matrix.child import AFTER_RECEIPT, BEFORE_RECEIPT, ON_ITS_WAY, UNANSWERED, Aim, doomed
from tests.crash_matrix.situations import ELSEWHERE, HERE, SITUATIONS, Situation, Steps, Ticket
from tests.emulator_fixtures import RunningEmulator
from tests.http_desk import HttpDesk, http_desk
from tests.three_billings import far, texts, three_billings

PATIENCE_S = 60
MOST_RUNS = 5  # a minute apart: longer than a quarantine
OF_VERSION_4 = "clienttickets.syncadmticket"  # does every write there
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_IDS = re.compile(r"#\d+/\d+")


@dataclass(frozen=True, slots=True)
class Versions:
    """Of the two billings between which the writes go."""

    main: str = "6.94.1"
    external: str = "6.94.1"


NEWEST = Versions()


@dataclass(frozen=True, slots=True)
class Seen:
    """What people find at the end of one story."""

    external: tuple[str, ...]
    main: tuple[str, ...]
    states: tuple[int, int]
    files: tuple[int, int]
    copies: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of write and one point, and what was wrong afterwards (empty: nothing)."""

    kind: str
    point: str
    killed: bool
    wrong: str


def see(ticket: Ticket) -> Seen:
    """Both sides of a ticket, without what differs from run to run."""
    world = ticket.world
    copies = world.copies(f"[acme #{ticket.id}]")
    copy = str(copies[0]["id"]) if copies else ""

    def plain(billing: RunningEmulator, number: str) -> tuple[str, ...]:
        return tuple(_IDS.sub("#", _TIME.sub("", text)) for text in texts(billing, number))

    return Seen(
        plain(world.acme, ticket.id), plain(world.main, copy),
        (_status(world.acme, ticket.id), _status(world.main, copy)),
        (_files(world.acme, ticket.id), _files(world.main, copy)), len(copies),
    )  # fmt: skip


def _status(billing: RunningEmulator, ticket: str) -> int:
    return next((int(t["status"]) for t in billing.state()["tickets"] if t["id"] == ticket), -1)


def _files(billing: RunningEmulator, ticket: str) -> int:
    return sum(len(m["files"]) for m in billing.state()["messages"] if m["ticket"] == ticket)


async def yardstick(versions: Versions = NEWEST) -> dict[str, Seen]:
    """Every story without a kill."""
    async with _stories(None, versions) as (desk, tickets, endings):
        for ending in endings.values():
            _end(ending)
            await desk.run()
        await _come_to_rest(desk, tickets)
        return {name: see(ticket) for name, ticket in tickets.items()}


async def column(point: str, right: dict[str, Seen], url: str | None = None, versions: Versions = NEWEST) -> list[Cell]:
    """Every kind of write killed at ``point``, one after the other in one world; then healed and compared."""
    killed: dict[str, bool] = {}
    async with _stories(url, versions) as (desk, tickets, endings):
        for situation in SITUATIONS:
            _end(endings[situation.name])
            if there_is(situation, point):
                killed[situation.name] = _comes_to_it(desk, situation, tickets[situation.name], point)
        await _come_to_rest(desk, tickets)
        return [Cell(name, point, done, _difference(right[name], see(tickets[name]))) for name, done in killed.items()]


async def _come_to_rest(desk: HttpDesk, tickets: dict[str, Ticket]) -> None:
    """Until nothing is left to do. Staff in main close what has left, where the server lets nobody else do that."""
    await desk.drain(25)
    store = desk.context.store
    held = {parked.ext_ticket for parked in store.parked(desk.names)}
    for ticket in tickets.values():
        if ticket.id in held:
            ticket.main_staff("close")
    await desk.drain()
    if left := store.parked(desk.names):
        raise AssertionError(f"still parked: {[(p.key, p.cause) for p in left]}")


def there_is(situation: Situation, point: str) -> bool:
    """Whether that write ever gets to that point: what the server refuses has no receipt."""
    return not (situation.refused and point in (BEFORE_RECEIPT, AFTER_RECEIPT))


def _difference(right: Seen, found: Seen) -> str:
    names = [name for name in Seen.__slots__ if getattr(right, name) != getattr(found, name)]
    return "; ".join(f"{name}: {getattr(found, name)} instead of {getattr(right, name)}" for name in names)


@asynccontextmanager
async def _stories(
    url: str | None, versions: Versions
) -> AsyncIterator[tuple[HttpDesk, dict[str, Ticket], dict[str, Steps]]]:
    """A world with its desk, a ticket for each situation, and its story told up to where the write becomes due."""
    given = {"main_version": versions.main, "acme_version": versions.external}
    with tempfile.TemporaryDirectory() as folder, three_billings(Path(folder), **given) as world:
        world.acme.act(do="user", login="support-robot", departments=[HERE, ELSEWHERE])
        async with http_desk(world, url=url) as desk:
            tickets = {s.name: Ticket(world, s.name) for s in SITUATIONS}
            stories = {s.name: s.story(tickets[s.name]) for s in SITUATIONS}
            for round_ in range(max(s.runs for s in SITUATIONS), 0, -1):
                for situation in SITUATIONS:
                    if situation.runs >= round_:
                        next(stories[situation.name])
                await desk.run(later=150)
            yield desk, tickets, stories


def _end(story: Steps) -> None:
    """The last thing that people do: the write is due."""
    if next(story, "the end") != "the end":
        raise AssertionError("a story has more runs than it says")


def _comes_to_it(desk: HttpDesk, situation: Situation, ticket: Ticket, point: str) -> bool:
    """Runs until one dies at ``point``. The first does, but where an earlier death left a write of this very ticket
    open (the close of a departed one is offered again and again): then the write waits until that is settled."""
    for _ in range(MOST_RUNS):
        desk.clock.advance(60)
        if _killed(desk, situation, ticket, point):
            return True
    return False


def _killed(desk: HttpDesk, situation: Situation, ticket: Ticket, point: str) -> bool:
    """A run in a process of its own that dies at ``point``. Returns whether it did."""
    aim = Aim(point, ticket.id, str(situation.kind), str(situation.direction), situation.act)
    billing = desk.world.main if situation.direction == "to_main" else desk.world.acme
    function = OF_VERSION_4 if billing.core.version.startswith("4") else situation.function
    before = len(billing.requests(function))
    if point in (ON_ITS_WAY, UNANSWERED):
        kind = {"delay_s": 1.0} if point == ON_ITS_WAY else {"hold_s": 5}
        billing.fault(func=function, only="writes", count=1, **kind)
    child = _context().Process(target=doomed, args=(far(desk.world), desk.url, desk.clock.now, aim))
    child.start()
    if point in (ON_ITS_WAY, UNANSWERED):
        _kill_in_flight(child, billing, function, before, point)
    child.join(PATIENCE_S)
    billing.fault(clear=True)
    if child.exitcode is None:
        child.kill()
        raise TimeoutError(f"{situation.name}, {point}: the run did not end")
    return child.exitcode == -9


def _kill_in_flight(child: Any, billing: RunningEmulator, function: str, before: int, point: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while child.is_alive() and time.monotonic() < end:
        writes = [e for e in billing.requests(function)[before:] if e["params"].get("sok")]
        if writes and (point == ON_ITS_WAY or writes[0]["outcome"]):
            child.kill()
            break
        child.join(0.01)
    if point == ON_ITS_WAY:
        _until_done(billing, function, before)


def _until_done(billing: RunningEmulator, function: str, before: int) -> None:
    """The request goes on without its sender."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if any(e["outcome"] for e in billing.requests(function)[before:] if e["params"].get("sok")):
            return
        multiprocessing.connection.wait([], 0.02)


def _context() -> Any:
    """Processes that start with everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash_matrix.child", "tests.warm"])
    return context
