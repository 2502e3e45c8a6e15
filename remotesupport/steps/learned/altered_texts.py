"""Keep what servers made of our texts: in the ticket's timeline, and parked for a person where text is missing.

The message is ours all the same and nothing is sent again. What must stay out: how texts differ (``core.altered``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from connectors.contract import Billing
from connectors.errors import Skippable
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.messages.match_intents import could_be
from remotesupport.core.model import ChangeKind, Direction, MessageRow, Side
from remotesupport.core.plan.change_keys import edited_message, is_edit
from remotesupport.core.records import Event, Intent, ParkedChange
from remotesupport.core.text.altered import Altered, AlteredText, added_around, altered
from remotesupport.core.text.carrying import most, whole_text
from remotesupport.core.text.compose import header, opening, to_external, to_main
from remotesupport.core.text.foreign import without_controls
from remotesupport.core.text.lengths import in_short
from remotesupport.core.text.normalize import body_hash
from remotesupport.steps.learned.longest_text import longest
from remotesupport.steps.parking import park_altered

EVENT = "altered"
_UNKNOWN = Altered(
    "it is another text there than the one that was sent, which nobody can read any more (it was edited or is gone)",
    missing=True, like=False, near=False,
)  # fmt: skip


def note_altered(ctx: Context, intent: Intent, shown: MessageRow, sent: str | None) -> None:
    """Keep how ``shown``, which is what ``intent`` wrote, differs from it. ``sent``: its text; None: not known now."""
    if body_hash(shown.body) == intent.body_hash:
        return
    found = altered(sent, shown.body) if sent is not None else added_around(intent.body_hash, shown.body) or _UNKNOWN
    if found is None:
        return
    keep_altered(
        ctx, intent.connection, intent.ext_ticket, intent.direction, intent.kind,
        intent.covers[0].source_message if intent.covers else str(intent.kind), shown.message, found, intent.run,
    )  # fmt: skip


def keep_altered(
    ctx: Context, connection: str, ext_ticket: str, direction: Direction, kind: ChangeKind, source: str, target: str,
    found: Altered, run: str,
) -> None:  # fmt: skip
    """Write a line into the timeline, or park it for a person where text is missing. This comes before the message
    counts as confirmed, so that a run which ends in between does it again."""
    side = direction.target
    where = f"{source} → {target}: the {side} billing shows our text otherwise: {found.what}"
    if found.missing:
        park_altered(ctx, ParkedChange(
            connection, ext_ticket, None, kind, "", f"message {where}. Tell "
            f"{'staff of main' if side is Side.MAIN else 'the client'} what is missing, then "
            "`remotesupport parked drop` says that all is well", ctx.clock(), 1, None, run,
        ), direction, source)  # fmt: skip
    else:
        ctx.store.add_events([Event(ctx.clock(), connection, ext_ticket, EVENT, run, where)])


def keep_recognised(ctx: Context, connection: str, texts: Iterable[AlteredText], run: str) -> None:
    """Keep what a diff found again in other words, before those messages count as carried."""
    for one in texts:
        keep_altered(
            ctx, connection, one.ext_ticket, Direction(one.direction), ChangeKind.POST, one.source, one.target,
            one.found, run,
        )  # fmt: skip


async def sent_texts(
    ctx: Context,
    connection: Connection,
    intents: Sequence[Intent],
    thread: Sequence[MessageRow],
    taken: Collection[str],
) -> dict[int, str]:
    """Map intent ids to the texts that they wrote, made anew from their sources, where ``thread`` may have other words.

    Only of sources that say what they said then. Raises ConnectorError when the other side cannot be asked.
    """
    exact = {body_hash(row.body) for row in thread}
    unsure = [i for i in intents if i.covers and i.body_hash not in exact and could_be(i, thread, taken)]
    if not unsure:
        return {}
    first = unsure[0]
    inward = first.direction is Direction.TO_MAIN
    source: Billing = connection.external if inward else connection.main
    ticket = first.ext_ticket if inward else first.main_ticket
    try:
        said = {row.message: row for row in await source.thread(ticket)} if ticket else {}
    except Skippable:
        return {}
    limit = most(longest(ctx, [connection.name]), connection.name, first.direction)
    texts = {i.id or 0: _text(connection, i, said, limit) for i in unsure}
    return {number: text for number, text in texts.items() if text is not None}


def _text(connection: Connection, intent: Intent, said: dict[str, MessageRow], limit: int) -> str | None:
    rows = [said.get(edited_message(c.source_message)) for c in intent.covers]
    bodies = [without_controls(row.body) if row else "" for row in rows]
    if any(c.body_hash != body_hash(body) for c, body in zip(intent.covers, bodies, strict=True)):
        return None
    told = [
        in_short(
            _one(connection, intent, c.source_message, row, body), limit,
            whole_text(intent.direction, intent.connection, intent.ext_ticket, row.message),
        )
        for c, row, body in zip(intent.covers, rows, bodies, strict=True) if row is not None
    ]  # fmt: skip
    return opening(told)


def _one(connection: Connection, intent: Intent, source: str, row: MessageRow, body: str) -> str:
    edited = is_edit(source)
    if intent.direction is Direction.TO_EXTERNAL:
        author = row.author if connection.settings.show_author else None
        return to_external(body, [f.name for f in row.files], author, edited=edited)
    head = header(intent.connection, intent.ext_ticket, row.message, row.author, str(row.kind), row.at_text, row.zone)
    return to_main(head, body, edited=edited)
