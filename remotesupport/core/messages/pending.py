"""Pending messages: those that may cross and have not, in their order. The message part of the three-way diff.

Deny by default: a message that is not a client's or staff's never gets in here. What must stay out: texts, statuses.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pandas as pd

from remotesupport.core.frames import only
from remotesupport.core.model import PEOPLE, Direction, MessageKind, Side
from remotesupport.core.pairs.pairs import EXT
from remotesupport.core.pairs.phases import CROSSING, ENTERING, Phase
from remotesupport.core.plan.change_keys import EDIT
from remotesupport.core.reconcile_io import Inputs
from remotesupport.core.tables.joins import is_in, look_up, positions
from remotesupport.core.text.carrying import in_length
from remotesupport.core.text.compose import to_external
from remotesupport.core.text.normalize import body_hashes

MESSAGE = [*EXT, "message"]
_EDIT = rf"^(?P<source_message>.*){EDIT}(?P<edits>\d+)$"


@dataclass(frozen=True)
class PendingMessages:
    """MESSAGES rows with their pair's ``ext_ticket``, ``main_ticket``, ``phase`` and ``pair`` (its index label).

    ``to_main``/``to_external``: not carried yet, in source order, with ``waits`` (bool: an earlier write must be
    settled first). ``to_main`` has also what our own login wrote, until ``match_existing`` looks at it. ``edited``:
    carried before with another text, with ``direction`` and ``edits`` (how often so far).
    ``to_external`` also has ``sent``, the text as the client gets it, and ``sent_hash``. ``main``: all people in main.
    """

    to_main: pd.DataFrame
    to_external: pd.DataFrame
    edited: pd.DataFrame
    main: pd.DataFrame


def pending_messages(inputs: Inputs, pairs: pd.DataFrame) -> PendingMessages:
    """Find what may cross and has not: inputs and pairs at the stage PHASED → PendingMessages."""
    external, main = _threads(inputs, pairs)
    carried = latest_carried(inputs.carried[is_in(inputs.carried, pd.concat([external[EXT], main[EXT]]), EXT)])
    out, back = _of(carried, Direction.TO_MAIN), _of(carried, Direction.TO_EXTERNAL)
    ours = back[back["target_message"].notna()]
    external = external[~is_in(external, ours, MESSAGE, [*EXT, "target_message"])]
    speaking, others = main[main["kind"].eq(MessageKind.STAFF)], external[~of_our_login(external)]
    return PendingMessages(
        to_main=_waiting(_new(external, out), back, pairs),
        to_external=_spoken(_new(speaking, back).assign(waits=False), inputs),
        edited=pd.concat([_edited(others, out, Direction.TO_MAIN), _edited(speaking, back, Direction.TO_EXTERNAL)]),
        main=main,
    )


def of_our_login(rows: pd.DataFrame) -> pd.Series:
    """External messages (bool) that our own login wrote: whatever the ledger knows of them, they are no source."""
    return rows["kind"].eq(MessageKind.STAFF) & rows["own"].eq("yes")


def _threads(inputs: Inputs, pairs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The people's messages of both sides whose pair is known, each with its pair, in source order."""
    rows = inputs.messages
    rows = rows[rows["kind"].isin(PEOPLE)]
    known = pairs.assign(pair=pairs.index)
    columns = {"pair": "pair", "phase": "phase"}
    return (
        _joined(rows, Side.EXTERNAL, known, "ext_ticket", columns | {"main_ticket": "main_ticket"}),
        _joined(rows, Side.MAIN, known, "main_ticket", columns | {"ext_ticket": "ext_ticket"}),
    )


