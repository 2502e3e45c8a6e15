"""Evidence in the main billing of what we wrote there: our last notice, and the texts under our header lines.

It is the memory that a lost or restored ledger is filled from again. What must stay out: comparing it with sources
(``match_existing``), deciding what a pair is (``phases``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from remotesupport.core.frames import only
from remotesupport.core.model import PEOPLE, MessageKind, Side, TicketState
from remotesupport.core.pairs.columns import WITH_MAIN_EVIDENCE, at
from remotesupport.core.tables.joins import look_up
from remotesupport.core.text.altered import is_like
from remotesupport.core.text.compose import defuse
from remotesupport.core.text.lengths import without_word
from remotesupport.core.text.normalize import canonical, unify_line_ends

CLOSED, REOPENED, RETURNED, DEPARTED = "closed", "reopened", "returned", "departed"
_NOTICE = (
    r"^\s*(?P<named>[a-z0-9-]+) #(?P<ticket>[^\s/|]+) (?:(?P<closed>was closed there\.)|(?P<reopened>was opened again "
    r"there\.)|(?P<returned>is back in a remote department;)|(?P<departed>.{1,600}Answers written here are no longer))"
)
_LONGEST_NOTICE = 1000
_HEAD = re.compile(
    r"^(?P<named>[a-z0-9-]+) #(?P<ticket>[^\s/|]+)/(?P<message>\S+) \| (?P<rest>.*)$", re.MULTILINE
)  # the header line of ``compose.header``
_EDITED = "| edited, it now reads:"
_EDITED_WRAPPED = re.compile(r"[^|]{0,200}\|[^|]{0,120}\|\s+edited,\s+it\s+now\s+reads:")  # by a server
_RULE = "\n---"
_LOST_FILE = re.compile(r"^\[attachment not carried: .*\]$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ToldText:
    """One source message as main shows it: the ``target`` message that holds it, its text, and the header's end."""

    target: str
    text: str
    rest: str
    edited: bool


def add_last_notice(pairs: pd.DataFrame, messages: pd.DataFrame) -> pd.DataFrame:
    """Add ``notice``, our last one in each main thread that was read in this run, and whether it is the last word."""
    near = pairs[["connection", "ext_ticket", "main_ticket"]].assign(pair=pairs.index)
    threads = only(near, pairs["main_fresh"] & pairs["claims"].isna() & pairs["main_ticket"].notna())
    if threads.empty:
        return pairs.assign(notice="", last_word=False)
    speech = messages["side"].eq(Side.MAIN) & messages["kind"].isin(PEOPLE)
    short = messages["kind"].eq(MessageKind.CLIENT) & messages["body"].str.len().lt(_LONGEST_NOTICE)
    said = messages.loc[speech & short, ["connection", "ticket", "ordinal", "body"]]
    on, to = ["connection", "ticket"], ["connection", "main_ticket"]
    said = look_up(said, threads, on, {"pair": "pair", "ext_ticket": "ext_ticket"}, to)
    said = said[said["pair"].notna()]
    if said.empty:
        return pairs.assign(notice="", last_word=False)
    parts = said["body"].astype("str").str.extract(_NOTICE)
    ours = parts["named"].eq(said["connection"]) & parts["ticket"].eq(said["ext_ticket"])
    words = np.select([parts[w].notna() for w in _WORDS], list(_WORDS), "")
    said = said.assign(notice=words)[ours & (words != "")]
    said = said.astype({"pair": "int64"}).sort_values("ordinal").drop_duplicates("pair", keep="last").set_index("pair")
    last = messages[speech].groupby(on)["ordinal"].max().rename("last").reset_index()
    said = look_up(said, last, on, {"last": "last"})
    final = said.index[said["ordinal"].eq(said["last"])]
    notice = said["notice"].reindex(pairs.index).fillna("").astype("str")
    return pairs.assign(notice=notice, last_word=pairs.index.isin(final))


