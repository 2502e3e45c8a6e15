"""A day of one connection in which something of everything happens: to be lived by the program of any revision.

It uses what every version of the fixtures has, so that an older program could live it, too.
"""

from __future__ import annotations

from typing import Any

from connectors.errors import Refused
from connectors.memory import MemoryCall
from remotesupport.core.run import RunKind

NO_SHARES = "guard = { closes_percent = 100, departures_percent = 100 }"
ANSWERED = ("talk", "closes", "leaves")
SUBJECTS = (*ANSWERED, "refused")


def refuses(call: MemoryCall) -> None:
    """Main takes nothing."""
    raise Refused("no such right", billing="main", function=call.function)


def copy_of(desk: Any, ticket: str) -> str:
    """The main ticket of acme's ticket."""
    [found] = [str(t.id) for t in desk.main.tickets.values() if t.subject.startswith(f"[acme #{ticket}]")]
    return found


async def lived(desk: Any) -> dict[str, str]:
    """Talk, a close, a departure, changes that wait, one that is given up, and a paused connection.

    ``desk`` has the connections acme and globex. Returns acme's tickets by subject.
    """
    acme, main = desk.externals["acme"], desk.main
    acme.people["robot"].departments.add(acme.department("Sales"))
    opened = {s: acme.client_opens("ivan", "Technical support", s, f"{s}: first words") for s in SUBJECTS}
    opened["elsewhere"] = acme.client_opens("ivan", "Sales", "elsewhere", "elsewhere: first words")
    await desk.run()
    for subject in ANSWERED:
        main.staff_replies(copy_of(desk, opened[subject]), f"{subject}: looked at")
    await desk.run()
    acme.client_writes(opened["talk"], "more words")
    acme.archive(opened["closes"])
    acme.transfer(opened["leaves"], "Sales")
    await desk.run()
    await desk.run(RunKind.AUDIT)
    await _what_main_refuses(desk, opened)
    desk.store.set_connection("globex", paused=True)
    await desk.run()
    return opened


async def _what_main_refuses(desk: Any, opened: dict[str, str]) -> None:
    """A client's message waits; a ticket is given up by a person, where that program could."""
    acme, main = desk.externals["acme"], desk.main
    main.before["reply"] = main.before["create"] = refuses
    acme.client_writes(opened["refused"], "not taken there")
    opened["given up"] = acme.client_opens("ivan", "Technical support", "given up", "nobody needs it")
    await desk.run()
    for change in desk.store.parked():
        if change.ext_ticket == opened["given up"] and hasattr(desk.store, "drop"):
            desk.store.drop(change.id, "a trial", "command line")
    del main.before["reply"], main.before["create"]
