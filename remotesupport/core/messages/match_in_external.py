"""Main replies that stand in the external thread already. Nothing was added to them, so order and text tell.

First the equal ones, the first with the first; then follow-ups on edits by the words before them; then those that a
server shows otherwise, which is nobody's edit; then what lies between two found ones: those were edited since, or given
up by a person. A message that our own login wrote and that
the ledger does not know shows that the ledger is lost or old.
What must stay out: the direction to main (``match_in_main``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice, pairwise

import pandas as pd

from remotesupport.core.messages.matches import Matches
from remotesupport.core.model import Direction
from remotesupport.core.plan.change_keys import edit_name
from remotesupport.core.text.altered import is_like
from remotesupport.core.text.normalize import body_hash, canonical

_OUT = str(Direction.TO_EXTERNAL)
_EDITED = "(edited) "
_NEAREST = 50  # messages that are compared with one reply word by word


@dataclass(slots=True)
class _Reply:
    """A staff reply in main: not carried as far as the ledger knows, or (``known`` follow-ups) carried and edited."""

    row: pd.DataFrame
    place: int
    known: int | None = None
    copy: int | None = None
    follow_ups: list[int] = field(default_factory=list)

    @property
    def message(self) -> str:
        """Its id in main."""
        return str(self.row["message"].iloc[0])

    @property
    def digest(self) -> str:
        """The hash of its text now."""
        return str(self.row["body_hash"].iloc[0])


def match_in_external(replies: pd.DataFrame, edited: pd.DataFrame, mine: pd.DataFrame) -> Matches:
    """``mine``: messages of the external threads that may be ours, and that the ledger does not know."""
    found = Matches(Direction.TO_EXTERNAL)
    for pair in sorted(set(mine["pair"]) & {*replies["pair"], *edited["pair"]}):
        new, old = (rows[rows["pair"].eq(pair)] for rows in (replies, edited))
        listed = [_Reply(new.iloc[[n]], n) for n in range(len(new))]
        again = [_Reply(old.iloc[[n]], -1, known=int(old["edits"].iloc[n])) for n in range(len(old))]
        copies = mine[mine["pair"].eq(pair)].reset_index(drop=True)
        _equal(listed, copies)
        _told_again([*listed, *again], copies)
        _alike(listed, again, copies)
        _between(listed, _left(copies, [*listed, *again]))
        _record(pair, listed, again, copies, found)
    return found


def _equal(listed: list[_Reply], copies: pd.DataFrame) -> None:
    waiting: dict[str, list[int]] = {}
    for place, digest in enumerate(copies["body_hash"]):
        waiting.setdefault(digest, []).append(place)
    for reply in listed:
        same = waiting.get(str(reply.row["sent_hash"].iloc[0]))
        if same:
            reply.copy = same.pop(0)


def _alike(listed: list[_Reply], again: list[_Reply], copies: pd.DataFrame) -> None:
    """Each reply without a copy has the first message that is its text as a server shows it, if any; in order."""
    free, last = _left(copies, [*listed, *again]), -1
    for reply in listed:
        if reply.copy is not None or reply.follow_ups:
            last = max(last, reply.copy if reply.copy is not None else -1)
            continue
        sent = str(reply.row["sent"].iloc[0])
        near = islice((n for n in free if n > last), _NEAREST)
        reply.copy = next((n for n in near if is_like(sent, copies["body"].iloc[n])), None)
        if reply.copy is not None:
            free.remove(reply.copy)
            last = reply.copy


def _told_again(replies: list[_Reply], copies: pd.DataFrame) -> None:
    """Follow-ups: of the reply that they quote, else of the next quoted one, else of the only one that has no copy."""
    texts = {n: canonical(copies["body"].iloc[n]) for n in _left(copies, replies)}
    texts = {n: text.removeprefix(_EDITED) for n, text in texts.items() if text.startswith(_EDITED)}
    orphans: list[int] = []
    for place, text in texts.items():
        quoted = next((r for r in replies if _quotes(text, r)), None)
        if quoted is None:
            orphans.append(place)
            continue
        quoted.follow_ups += [*orphans, place]
        orphans = []
    lone = [r for r in replies if r.copy is None]
    if orphans and len(lone) == 1:
        lone[0].follow_ups += orphans


def _quotes(text: str, reply: _Reply) -> bool:
    meant = canonical(str(reply.row["body"].iloc[0]))
    same = text == (meant or "-") or (bool(meant) and text.startswith(f"{meant}\n"))
    return same or is_like(meant, text)


def _left(copies: pd.DataFrame, replies: Iterable[_Reply]) -> list[int]:
    used = {place for r in replies for place in (r.copy, *r.follow_ups)}
    return [n for n in range(len(copies)) if n not in used]


def _between(listed: list[_Reply], free: list[int]) -> None:
    """Replies without a copy of the same text: the unexplained messages at their place are theirs, in order."""
    anchors = [(-1, -1), *((r.place, r.copy) for r in listed if r.copy is not None), (len(listed), None)]
    for (low, after), (high, before) in pairwise(anchors):
        gap = [r for r in listed if low < r.place < high and r.copy is None]
        places = [n for n in free if (after is None or n > after) and (before is None or n < before)]
        certain = before is not None or len(gap) >= len(places)  # what is left of the last ones was never sent
        for reply, place in zip(gap if certain else [r for r in gap if r.follow_ups], places, strict=False):
            reply.copy = place


def _record(pair: int, listed: list[_Reply], again: list[_Reply], copies: pd.DataFrame, found: Matches) -> None:
    last = max((r.place for r in listed if r.copy is not None), default=-1)
    for reply in listed:
        ordinal = int(reply.row["ordinal"].iloc[0])
        if reply.copy is None and not reply.follow_ups:
            if reply.place < last:  # a later one was sent: a person gave this one up
                found.add((pair, _OUT, reply.message, reply.digest, None, ordinal))
                found.sources.add((pair, reply.message))
            continue
        _one(pair, reply, copies, ordinal, found)
    for reply in again:
        if reply.follow_ups:
            found.settled.add((pair, reply.message))
            _told(pair, reply, copies, int(reply.row["ordinal"].iloc[0]), found)


def _one(pair: int, reply: _Reply, copies: pd.DataFrame, ordinal: int, found: Matches) -> None:
    place = reply.copy if reply.copy is not None else reply.follow_ups[0]
    shown, target = str(copies["body"].iloc[place]), str(copies["message"].iloc[place])
    same = reply.copy is not None and found.says(pair, reply.message, target, str(reply.row["sent"].iloc[0]), shown)
    digest = reply.digest if same else body_hash(shown)
    found.add((pair, _OUT, reply.message, digest, target, ordinal))
    found.sources.add((pair, reply.message))
    if reply.follow_ups:
        _told(pair, reply, copies, ordinal, found)
    elif digest != reply.digest:
        found.tell(reply.row, 0)


def _told(pair: int, reply: _Reply, copies: pd.DataFrame, ordinal: int, found: Matches) -> None:
    """The follow-ups as carried under their own names; the last one may tell of the text as it is now."""
    times = reply.known or 0
    for place in reply.follow_ups:
        times += 1
        text = canonical(copies["body"].iloc[place]).removeprefix(_EDITED)
        digest = reply.digest if _quotes(text, reply) else body_hash(text)
        found.add((pair, _OUT, edit_name(reply.message, times), digest, str(copies["message"].iloc[place]), ordinal))
    if digest != reply.digest:
        found.tell(reply.row, times)
