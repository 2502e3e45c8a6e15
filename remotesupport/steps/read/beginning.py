"""Facts that the store knows of connections when their reading begins, asked for all of them at once.

What another run records between this and the reading is newer than ``mark``, so it is looked at again (``reread``).
What must stay out: deciding anything from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from remotesupport.bootstrap import Context
from remotesupport.core.connections.habits import HabitEvidence
from remotesupport.core.model import Side
from remotesupport.steps.parking import closes_of_departed
from remotesupport.steps.read.department_mapping import resolved_names_of
from remotesupport.steps.read.side_reader import FullyRead, fully_read_listings


@dataclass(slots=True)
class Beginning:
    """One connection as the store knew it when reading began.

    ``mark``: the ledger's (``store.moves``); ``linked``: how many tickets are; ``unconfirmed``: external tickets with a
    write whose outcome is open; ``due``: those whose close after a departure is to be tried; ``evidence``: of habits;
    ``pending``: tickets by side that an earlier run left open; ``unread``: whether tickets were seen and never read;
    ``dialects``: those by which each side's messages are keyed; ``resolved``: the id that each name of a remote
    department meant; ``fully_read``: lists that were read to their end once, None where its dialect is not known yet;
    ``moved``: whether anybody has recorded anything since this process last read its lists; ``main_rests``: whether
    main's lists need not be read, since an employee's list shows its tickets as they were (``watch_main``).
    """

    mark: int
    linked: int = 0
    unconfirmed: set[str] = field(default_factory=set)
    due: list[str] = field(default_factory=list)
    evidence: list[HabitEvidence] = field(default_factory=list)
    pending: dict[Side, list[str]] = field(default_factory=lambda: {side: [] for side in Side})
    unread: bool = False
    dialects: dict[Side, str] = field(default_factory=dict)
    resolved: dict[str, str] = field(default_factory=dict)
    fully_read: FullyRead | None = None
    moved: bool = False
    main_rests: bool = False

    @property
    def nothing_waits(self) -> bool:
        """Tell whether earlier runs left nothing to be looked at."""
        waiting = (self.unconfirmed, self.due, self.unread, *self.pending.values())
        return not (self.moved or any(waiting))


def beginnings(ctx: Context, names: Iterable[str]) -> dict[str, Beginning]:
    """Ask for each of these connections. Raises StoreError."""
    store, mark = ctx.store, ctx.store.ledger_mark()
    found = {name: Beginning(mark) for name in names}
    for name, linked in store.link_counts(found).items():
        found[name].linked = linked
    for intent in store.open_intents(*found):
        found[intent.connection].unconfirmed.add(intent.ext_ticket)
    for name, ticket in closes_of_departed(ctx, found, due=True):
        found[name].due.append(ticket)
    for evidence in store.habit_evidence(*found):
        found[evidence.connection].evidence.append(evidence)
    for (name, side), tickets in store.pending_of(found).items():
        found[name].pending[side] = tickets
    for name in store.with_unread(found):
        found[name].unread = True
    looked = {name: at for name in found if (at := ctx.connections[name].looked_at) is not None}
    for name in store.moved_after(looked):
        found[name].moved = True
    _add_progress(ctx, found)
    return found


def _add_progress(ctx: Context, found: dict[str, Beginning]) -> None:
    known = [connection for name in found if (connection := ctx.connections[name]).identified]
    fully_read = fully_read_listings(ctx.store, *(billing for c in known for billing in (c.external, c.main)))
    for connection in known:
        found[connection.name].fully_read = fully_read
    for name, dialects in ctx.store.dialects_of(found).items():
        found[name].dialects = dialects
    for name, resolved in resolved_names_of(ctx.store, found).items():
        found[name].resolved = resolved