_WORDS = (CLOSED, REOPENED, RETURNED, DEPARTED)


def is_notice(body: str) -> bool:
    """Tell whether a text begins as our notices do, and is as short."""
    return len(body) < _LONGEST_NOTICE and re.match(_NOTICE, body) is not None


def apply_main_evidence(pairs: pd.DataFrame) -> pd.DataFrame:
    """Put what main tells in place of what the ledger says: pairs after ``add_last_notice`` → WITH_MAIN_EVIDENCE.

    A close that was told by a notice is agreed on; a ticket that was told to be back is not away; one that only main
    links and that was told to have left is away.
    """
    closed = (
        pairs["linked"] & ~pairs["departed"] & pairs["notice"].eq(CLOSED) & pairs["last_word"]
        & pairs["now_ext"].eq(TicketState.CLOSED) & pairs["agreed_ext"].eq(TicketState.OPEN)
        & pairs["now_main"].eq(TicketState.OPEN)
    )  # fmt: skip
    back = (
        pairs["linked"] & pairs["departed"] & pairs["seen"] & pairs["correspondence"].eq("on")
        & pairs["notice"].eq(RETURNED) & pairs["now_main"].eq(TicketState.OPEN)
    )  # fmt: skip
    away = ~pairs["linked"] & pairs["notice"].eq(DEPARTED)
    evident = pairs.assign(
        told_by_main=closed | back,
        was_away=back,
        departed=(pairs["departed"] & ~back) | away,
        agreed_ext=pairs["agreed_ext"].mask(closed, str(TicketState.CLOSED)),
    )
    return at(WITH_MAIN_EVIDENCE, evident)


def told_texts(main: pd.DataFrame) -> dict[tuple[int, str], list[ToldText]]:
    """Main messages (with ``pair``, ``ext_ticket``) in thread order → (pair, source message) → how it was told, in
    order: first the carrier, then each follow-up on an edit."""
    found: dict[tuple[int, str], list[ToldText]] = {}
    said = main[main["kind"].eq(MessageKind.CLIENT)]
    columns = ("pair", "connection", "ext_ticket", "message", "body")
    for pair, connection, ticket, target, body in zip(*(said[c].astype(object) for c in columns), strict=True):
        for source, told in _split(unify_line_ends(body), connection, ticket, target):
            found.setdefault((pair, source), []).append(told)
    return found


def _split(text: str, connection: str, ticket: str, target: str) -> list[tuple[str, ToldText]]:
    heads = [h for h in _HEAD.finditer(text) if (h["named"], h["ticket"]) == (connection, ticket)]
    ends = [*(h.start() for h in heads[1:]), len(text)][: len(heads)]
    result = []
    for head, end in zip(heads, ends, strict=True):
        said = text[head.end() : end]
        said = said if end == len(text) else _without_rule(said)
        rest = head["rest"].rstrip()
        result.append((head["message"], ToldText(target, said, rest, _is_edit(rest, said))))
    return result


def _is_edit(rest: str, said: str) -> bool:
    """``said``: what follows the header line; where that was wrapped, its end is in there."""
    return rest.endswith(_EDITED) or _EDITED_WRAPPED.match(f"{rest}\n{said[:300].lstrip()}") is not None


def _without_rule(said: str) -> str:
    """``said`` without the line that ends a part, and without what is blank around that line."""
    shown = said.rstrip()
    return shown.removesuffix(_RULE).rstrip() if shown.endswith(_RULE) else said


def tells_same_text(told: str, body: str) -> bool:
    """Tell whether a told text is that body. A server may have added to it, a lost file has left a line, and of one
    that was too long only the beginning was told, with a word."""
    meant = canonical(defuse(body))
    if (begin := without_word(told)) is not None and is_like(meant, begin):
        return True
    shown = canonical(_LOST_FILE.sub("", told))
    return shown == meant or (bool(meant) and shown.startswith(f"{meant}\n"))
