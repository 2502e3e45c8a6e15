"""The names and keys of writes.

A write that carries a message has that message's id as its name; any other has a word for what it is and a digest of
what it reacts to. One situation gives one name, so a write is never planned twice under two names; the next situation
of that kind gives another one, so a ticket can be closed twice in its life.
"""

from __future__ import annotations

import hashlib

import pandas as pd

from remotesupport.core.model import ChangeKind, Direction

_REACTS_TO = (
    "department_now", "now_ext", "now_main", "agreed_ext", "agreed_main", "status", "activity", "main_activity",
    "carried",
)  # fmt: skip

ACTS = frozenset({ChangeKind.CLOSE, ChangeKind.REOPEN, ChangeKind.DEPARTURE})  # kinds that carry no source message
DEPARTURE, AFTER_DEPARTURE = "departure", "departure/close"

EDIT = "/edit/"  # between a message and what tells one edit of it from another: a number, or the beginning of a hash


def is_edit(name: str) -> bool:
    """True for the name, or the key, of an edit of a message."""
    return EDIT in name


def edit_name(message: str, number: int) -> str:
    """Name the follow-up on the edit ``number`` (from 1 on) of ``message``."""
    return f"{message}{EDIT}{number}"


def edited_message(name: str) -> str:
    """The message that an edit is of; the name of a message is its own."""
    return name.partition(EDIT)[0]


def follows_departure(kind: str, act: str) -> bool:
    """True for the close after a departure's note, which is part of a departure and no close of its own.

    Its act is ``departure/close/<digest>``; in stores of older releases it may be ``departure/<digest>/close``.
    """
    return kind == ChangeKind.CLOSE and act.startswith(f"{DEPARTURE}/")


def close_after(departure: str) -> str:
    """The act of the close that belongs to the departure of that act: ``departure/close/<digest>``."""
    return f"{AFTER_DEPARTURE}/{departure.removeprefix(f'{DEPARTURE}/')}"


def intent_key(connection: str, direction: Direction | str, ext_ticket: str, act: str) -> str:
    """The unique name of one write. ``act`` comes last, so a slash in it is harmless; one in the ticket is escaped."""
    ticket = ext_ticket.replace("%", "%25").replace("/", "%2F")
    return f"{connection}/{direction}/{ticket}/{act}"


def act_of(pairs: pd.DataFrame, word: str) -> pd.Series:
    """``<word>/<8 hex digits>`` for each pair (``pairs.pair_up``; ``carried``: how many messages have crossed)."""
    facts = zip(*(pairs[c].astype(object).fillna("") for c in _REACTS_TO), strict=True)
    digests = [hashlib.sha256(repr(tuple(map(str, one))).encode()).hexdigest()[:8] for one in facts]
    return pd.Series([f"{word}/{d}" for d in digests], index=pairs.index, dtype="str")
