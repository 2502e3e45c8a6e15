"""External messages that stand in main already, by the header line over them, with the text that was told last.

What must stay out: replies towards clients (``answered``).
"""

from __future__ import annotations

import pandas as pd

from remotesupport.core.compose import to_main
from remotesupport.core.found import Found
from remotesupport.core.model import Direction
from remotesupport.core.normalize import body_hash
from remotesupport.core.posts import headers
from remotesupport.core.told import Told, says, sections

_IN = str(Direction.TO_MAIN)


def arrived(sources: pd.DataFrame, edited: pd.DataFrame, main: pd.DataFrame) -> Found:
    """``sources``: not carried as far as the ledger knows; ``edited``: carried with another text; as in Traffic."""
    found = Found(Direction.TO_MAIN)
    told = sections(main[main["pair"].isin({*sources["pair"], *edited["pair"]})])
    if not told:
        return found
    for place, key in enumerate(zip(sources["pair"], sources["message"], strict=True)):
        if key in told:
            _new(sources.iloc[[place]], told[key], found)
    for place, key in enumerate(zip(edited["pair"], edited["message"], strict=True)):
        if key in told:
            _again(edited.iloc[[place]], told[key], found)
    return found


def _new(row: pd.DataFrame, told: list[Told], found: Found) -> None:
    source = row.iloc[0]
    follow_ups = [t for t in told if t.edited]
    carriers = [t for t in told if not t.edited][:1]
    hashes = _hashes(row, [*carriers, *follow_ups], found)
    names = [source["message"]] * len(carriers) + _names(source["message"], 1, len(follow_ups))
    for name, digest, one in zip(names, hashes, [*carriers, *follow_ups], strict=True):
        found.add((source["pair"], _IN, name, digest, one.target, source["ordinal"]))
    if not carriers:  # only follow-ups are left of it: the message itself counts as told
        found.add((source["pair"], _IN, source["message"], hashes[0], told[0].target, source["ordinal"]))
    found.sources.add((source["pair"], source["message"]))
    if hashes[-1] != source["body_hash"]:
        found.tell(row, len(follow_ups))


def _again(row: pd.DataFrame, told: list[Told], found: Found) -> None:
    """Follow-ups that the ledger does not know (a restored one)."""
    source = row.iloc[0]
    known, follow_ups = int(source["edits"]), [t for t in told if t.edited]
    unknown = follow_ups[known:]
    if not unknown:
        return
    names, hashes = _names(source["message"], known + 1, len(follow_ups)), _hashes(row, unknown, found)
    for name, digest, one in zip(names, hashes, unknown, strict=True):
        found.add((source["pair"], _IN, name, digest, one.target, source["ordinal"]))
    found.settled.add((source["pair"], source["message"]))
    if hashes[-1] != source["body_hash"]:
        found.tell(row, len(follow_ups))


def _names(message: str, first: int, last: int) -> list[str]:
    return [f"{message}/edit/{n}" for n in range(first, last + 1)]


def _hashes(row: pd.DataFrame, told: list[Told], found: Found) -> list[str]:
    """Of each told text; the last is the source's own where it says the same, perhaps as the server shows it."""
    source, last = row.iloc[0], told[-1]
    hashes = [body_hash(t.text) for t in told]
    if says(last.text, source["body"]) or _shown(row, last, found):
        hashes[-1] = source["body_hash"]
    return hashes


def _shown(row: pd.DataFrame, told: Told, found: Found) -> bool:
    """Whether main shows that message in other words; where its header line is not whole (a server may have wrapped
    it), it counts in."""
    source = row.iloc[0]
    sent, shown = to_main(headers(row)[0], source["body"], edited=told.edited), told.text
    begin, rest = sent.split("\n", 1)[0].split(" | ", 1)
    if told.rest == rest:
        sent = sent.split("\n", 1)[1]
    else:
        shown = f"{begin} | {told.rest}\n{told.text}"
    return found.says(source["pair"], source["message"], told.target, sent, shown)
