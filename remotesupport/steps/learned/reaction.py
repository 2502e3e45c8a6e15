"""Read the state that a ticket has after our own write, and remember it as the server's way of reacting.

A server may close a ticket when it is answered, or leave one closed to which a message was written. Either belongs to
the write and is no person's act (semantics section 5). What must stay out: which message is ours (``readback``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connectors.contract import Billing
from connectors.errors import Missing, Refused, Skippable
from remotesupport.bootstrap import Context
from remotesupport.core.connections.answer_reaction import AnswerReaction, as_stored
from remotesupport.core.model import PEOPLE, ChangeKind, MessageRow, Side, TicketState
from remotesupport.core.records import Intent
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
    if state is None or intent.kind not in (ChangeKind.POST, ChangeKind.CREATE):
        return state
    if _is_answer(intent):
        return _after_answer(ctx.store, intent, state)
    remember_state(ctx.store, intent.connection, intent.side, state, intent.kind)
    return state


def remember_state(
    store: Store, connection: str, side: Side, state: TicketState, kind: ChangeKind = ChangeKind.POST
) -> None:
    """Keep which state a message of ours, or a ticket that we open, leads to on this side."""
    key = _reaction(connection, side, kind)
    if (store.progress(key) or {}).get("state") != state:
        store.save_progress(key, {"state": str(state)})


async def state_after_earlier_write(ctx: Context, billing: Billing, intent: Intent) -> TicketState | None:
    """The state that an earlier run's write led to, found only now: people may have acted since.

    What this server did after other writes of the kind decides. Before one was seen, a ticket that we opened was open,
    so that whoever has closed it since is followed; for a message the state of now decides, and an answer's may be
    taken back.
    """
    if _is_answer(intent):
        return _after_earlier_answer(ctx.store, intent, await _state(billing, intent))
    known = ctx.store.progress(_key(intent))
    if known or intent.kind is ChangeKind.CREATE:
        return TicketState(known["state"]) if known else TicketState.OPEN
    return await _state(billing, intent)


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
    return frozenset(n for key, n in keys.items() if not as_stored(known.get(key)).leaves_open)


def doubted_closes(store: Store, connection: str) -> frozenset[str]:
    """Name external tickets that were closed right after our answer, where it is not known yet who has closed them."""
    return frozenset(_known_of_answers(store, connection).doubted)


def _known_of_answers(store: Store, connection: str) -> AnswerReaction:
    return as_stored(store.progress(_reaction(connection, Side.EXTERNAL, ChangeKind.POST)))


def _is_answer(intent: Intent) -> bool:
    return intent.side is Side.EXTERNAL and intent.kind is ChangeKind.POST


def _after_answer(store: Store, intent: Intent, now: TicketState) -> TicketState:
    """Remember how the ticket stands after our answer → the state to which the answer led.

    Where it was closed before, nothing is learned. Closes that were a person's after all become so in the ledger.
    """
    if now is TicketState.CLOSED and _agreed(store, intent.connection, intent.ext_ticket) == TicketState.CLOSED:
        return now
    known = _known_of_answers(store, intent.connection)
    more, led_to, persons = known.seen(intent.ext_ticket, now)
    if more != known:
        store.save_progress(_key(intent), more.stored())
    for ticket in persons:
        if _agreed(store, intent.connection, ticket) == TicketState.CLOSED:
            store.set_states(intent.connection, ticket, ext_state=TicketState.OPEN, run=intent.run)
    return led_to


def _after_earlier_answer(store: Store, intent: Intent, now: TicketState | None) -> TicketState | None:
    known = _known_of_answers(store, intent.connection)
    if known.leaves_open or known.closes:
        return TicketState.OPEN if known.leaves_open else TicketState.CLOSED
    if now is TicketState.CLOSED:
        store.save_progress(_key(intent), known.doubting(intent.ext_ticket).stored())
    return now


def _agreed(store: Store, connection: str, ticket: str) -> str | None:
    """The state of the external ticket in the ledger."""
    return next((str(row["ext_state"]) for row in store.link_rows(connection, [ticket])), None)


def _key(intent: Intent) -> str:
    return _reaction(intent.connection, intent.side, intent.kind)


def _reaction(connection: str, side: Side, kind: ChangeKind) -> str:
    return f"reaction/{connection}/{side}/{kind}"
