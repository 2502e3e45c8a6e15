"""Read back: look at what is on the other side after writing, and resolve what earlier runs left open.

A write is confirmed when the target thread shows it behind what was known before; an unknown one is adopted when it
is there, and may be written again only when the quarantine has passed and two complete read-backs showed nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from connectors.contract import Billing
from connectors.errors import Missing, ProtocolError, Skippable
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.messages.match_intents import could_be, match_written
from remotesupport.core.model import ChangeKind, Direction, MessageRow, TicketState
from remotesupport.core.records import Intent, IntentState
from remotesupport.core.text.compose import origin_tag
from remotesupport.core.text.normalize import body_hash
from remotesupport.steps.learned.altered_texts import note_altered, sent_texts
from remotesupport.steps.learned.reaction import (
    is_last_word,
    state_after_earlier_write,
    state_after_write,
    tell_stays_closed,
)
from remotesupport.steps.parking import park_contradiction, park_spoilt_files, park_unproven
from remotesupport.steps.values import Snapshot
from remotesupport.steps.write.verify_files import spoilt_files
from remotesupport.steps.write.writer import STATE_OF, Written
from remotesupport.store.errors import LinkConflict

QUARANTINE = timedelta(seconds=120)  # longer than any request can live in the server
ABSENT_READS = 2
MOST_PROMISES = 5  # so often a server may say that a write was done, and show nothing; then a person looks
CHECKED_AT_A_TIME = 5  # messages whose files are read back


async def read_back(
    ctx: Context, connection: Connection, sent: Sequence[Written], unread: dict[str, str]
) -> list[dict[str, object]]:
    """Confirm this run's writes. Returns RECEIPTS rows for validation, one per message written.

    ``unread`` gets (external ticket → why) those that could not be read back; they are read back again in the next run.
    Raises ConnectorError for what concerns the whole connection.
    """
    by_thread: dict[tuple[Direction, str], list[Intent]] = {}
    texts: dict[int, str] = {}
    for written in sent:
        intent = written.intent
        if intent is None or not written.ok:
            continue
        if written.receipt is not None and intent.kind is ChangeKind.CREATE:
            intent = replace(intent, main_ticket=written.receipt.ticket)
        if intent.covers:
            acked = replace(intent, state=IntentState.ACKED)
            by_thread.setdefault((intent.direction, intent.target), []).append(acked)
            texts[intent.id or 0] = written.body
    gate = asyncio.Semaphore(CHECKED_AT_A_TIME)

    async def one(direction: Direction, target: str, intents: list[Intent]) -> list[dict[str, object]]:
        try:
            return await _confirm_thread(ctx, connection, direction, target, intents, texts, gate)
        except Skippable as error:
            unread[intents[0].ext_ticket] = f"written, but not read back yet: {error}"
            return []

    found = await asyncio.gather(*(one(*key, intents) for key, intents in by_thread.items()))
    return [row for rows in found for row in rows]


def _billing(connection: Connection, direction: Direction) -> Billing:
    return connection.external if direction is Direction.TO_EXTERNAL else connection.main


async def _confirm_thread(
    ctx: Context,
    connection: Connection,
    direction: Direction,
    target: str,
    intents: list[Intent],
    texts: Mapping[int, str],
    gate: asyncio.Semaphore,
) -> list[dict[str, object]]:
    billing = _billing(connection, direction)
    thread = await billing.thread(target)
    matched = match_written(intents, thread, _known_targets(ctx, intents), texts)
    by_id = {m.message: m for m in thread}
    rows = []
    for intent in intents:
        message = matched.get(intent.id or 0)
        if message is not None:
            async with gate:
                await _check_files(ctx, connection, intent, by_id[message])
            note_altered(ctx, intent, by_id[message], texts.get(intent.id or 0))
            state = await state_after_write(ctx, billing, intent) if is_last_word(message, thread) else None
            _record_found(ctx, intent, message, IntentState.ACKED, state)
        rows.append(_receipt_row(intent, by_id.get(message or "")))
    return rows


def _known_targets(ctx: Context, intents: Sequence[Intent]) -> set[str]:
    """Return the messages of these intents' ticket that are known as some write's."""
    if not intents:
        return set()
    return ctx.store.targets(intents[0].connection, intents[0].direction, intents[0].ext_ticket)


async def _check_files(ctx: Context, connection: Connection, intent: Intent, found: MessageRow) -> None:
    """Compare the files with those that were sent, before the message counts as settled: a run that ends in between
    leaves it to the next one."""
    wrong = await spoilt_files(ctx, connection, _billing(connection, intent.direction), intent, found)
    if wrong:
        park_spoilt_files(ctx, intent, wrong)


def _record_found(
    ctx: Context, intent: Intent, message: str, state: IntentState, target_state: TicketState | None
) -> None:
    carried = tuple(replace(c, target_message=message) for c in intent.covers)
    ctx.store.confirm(intent, carried, main_ticket=intent.main_ticket, state=state, target_state=target_state)
    tell_stays_closed(ctx, intent, target_state)


def _adopt(ctx: Context, intent: Intent, message: str, target_state: TicketState | None) -> None:
    """Record an unknown write that was found. Where the ledger contradicts, it is parked for a person."""
    try:
        _record_found(ctx, intent, message, IntentState.ADOPTED, target_state)
    except LinkConflict as conflict:
        park_contradiction(ctx, intent, str(conflict))


def _receipt_row(intent: Intent, found: MessageRow | None) -> dict[str, object]:
    return {
        "connection": intent.connection,
        "direction": str(intent.direction),
        "ext_ticket": intent.ext_ticket,
        "act": intent.act,
        "expected_hash": intent.body_hash,
        "found_hash": body_hash(found.body) if found else None,
        "target_message": found.message if found else None,
    }


async def resolve_open_intents(ctx: Context, snapshot: Snapshot) -> Snapshot:
    """Resolve every open intent of one connection as far as one read-back can.

    A ticket that cannot be read is among the problems of the snapshot that is returned, and its intents stay open: it
    stops no other. Raises ConnectorError for what concerns the whole connection.
    """
    connection, problems = ctx.connections[snapshot.name], list[str]()
    groups: dict[tuple[Direction, str], list[Intent]] = {}
    for intent in ctx.store.open_intents(snapshot.name):
        groups.setdefault((intent.direction, intent.ext_ticket), []).append(intent)
    for intents in groups.values():
        try:
            await _resolve_ticket(ctx, connection, intents)
        except (Skippable, ProtocolError) as error:
            problems.append(f"ticket {intents[0].ext_ticket}: what was written could not be read back: {error}")
    return replace(snapshot, problems=(*snapshot.problems, *problems)) if problems else snapshot


async def _resolve_ticket(ctx: Context, connection: Connection, intents: list[Intent]) -> None:
    located = [await _locate(connection, i) for i in intents]
    target = next((i.target for i in located if i.direction is Direction.TO_EXTERNAL or i.main_ticket), None)
    thread = await _thread(connection, located[0].direction, target)
    speaking = [i for i in located if i.kind not in STATE_OF or i.direction is Direction.TO_MAIN]
    taken = _known_targets(ctx, speaking)
    texts = await sent_texts(ctx, connection, speaking, thread, taken)
    matched = match_written(speaking, thread, taken, texts)
    by_id = {m.message: m for m in thread}
    for intent in located:
        message = matched.get(intent.id or 0)
        if _shows_in_state(intent) and await _has_state(connection, intent):
            ctx.store.confirm(intent, (), main_ticket=intent.main_ticket, state=IntentState.ADOPTED)
        elif message is not None:
            await _check_files(ctx, connection, intent, by_id[message])
            note_altered(ctx, intent, by_id[message], texts.get(intent.id or 0))
            _adopt(ctx, intent, message, await _state_found(ctx, connection, intent, message, thread))
        elif intent.state in (IntentState.INTENT, IntentState.UNKNOWN):
            _mark_when_absent(ctx, intent)
        else:
            _handle_unproven(ctx, intent, thread, set(matched.values()))


async def _state_found(
    ctx: Context, connection: Connection, intent: Intent, message: str, thread: Sequence[MessageRow]
) -> TicketState | None:
    if not is_last_word(message, thread):
        return None
    return await state_after_earlier_write(ctx, _billing(connection, intent.direction), intent)


def _shows_in_state(intent: Intent) -> bool:
    """True where the ticket's state alone proves it. A reopening in main is a message: it may have been open before."""
    return intent.kind is ChangeKind.CLOSE or (
        intent.kind is ChangeKind.REOPEN and intent.direction is Direction.TO_EXTERNAL
    )


