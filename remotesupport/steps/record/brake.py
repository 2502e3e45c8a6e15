"""The brake: a ticket in which too much is carried one way waits for a person, since two machines may be talking.

What must stay out: what a plan may do at once (``core.guard``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from remotesupport.bootstrap import Context
from remotesupport.core.messages.machine_talk import ROUNDS, rounds
from remotesupport.core.model import ChangeKind, Direction, Side
from remotesupport.core.plan.change_keys import intent_key
from remotesupport.core.plan.plan import Plan
from remotesupport.core.records import Beside, ParkedChange
from remotesupport.steps.framing import Rows
from remotesupport.steps.values import Loaded, SideRead, Snapshot

HOUR = timedelta(hours=1)
TALK = f"{ChangeKind.POST}/talk{Beside.BRAKE}"
MANY = f"{ChangeKind.POST}/many{Beside.BRAKE}"


def brake(
    ctx: Context, run: str, snapshot: Snapshot, plan: Plan | None, loaded: Loaded | None, parked: list[ParkedChange]
) -> list[ParkedChange]:
    """``parked`` with a row for each ticket and direction that has to wait, and without talks that a person has ended.

    A person offers such a ticket again, and it goes on; what is counted in an hour begins anew with that.
    """
    left = _without_ended(ctx, run, snapshot, parked)
    known = {change.key for change in left}
    new = [
        ctx.store.park(_row(ctx, run, snapshot.name, ticket, direction, act, cause))
        for (ticket, direction), (act, cause) in _too_much(ctx, snapshot, _posted(plan, loaded)).items()
        if intent_key(snapshot.name, direction, ticket, act) not in known
    ]
    for change in (change for change in new if change.key.endswith(MANY)):
        ctx.store.save_progress(_since(change.key), {"at": change.since.isoformat()})
    return left + new


def is_braked(change: ParkedChange) -> bool:
    """Tell whether it holds back a ticket in one direction because of what was carried before."""
    return change.beside is Beside.BRAKE


def in_words(waiting: list[ParkedChange]) -> str:
    """Name the first ticket that waits, with its reason."""
    first = waiting[0]
    return f"{len(waiting)} ticket(s) wait for a person: ticket {first.ext_ticket}: {first.cause}"


def _posted(plan: Plan | None, loaded: Loaded | None) -> list[tuple[str, Direction]]:
    """(external ticket, direction) of the messages that this run has written."""
    if plan is None or loaded is None or loaded.stopped:
        return []
    rows = plan.changes[plan.changes["kind"].eq(ChangeKind.POST)]
    pairs = zip(rows["ext_ticket"].tolist(), rows["direction"].tolist(), strict=True)
    return [(t, Direction(d)) for t, d in dict.fromkeys(pairs) if t not in loaded.failed]


def _too_much(
    ctx: Context, snapshot: Snapshot, posted: Iterable[tuple[str, Direction]]
) -> dict[tuple[str, Direction], tuple[str, str]]:
    """Find what has to wait → the act that names it, and why in words."""
    found: dict[tuple[str, Direction], tuple[str, str]] = {}
    limit = ctx.settings.limits(snapshot.name).messages_an_hour
    for one in posted if limit else ():
        count = _in_the_last_hour(ctx, snapshot.name, *one)
        if count >= limit:
            found[one] = MANY, f"{count} messages were carried {_whither(snapshot.name, one[1])} within an hour"
        elif rounds(_source_of(ctx, snapshot, *one), one[1].source) >= ROUNDS:
            found[one] = TALK, f"{ROUNDS} answers in a row came within seconds of the message before them"
    return found


def _in_the_last_hour(ctx: Context, name: str, ticket: str, direction: Direction) -> int:
    """Messages of this ticket that were written this way within an hour, and since a person last let it go on."""
    mark = ctx.store.progress(_since(intent_key(name, direction, ticket, MANY)))
    since = max(ctx.clock() - HOUR, datetime.fromisoformat(mark["at"]) if mark else datetime.min.replace(tzinfo=UTC))
    return ctx.store.posted_since(name, ticket, direction, since)


def _since(key: str) -> str:
    return f"brake/{key}"


def _whither(name: str, direction: Direction) -> str:
    return "into main" if direction is Direction.TO_MAIN else f"to {name}"


def _source_of(ctx: Context, snapshot: Snapshot, ticket: str, direction: Direction) -> Rows:
    """The thread that the messages came from, where this run has read it."""
    side = _side(snapshot, direction)
    number = ticket if direction is Direction.TO_MAIN else ctx.store.linked(snapshot.name, [ticket]).get(ticket)
    return [row for row in side.messages if row["ticket"] == number]


def _side(snapshot: Snapshot, direction: Direction) -> SideRead:
    return snapshot.external if direction.source is Side.EXTERNAL else snapshot.main


def _without_ended(ctx: Context, run: str, snapshot: Snapshot, parked: list[ParkedChange]) -> list[ParkedChange]:
    """Let go the talks in which somebody has spoken since who took his time."""
    over = []
    for change in parked:
        if change.key.endswith(TALK) and change.direction is not None:
            thread = _source_of(ctx, snapshot, change.ext_ticket, change.direction)
            if thread and rounds(thread, change.direction.source) < ROUNDS:
                ctx.store.unpark(change.id or 0, run)
                over.append(change)
    return [change for change in parked if change not in over]


def _row(ctx: Context, run: str, name: str, ticket: str, direction: Direction, act: str, cause: str) -> ParkedChange:
    words = (
        f"{cause}: two machines may be answering each other, so nothing more of it is carried that way. End the "
        "automatic answer on one side; then `remotesupport parked retry` lets it go on, and `remotesupport parked "
        "drop` leaves the whole ticket alone"
    )
    key = intent_key(name, direction, ticket, act)
    return ParkedChange(name, ticket, direction, ChangeKind.POST, key, words, ctx.clock(), 1, None, run)
