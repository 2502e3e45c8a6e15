"""Losing a store, backing it up and putting the backup back; and a day of traffic over two billings in memory."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, delete, func, insert, select

from connectors.memory import MemoryBilling
from remotesupport.core.run import BillingState, RunKind, RunReport
from remotesupport.store.tables import metadata
from tests.cycle_fixtures import Desk
from tests.fresh_store import store_at

NO_SHARES = "guard = { closes_percent = 100, departures_percent = 100 }"
Dump = dict[str, list[dict[str, Any]]]


def reopened(desk: Desk) -> None:
    """A new process: the store opened anew, the clients too."""
    desk.store = store_at(desk.url, desk.clock)
    desk.context = desk._context()


def lose(desk: Desk) -> None:
    """The store is gone; an empty one takes its place."""
    restore(desk, {table.name: [] for table in metadata.sorted_tables})


def backup(desk: Desk) -> Dump:
    """Every row of every table."""
    with desk.store._db.read() as conn:
        return {t.name: [dict(row) for row in conn.execute(select(t)).mappings()] for t in metadata.sorted_tables}


def restore(desk: Desk, dump: Dump) -> None:
    """The tables as they were, on either database."""
    with desk.store._db.write() as conn:
        for table in metadata.sorted_tables:
            conn.execute(delete(table))
            if dump[table.name]:
                conn.execute(insert(table), dump[table.name])
            if "id" in table.c and isinstance(table.c.id.type, Integer) and not desk.store._db.is_sqlite:
                highest = select(func.coalesce(func.max(table.c.id), 0) + 1).scalar_subquery()
                conn.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), highest, False)))
    desk.store.close()
    reopened(desk)


def image(world: MemoryBilling) -> dict[str, Any]:
    """All data of a billing."""
    kept = ("tickets", "messages", "_threads", "contents", "_ids", "people")
    return copy.deepcopy({name: getattr(world, name) for name in kept})


def rewind(world: MemoryBilling, to: dict[str, Any]) -> None:
    """The billing is restored from its backup; ids that were given since are given again."""
    for name, value in copy.deepcopy(to).items():
        setattr(world, name, value)


def shown(desk: Desk) -> dict[str, Any]:
    """What people see: every ticket with its state and texts, on every side."""
    return {
        f"{world.name} {t.id}": (t.subject, t.status, [(m.kind, m.body) for m in world.thread(t)])
        for world in (desk.main, *desk.externals.values())
        for t in world.tickets.values()
    }


async def runs(desk: Desk, count: int = 3) -> list[RunReport]:
    """So many minutes, then the hourly audit and another one."""
    return [*[await desk.run() for _ in range(count)], await desk.run(RunKind.AUDIT), await desk.run()]


async def minutes(desk: Desk, count: int = 2) -> None:
    """So many minutes in which nothing stops."""
    for _ in range(count):
        report = await desk.run()
        assert [b.state for b in report.billings] == [BillingState.OK] * len(report.billings), report.headline


class Office:
    """People of one connection at work: everything that can happen to a ticket, by the name of its subject."""

    def __init__(self, desk: Desk, name: str = "acme") -> None:
        self.desk, self.name, self.acme = desk, name, desk.externals[name]
        self.acme.people["robot"].departments.add(self.acme.department("Sales"))
        self.tickets: dict[str, str] = {}

    def opens(self, *subjects: str, department: str = "Technical support") -> None:
        """Clients open tickets."""
        for subject in subjects:
            self.tickets[subject] = self.acme.client_opens("ivan", department, subject, f"{subject}: first words")

    def copy(self, subject: str) -> str:
        """The main ticket of an external one."""
        tag = f"[{self.name} #{self.tickets[subject]}]"
        [found] = [str(t.id) for t in self.desk.main.tickets.values() if t.subject.startswith(tag)]
        return found

    def writes(self, subject: str, *texts: str) -> None:
        """The client writes."""
        for text in texts:
            self.acme.client_writes(self.tickets[subject], text)

    def answers(self, subject: str, *texts: str) -> None:
        """Staff of the main billing answer."""
        for text in texts:
            self.desk.main.staff_replies(self.copy(subject), text)

    def free(self, *subjects: str) -> None:
        """Staff answer and so let go of tickets, which the customer's user may close then."""
        for subject in subjects:
            self.answers(subject, f"{subject}: looked at")