async def _thread(connection: Connection, direction: Direction, target: str | None) -> tuple[MessageRow, ...]:
    if target is None:
        return ()
    try:
        return await _billing(connection, direction).thread(target)
    except Missing:
        return ()


def _mark_when_absent(ctx: Context, intent: Intent) -> None:
    if _count_absence(ctx, intent):
        ctx.store.mark(intent, IntentState.ABSENT, "not there after the quarantine; it will be written again")


def _count_absence(ctx: Context, intent: Intent) -> bool:
    """Count this read, which did not show it. True: it cannot be on its way any more, and enough reads did not."""
    if ctx.clock() < intent.deadline + QUARANTINE:
        return False
    return ctx.store.count_absent(intent) >= ABSENT_READS


def _handle_unproven(ctx: Context, intent: Intent, thread: Sequence[MessageRow], others: set[str]) -> None:
    """Handle a write to which the server said yes, and which its thread does not show.

    Where nothing of ours is there, it was lost and is written again, but not without end. Where something of ours is
    there in other words, nobody can tell which write that is: a person looks.
    """
    if not _count_absence(ctx, intent):
        return
    taken = ctx.store.targets(intent.connection, intent.direction, intent.ext_ticket) | others
    seen = could_be(intent, thread, taken)
    if not seen and intent.attempt < MOST_PROMISES:
        ctx.store.take_back(intent, "the server said that it was written, but it is not there; it is written again")
        return
    found = (
        f"what was written is not found again in these words; {len(seen)} message(s) of ours there may be it "
        f"({', '.join(seen[:3])})"
    )
    never = f"the server said {intent.attempt} times that it was written (ticket {intent.target}), and it is not there"
    cause = f"{found if seen else never}: look at both tickets, then `remotesupport parked drop` says that all is well"
    park_unproven(ctx, intent, cause)


async def _locate(connection: Connection, intent: Intent) -> Intent:
    """Give an unanswered create its main ticket, the one that carries its origin, where there is one."""
    if intent.kind is not ChangeKind.CREATE or intent.main_ticket is not None:
        return intent
    wanted = origin_tag(intent.connection, intent.ext_ticket)
    for listing in connection.main.capabilities.listings:
        async for page in connection.main.pages(listing):
            for row in page.rows:
                if row.subject.startswith(wanted):
                    return replace(intent, main_ticket=row.ticket)
    return intent


async def _has_state(connection: Connection, intent: Intent) -> bool:
    try:
        row = await _billing(connection, intent.direction).ticket(intent.target)
    except Missing:
        return False
    return row.state is STATE_OF[intent.kind]
