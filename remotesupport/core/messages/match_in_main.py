"""External messages that stand in main already, by the header line over them, with the text that was told last.

What must stay out: replies towards clients (``match_in_external``).
"""

from __future__ import annotations

import pandas as pd

from remotesupport.core.messages.matches import Matches
from remotesupport.core.model import Direction
from remotesupport.core.pairs.main_evidence import ToldText, tells_same_text, told_texts
from remotesupport.core.plan.change_keys import edit_name
from remotesupport.core.text.compose import header_lines, to_main
from remotesupport.core.text.normalize import body_hash

_IN = str(Direction.TO_MAIN)


def match_in_main(sources: pd.DataFrame, edited: pd.DataFrame, main: pd.DataFrame) -> Matches:
    """``sources``: not carried as far as the ledger knows; ``edited``: carried with another text; as in Traffic."""
    found = Matches(Direction.TO_MAIN)
    told = told_texts(main[main["pair"].isin({*sources["pair"], *edited["pair"]})])
    if not told:
        return found
    for place, key in enumerate(zip(sources["pair"], sources["message"], strict=True)):
        if key in told:
            _new(sources.iloc[[place]], told[key], found)
    for place, key in enumerate(zip(edited["pair"], edited["message"], strict=True)):
        if key in told:
            _again(edited.iloc[[place]], told[key], found)
    return found


def _new(row: pd.DataFrame, told: list[ToldText], found: Matches) -> None:
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


def _again(row: pd.DataFrame, told: list[ToldText], found: Matches) -> None:
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
    return [edit_name(message, n) for n in range(first, last + 1)]


def _hashes(row: pd.DataFrame, told: list[ToldText], found: Matches) -> list[str]:
    """Hash each told text; the last hash is the source's own where it says the same, perhaps as the server shows it."""
    source, last = row.iloc[0], told[-1]
    hashes = [body_hash(t.text) for t in told]
    if tells_same_text(last.text, source["body"]) or _shown(row, last, found):
        hashes[-1] = source["body_hash"]
    return hashes


def _shown(row: pd.DataFrame, told: ToldText, found: Matches) -> bool:
    """Tell whether main shows that message in other words; where its header line is not whole (a server may have
    wrapped it), it counts in."""
    source = row.iloc[0]
    sent, shown = to_main(header_lines(row)[0], source["body"], edited=told.edited), told.text
    begin, rest = sent.split("\n", 1)[0].split(" | ", 1)
    if told.rest == rest:
        sent = sent.split("\n", 1)[1]
    else:
        shown = f"{begin} | {told.rest}\n{told.text}"
    return found.says(source["pair"], source["message"], told.target, sent, shown)