def first_day(office: Office) -> None:
    """Yesterday, before the backup."""
    office.opens("talk", "equal", "closes", "held", "reopens", "leaves", "returns", "edits", "away")


async def first_evening(office: Office) -> None:
    """Everything has crossed; some tickets are closed or away already."""
    desk, acme = office.desk, office.acme
    await minutes(desk)
    office.free("closes", "reopens", "leaves", "returns", "edits", "away")
    office.answers("equal", "ok", "ok")
    office.writes("equal", "ping", "ping")
    await minutes(desk)
    acme.archive(office.tickets["reopens"])
    acme.transfer(office.tickets["away"], "Sales")
    await minutes(desk, 1)
    desk.main.close(office.copy("away"))  # only staff can: the note has put it into their queue
    await minutes(desk, 1)


async def second_day(office: Office) -> None:
    """What happens after the backup, with runs in between."""
    desk, acme, main = office.desk, office.acme, office.desk.main
    office.opens("new", "new and closed")
    office.writes("talk", "more", "ok", "ok")
    office.answers("talk", "answer", "ok")
    office.writes("equal", "ping")
    await minutes(desk)
    office.answers("new and closed", "done")
    office.answers("equal", "ok")
    await minutes(desk)
    acme.archive(office.tickets["new and closed"])
    acme.archive(office.tickets["closes"])
    acme.archive(office.tickets["held"])
    acme.reopen(office.tickets["reopens"])
    acme.transfer(office.tickets["leaves"], "Sales")
    acme.transfer(office.tickets["returns"], "Sales")
    await minutes(desk)
    acme.transfer(office.tickets["returns"], "Technical support")
    acme.transfer(office.tickets["away"], "Technical support")
    office.writes("returns", "here again")
    main.close(office.copy("leaves"))
    await edits(office)
    await minutes(desk)
    main.archive(office.copy("talk"))
    await minutes(desk)


async def edits(office: Office) -> None:
    """Words on both sides are changed, one of them twice."""
    acme, main = office.acme, office.desk.main
    opening = acme.thread(acme.find(office.tickets["edits"]))[0]
    reply = next(m for m in main.thread(main.find(office.copy("edits"))) if m.kind == "staff")
    for text in ("corrected", "corrected twice"):
        acme.edit(str(opening.id), f"edits: {text}")
        main.edit(str(reply.id), f"looked at, {text}")
        main.find(office.copy("edits")).last_message = office.desk.clock()
        await minutes(office.desk)


def kinds_planned(reports: Sequence[RunReport]) -> set[str]:
    """The kinds of changes that any of these runs planned."""
    return {kind for r in reports for b in r.billings for kind, n in b.changes.items() if n}


@dataclass(frozen=True)
class State:
    """Everything at one moment: both billings, the store, the clock, and the tickets' names."""

    images: dict[str, dict[str, Any]]
    dump: Dump
    now: datetime
    tickets: dict[str, str]


def state_of(office: Office) -> State:
    """A copy of everything."""
    desk = office.desk
    images = {world.name: image(world) for world in (desk.main, *desk.externals.values())}
    return State(images, backup(desk), desk.clock.now, dict(office.tickets))


def resume(desk: Desk, state: State) -> Office:
    """A desk, on whatever database, as it was at that moment."""
    for world in (desk.main, *desk.externals.values()):
        rewind(world, state.images[world.name])
    desk.clock.now = state.now
    restore(desk, state.dump)
    office = Office(desk)
    office.tickets.update(state.tickets)
    return office
