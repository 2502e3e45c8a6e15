"""The state that a ticket has after our own write: read after it, and remembered as the server's way of reacting.

A server may close a ticket when it is answered, or leave one closed to which a message was written. Either belongs to
the write and is no person's act (semantics section 5). What must stay out: which message is ours (``readback``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connectors.contract import Billing
from connectors.errors import Missing, Refused, Skippable
from remotesupport.bootstrap import Context
from remotesupport.core.model import PEOPLE, ChangeKind, Intent, MessageRow, Side, TicketState
from remotesupport.steps.parking import park_stays_closed
from remotesupport.store import Store


def is_last_word(message: str, thread: Sequence[MessageRow]) -> bool:
    """True when nobody has said anything in ``thread`` after ``message``: its state is then the write's doing."""
    said = max((row for row in thread if row.kind in PEOPLE), key=lambda row: row.ordinal, default=None)
    return said is not None and said.message == message


async def state_after_write(ctx: Context, billing: Billing, intent: Intent) -> TicketState | None:
    """Read the state right after our write and remember it; None where this login cannot look at the ticket.

    Raises ConnectorError when the billing cannot be asked now: the write stays unconfirmed and is looked at again.
    """
    state = await _state(billing, intent)
    if state is not None and intent.kind is ChangeKind.POST:
        remember_state(ctx.store, intent.connection, intent.side, state)
    return state


def remember_state(store: Store, connection: str, side: Side, state: TicketState) -> None:
    """Keep which state a message of ours leads to on this side."""
    key = _reaction(connection, side, ChangeKind.POST)
    if (store.progress(key) or {}).get("state") != state:
        store.save_progress(key, {"state": str(state)})


async def state_after_earlier_write(ctx: Context, billing: Billing, intent: Intent) -> TicketState | None:
    """The state that an earlier run's write led to, found only now: people may have acted since.

    What this server did after other writes of the kind decides; before one was seen, the state of now does.
    """
    known = ctx.store.progress(_key(intent))
    return TicketState(known["state"]) if known else await _state(billing, intent)


def tell_stays_closed(ctx: Context, intent: Intent, state: TicketState | None) -> None:
    """Park it for a person where main leaves a ticket closed to which a message was written: no staff will see that."""
    if state is TicketState.CLOSED and intent.side is Side.MAIN:
        park_stays_closed(ctx, intent)


async def _state(billing: Billing, intent: Intent) -> TicketState | None:
    try:
        return (await billing.ticket(intent.target)).state
    except (Missing, Skippable, Refused):
        return None


def answers_may_close(store: Store, connections: Iterable[str]) -> frozenset[str]:
    """Name the ``connections`` whose external billing was not yet seen to leave a ticket open that we answered."""
    keys = {_reaction(name, Side.EXTERNAL, ChangeKind.POST): name for name in connections}
    known = store.progress_of(keys)
    return frozenset(n for key, n in keys.items() if known.get(key, {}).get("state") != TicketState.OPEN)


def _key(intent: Intent) -> str:
    return _reaction(intent.connection, intent.side, intent.kind)


def _reaction(connection: str, side: Side, kind: ChangeKind) -> str:
    return f"reaction/{connection}/{side}/{kind}"
