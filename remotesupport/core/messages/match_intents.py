"""Finds the message of a thread that we wrote: matches intents with a read-back.

Position and text decide, never time. What must stay out: what to do about an intent that is not found.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from remotesupport.core.model import Direction, MessageKind, MessageRow
from remotesupport.core.plan.change_keys import edited_message
from remotesupport.core.records import Intent, IntentState
from remotesupport.core.text.altered import added_around, altered, is_like
from remotesupport.core.text.normalize import body_hash

NO_TEXTS: Mapping[int, str] = MappingProxyType({})
_LONGEST_NOTICE = 3000
_SPEAKS = {Direction.TO_MAIN: MessageKind.CLIENT, Direction.TO_EXTERNAL: MessageKind.STAFF}


def match_written(
    intents: Sequence[Intent],
    thread: Sequence[MessageRow],
    taken: Collection[str],
    sent: Mapping[int, str] = NO_TEXTS,
) -> dict[int, str]:
    """Intent id → id of the message that it became, for the intents of one ticket and direction.

    A message counts when it is behind the last one known before the intent, not somebody else's, of the kind that the
    direction writes, of the same canonical text, and not ``taken`` (already some receipt's target). Intents are served
    in the order of their ids and each message serves one, so equal texts stay as many as they are. Of equal texts, one
    with as many files as were sent comes first; one with fewer still counts, since a server may have lost a file.
    Where the server shows other words than were written, what was ``sent`` (intent id → text) or its place tells.
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
            _in_other_words(intent, ordered, used, found, sent.get(intent.id or 0))
    return found


def could_be(intent: Intent, thread: Sequence[MessageRow], taken: Collection[str]) -> list[str]:
    """Ids of the messages of ``thread`` that could be what ``intent`` wrote, whatever their words; in order."""
    ordered = sorted(thread, key=lambda m: m.ordinal)
    return [
        r.message
        for r in _behind(intent, ordered)
        if r.message not in taken and _is_ours(intent, r) and _names(intent, r)
    ]


def _in_other_words(
    intent: Intent, ordered: Sequence[MessageRow], used: set[str], found: dict[int, str], sent: str | None
) -> None:
    """Match texts that the server shows in other words (a signature, lost emoji, a cut): by likeness, else by place."""
    free = [r for r in _behind(intent, ordered) if r.message not in used and _is_ours(intent, r) and _names(intent, r)]
    alike = [r for r in free if _is_alike(intent, r.body, sent)][:1]
    chosen = alike or _the_only_one(intent, free, sent)
    if chosen:
        found[intent.id or 0] = chosen[0].message
        used.add(chosen[0].message)


def _the_only_one(intent: Intent, free: Sequence[MessageRow], sent: str | None) -> Sequence[MessageRow]:
    """The only new message that names what we wrote; or that is by our own login, where the server has said yes or it
    begins like ours. A person may have our login, so an unanswered write is not whatever stands there."""
    by_name = intent.direction is Direction.TO_MAIN and bool(intent.covers)
    named = free if by_name else [r for r in free if r.own]
    if len(named) != 1:
        return ()
    certain = by_name or intent.state is IntentState.ACKED
    return named if certain or (sent is not None and _is_near(sent, named[0].body)) else ()


def _is_alike(intent: Intent, shown: str, sent: str | None) -> bool:
    if sent is not None:
        return is_like(sent, shown)
    if added_around(intent.body_hash, shown) is not None:
        return True
    return not intent.covers and intent.body_hash in {body_hash(part) for part in _parts(shown)}


def _parts(shown: str) -> set[str]:
    """Lines and paragraphs, each on one line: one of them may be a notice of ours that a server has added to."""
    if len(shown) > _LONGEST_NOTICE:
        return set()
    return {*shown.splitlines(), *(" ".join(p.split()) for p in (shown, *shown.split("\n\n")))}


def _is_near(sent: str, shown: str) -> bool:
    found = altered(sent, shown)
    return found is None or found.near


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
    sources = {edited_message(c.source_message) for c in intent.covers}
    if intent.direction is Direction.TO_EXTERNAL or not sources:
        return True
    return any(f"{intent.connection} #{intent.ext_ticket}/{source} |" in row.body for source in sources)