def _joined(rows: pd.DataFrame, side: Side, pairs: pd.DataFrame, name: str, columns: dict[str, str]) -> pd.DataFrame:
    mine = rows[rows["side"] == side].rename(columns={"ticket": name}).sort_values(["connection", name, "ordinal"])
    talking = pairs["phase"].isin([*CROSSING, *ENTERING, Phase.DEPARTING]) & pairs[name].notna()
    theirs = only(pairs[list({"connection", name, *columns.values()})], talking)
    at = positions(mine, theirs, ["connection", name])
    return look_up(mine[at >= 0], theirs, ["connection", name], columns).reset_index(drop=True)


def latest_carried(carried: pd.DataFrame) -> pd.DataFrame:
    """CARRIED, each message once with the hash of its last text and ``edits``, how many follow-ups told of it.

    A follow-up on an edit is a row of its own, ``<message>/edit/<n>``; its target is ours like any other and stays.
    """
    if carried.empty:
        return carried.assign(edits=0, is_follow_up=False)
    parts = carried["source_message"].str.extract(_EDIT)
    told = carried.assign(**parts).loc[parts["edits"].notna()]
    result = carried.assign(edits=0, is_follow_up=parts["edits"].notna())
    if told.empty:
        return result
    told = told.assign(edits=told["edits"].astype("int64")).sort_values("edits")
    key = [*EXT, "direction", "source_message"]
    last = look_up(result, told.drop_duplicates(key, keep="last"), key, {"said": "body_hash", "times": "edits"})
    return last.assign(
        body_hash=last["said"].fillna(last["body_hash"]), edits=last["times"].fillna(0).astype("int64")
    ).drop(columns=["said", "times"])


def _of(carried: pd.DataFrame, direction: Direction) -> pd.DataFrame:
    return carried[carried["direction"].eq(direction)]


def _new(rows: pd.DataFrame, carried: pd.DataFrame) -> pd.DataFrame:
    return rows[~is_in(rows, carried, MESSAGE, [*EXT, "source_message"])].reset_index(drop=True)


def _edited(rows: pd.DataFrame, carried: pd.DataFrame, direction: Direction) -> pd.DataFrame:
    columns = {"was": "body_hash", "edits": "edits"}
    if rows.empty or carried.empty:
        rows = rows.iloc[:0]
    found = look_up(rows, carried[~carried["is_follow_up"]], MESSAGE, columns, [*EXT, "source_message"])
    found = found[found["was"].notna() & found["was"].ne(found["body_hash"]) & found["phase"].isin(CROSSING)]
    return found.assign(direction=str(direction), edits=found["edits"].astype("int64"))


def _waiting(rows: pd.DataFrame, back: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """``waits``: while one of our own replies may still turn up unrecognised, staff messages that could be it are not
    sources yet, nor is what follows them (order)."""
    unsettled = pairs["wait_to_external"].notna() & ~pairs["wait_to_external_parked"]
    unsure = unsettled.reindex(rows["pair"]).reset_index(drop=True)
    unsure |= is_in(rows, back[back["target_message"].isna()], EXT)
    doubtful = unsure & rows["kind"].eq(MessageKind.STAFF) & rows["own"].fillna("?").ne("no")
    return rows.assign(waits=doubtful.groupby(rows["pair"]).cummax())


def _spoken(rows: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """Add ``sent`` and ``sent_hash``; most replies are sent as they are, so their hash is known."""
    sent = [
        reply_text(body, files, who if c in inputs.show_author else None)
        for c, body, files, who in zip(rows["connection"], rows["body"], rows["files"], rows["author"], strict=True)
    ]
    short = in_length(rows, sent, Direction.TO_EXTERNAL, inputs.longest)
    rows = rows.assign(sent=short["body"], files=short["files"])
    as_is = rows["sent"].eq(rows["body"])
    return rows.assign(sent_hash=rows["body_hash"].where(as_is, body_hashes(rows["sent"].where(~as_is, ""))))


def reply_text(body: str, files: str, author: str | None) -> str:
    """A reply of main staff as the client gets it; ``files`` as in MESSAGES; ``author`` where the name is wanted."""
    return to_external(body, [] if body.strip() else [f["name"] for f in json.loads(files)], author)
