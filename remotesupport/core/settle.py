"""Which message of a thread is the one that we wrote: matching intents with a read-back.

Position and text decide, never time. What must stay out: what to do about an intent that is not found.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from remotesupport.core.model import Direction, Intent, IntentState, MessageKind, MessageRow
from remotesupport.core.normalize import body_hash

_SPEAKS = {Direction.TO_MAIN: MessageKind.CLIENT, Direction.TO_EXTERNAL: MessageKind.STAFF}


def match_written(intents: Sequence[Intent], thread: Sequence[MessageRow], taken: Collection[str]) -> dict[int, str]:
    """Intent id → id of the message that it became, for the intents of one ticket and direction.

    A message counts when it is behind the last one known before the intent, not somebody else's, of the kind that the
    direction writes, of the same canonical text, and not ``taken`` (already some receipt's target). Intents are served
    in the order of their ids and each message serves one, so equal texts stay as many as they are. Of equal texts, one
    with as many files as were sent comes first; one with fewer still counts, since a server may have lost a file.
    """
    found: dict[int, str] = {}
    used = set(taken)
    texts = {m.message: body_hash(m.body) for m in thread}
    ordered = sorted(thread, key=lambda m: m.ordinal)
    by_age = sorted((i for i in intents if i.id is not None), key=lambda i: i.id or 0)
    for intent in by_age:
        same = [
            row
            for row in _behind(intent, ordered)
            if row.message not in used and _is_ours(intent, row) and texts[row.message] == intent.body_hash
        ]
        if same:
            row = next((r for r in same if len(r.files) == len(intent.file_hashes)), same[0])
            found[intent.id or 0] = row.message
            used.add(row.message)
    for intent in by_age:
        if intent.id not in found:
            _by_position(intent, ordered, used, found)
    return found


def could_be(intent: Intent, thread: Sequence[MessageRow], taken: Collection[str]) -> list[str]:
    """Ids of the messages of ``thread`` that could be what ``intent`` wrote, whatever their words; in order."""
    ordered = sorted(thread, key=lambda m: m.ordinal)
    return [
        r.message
        for r in _behind(intent, ordered)
        if r.message not in taken and _is_ours(intent, r) and _names(intent, r)
    ]


def _by_position(intent: Intent, ordered: Sequence[MessageRow], used: set[str], found: dict[int, str]) -> None:
    """Where the server said yes but shows other words (it adds a signature, say): the only new message of ours."""
    free = [r for r in _behind(intent, ordered) if r.message not in used and r.own and _is_ours(intent, r)]
    free = [r for r in free if _names(intent, r)]
    if intent.state is IntentState.ACKED and len(free) == 1:
        found[intent.id or 0] = free[0].message
        used.add(free[0].message)


def _behind(intent: Intent, ordered: Sequence[MessageRow]) -> Sequence[MessageRow]:
    """The thread after the last message known before the intent; by ordinal where that one is not there (any more)."""
    for place, row in enumerate(ordered):
        if row.message == intent.last_known:
            return ordered[place + 1 :]
    return [row for row in ordered if row.ordinal > intent.last_ordinal]


def _is_ours(intent: Intent, row: MessageRow) -> bool:
    return row.own is not False and row.kind is _SPEAKS[intent.direction]


def _names(intent: Intent, row: MessageRow) -> bool:
    """Towards main whatever we wrote says in a header line which message it carries; our notices there carry none."""
    sources = {c.source_message.partition("/edit/")[0] for c in intent.covers}
    if intent.direction is Direction.TO_EXTERNAL or not sources:
        return True
    return any(f"{intent.connection} #{intent.ext_ticket}/{source} |" in row.body for source in sources)
