"""The ledger in the words of another dialect: which carried message is which, when all of one side got other keys.

A billing was updated, or a version 4 login gained or lost the three functions. Ids say nothing then; texts and their
order do. What stands before the last message that was known is never sent again. Pure. Must stay out: when to do it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

import pandas as pd

from remotesupport.core import frames
from remotesupport.core.messages.pending import latest_carried, reply_text
from remotesupport.core.model import PEOPLE, Direction, MessageKind, Side
from remotesupport.core.plan.change_keys import edited_message, is_edit
from remotesupport.core.reconcile_io import Inputs
from remotesupport.core.text.compose import markers_in
from remotesupport.core.text.normalize import body_hash

Row = dict[str, Any]


def rekeyed(inputs: Inputs, changed: Collection[tuple[str, Side]]) -> pd.DataFrame:
    """Put ``inputs.carried`` under the names of the threads that were read: → CARRIED.

    ``changed``: (connection, side) with other keys. Tickets whose threads were not read keep their rows.
    """
    threads: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    people = inputs.messages[inputs.messages["kind"].isin(PEOPLE)].sort_values("ordinal")
    for message in frames.records(people):
        threads[message["connection"], message["side"], message["ticket"]].append(message)
    rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in frames.records(inputs.carried):
        rows[row["connection"], row["ext_ticket"]].append(row)
    for link in frames.records(inputs.links):
        name, ticket = link["connection"], link["ext_ticket"]
        sides = {side for connection, side in changed if connection == name}
        outside = threads.get((name, str(Side.EXTERNAL), ticket))
        inside = threads.get((name, str(Side.MAIN), link["main_ticket"]))
        if sides and outside and inside:
            known = rows[name, ticket]
            if Side.EXTERNAL in sides:
                known = _external(known, outside, inside, show_author=name in inputs.show_author)
            if Side.MAIN in sides:
                known = _main(known, inside, name, ticket)
            rows[name, ticket] = known
    return frames.build(frames.CARRIED, [row for of_one in rows.values() for row in of_one])


def _external(rows: list[Row], thread: list[Row], main: list[Row], *, show_author: bool) -> list[Row]:
    """Sources to main and targets of replies have other ids; the replies' texts are what main says."""
    sent: dict[str, str | None] = {
        m["message"]: body_hash(reply_text(m["body"], m["files"], m["author"] if show_author else None)) for m in main
    }
    replies, others = _parted(rows, Direction.TO_EXTERNAL)
    copies = [m for m in thread if m["kind"] == MessageKind.STAFF and m["own"] != "no"]
    texts = [sent.get(edited_message(row["source_message"])) or row["body_hash"] for row in replies]
    targets = dict(_matched(texts, [_hash(m) for m in copies]))
    ours = {copies[place]["message"] for place in targets.values()}
    replies = [
        {**row, "target_message": copies[targets[n]]["message"] if n in targets else None}
        for n, row in enumerate(replies)
    ]
    own = {m["message"] for m in copies if m["own"] == "yes"} - ours
    return replies + _sources(others, [m for m in thread if m["message"] not in ours], own)


def _main(rows: list[Row], thread: list[Row], connection: str, ticket: str) -> list[Row]:
    """Targets have other ids, and their header lines say what they are; sources of replies are known by their text."""
    carrying = {
        source: m["message"]
        for m in reversed(thread)
        if m["kind"] == MessageKind.CLIENT
        for source in markers_in(m["body"], connection, ticket)
    }
    replies, others = _parted(rows, Direction.TO_EXTERNAL)
    arrived = [{**row, "target_message": carrying.get(row["source_message"])} for row in others]
    return arrived + _sources(replies, [m for m in thread if m["kind"] == MessageKind.STAFF], set())


def _sources(rows: list[Row], thread: list[Row], own: set[str]) -> list[Row]:
    """``rows`` under the names of the messages with their texts; what is older than the last of them is given up.

    ``own``: messages of our own login that no row explains: given up as well, wherever they stand.
    """
    if not rows:
        return []
    told = {row["source_message"]: row["body_hash"] for row in frames.records(_latest(rows))}
    plain = [row for row in rows if not is_edit(row["source_message"])]
    found = dict(_matched([told[row["source_message"]] for row in plain], [_hash(m) for m in thread]))
    names = {plain[n]["source_message"]: thread[place]["message"] for n, place in found.items()}
    renamed = [
        {**row, "source_message": _renamed(row["source_message"], names)}
        for row in rows
        if edited_message(row["source_message"]) in names
    ]
    last = max(found.values(), default=-1)
    return renamed + [
        {**rows[0], "source_message": m["message"], "target_message": None, "body_hash": m["body_hash"]}
        for place, m in enumerate(thread)
        if place not in found.values() and (place < last or m["message"] in own)
    ]


def _latest(rows: list[Row]) -> pd.DataFrame:
    return latest_carried(frames.build(frames.CARRIED, rows))


def _matched(wanted: list[str], there: list[str]) -> Iterator[tuple[int, int]]:
    """Equal texts, the first with the first: (index in wanted, index in there)."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, digest in enumerate(there):
        places[digest].append(place)
    for n, digest in enumerate(wanted):
        if places[digest]:
            yield n, places[digest].pop(0)


def _parted(rows: list[Row], direction: Direction) -> tuple[list[Row], list[Row]]:
    return [r for r in rows if r["direction"] == direction], [r for r in rows if r["direction"] != direction]


def _hash(message: Row) -> str:
    return str(message["body_hash"])


def _renamed(source: str, names: dict[str, str]) -> str:
    """The name of a message, or of its edit, by the message's new name."""
    message = edited_message(source)
    return names[message] + source.removeprefix(message)
