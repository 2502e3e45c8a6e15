"""Expectations of a good row, as data: one suite for each kind of frame. Great Expectations is not imported here.

A ``Check`` names an expectation class of Great Expectations and its arguments; ``expectations.py`` turns it into the
real thing. What must stay out: how a frame is split (gate.py), how facts are computed (facts.py), Prefect, the store.
The limits are OURS: wide enough for any installation seen, narrow enough to catch a misread answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from remotesupport.core import frames
from remotesupport.core.model import ChangeKind, Direction, MessageKind, Side, TicketState
from remotesupport.core.plan.change_rows import Rank

ID_CHARS = 128
NAME_CHARS = 1_000
SUBJECT_CHARS = 2_000
BODY_CHARS = 16 * 1024 * 1024  # as long as an answer may be: what is too long to write is cut when it is written
PLAN_BODY_CHARS = 1_000_000
HASH_CHARS = 32
FAR_FUTURE_HOURS = 48

# Negated classes instead of anchors: "$" would let a trailing newline through.
NOT_AN_ID = r"[^0-9A-Za-z._:@/#|=+~-]"
NOT_A_CONNECTION = r"[^a-z0-9-]"
NOT_AN_ACT = r"[^!-~]"
NOT_A_HASH = r"[^0-9a-f]"
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"
SAYS_SOMETHING = r"\S"


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation. ``why`` is shown to people and never holds a value of the row.

    ``warn``: a row that fails is listed in the report and passes. ``sieve``: the same demand on the text of a cell, as
    an assertion of a regular expression; its form is sieve.py's. A check without one is always made by itself.
    """

    name: str
    expectation: str
    arguments: Mapping[str, Any]
    why: str
    warn: bool = False
    sieve: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """The checks of one frame.

    ``ticket`` and ``side`` are the columns that name a bad row's ticket (``side`` may be a constant, ``=external``;
    ``ticket`` empty: it belongs to none). ``row`` is the column that names the row within it. Rows that agree in the
    columns ``together`` are quarantined together.
    """

    name: str
    schema: frames.Schema
    checks: tuple[Check, ...]
    ticket: str = "ticket"
    side: str = "side"
    row: str = ""
    together: tuple[str, ...] = ()


def _whole(pattern: str) -> str:
    return rf"(?=\Z|={pattern}\Z)"


def _chars(column: str, low: int, high: int, *, name: str = "") -> Check:
    return Check(
        name or f"{column}_length",
        "ExpectColumnValueLengthsToBeBetween",
        {"column": column, "min_value": low, "max_value": high},
        f"{column} is shorter than {low} or longer than {high} characters",
        sieve=_whole(f".{{{low},{high}}}"),
    )


def _without(column: str, pattern: str, why: str, *, name: str = "") -> Check:
    return Check(
        name or f"{column}_pattern",
        "ExpectColumnValuesToNotMatchRegex",
        {"column": column, "regex": pattern},
        why,
        sieve=f"(?!=.*{pattern})",
    )


def _id(column: str) -> tuple[Check, ...]:
    odd = f"{column} is not an id: it holds a character that no id has"
    return _chars(column, 1, ID_CHARS), _without(column, NOT_AN_ID, odd)


def _in_set(name: str, column: str, values: Iterable[Any], why: str, *, warn: bool = False) -> Check:
    known = [*values]
    return Check(
        name,
        "ExpectColumnValuesToBeInSet",
        {"column": column, "value_set": known},
        why,
        warn,
        sieve=_whole(f"(?:{'|'.join(re.escape(str(value)) for value in known)})"),
    )


def _one_of(column: str, words: type[Any]) -> Check:
    known = sorted(str(word) for word in words)
    return _in_set(f"{column}_known", column, known, f"{column} is none of {', '.join(known)}")


def _hash(column: str) -> tuple[Check, ...]:
    return (
        _chars(column, HASH_CHARS, HASH_CHARS),
        _without(column, NOT_A_HASH, f"{column} is not a hash of ours"),
    )


def _printable(column: str, high: int) -> tuple[Check, ...]:
    control = f"{column} holds a NUL or another control character"
    return _chars(column, 0, high), _without(column, CONTROL, control, name=f"{column}_printable")


def _says_something(column: str, what: str, *, name: str = "") -> Check:
    return Check(
        name or f"{column}_not_empty",
        "ExpectColumnValuesToMatchRegex",
        {"column": column, "regex": SAYS_SOMETHING},
        f"{what} is empty",
        sieve=rf"(?=\Z|=.*?{SAYS_SOMETHING})",
    )


def _not_negative(column: str) -> Check:
    """For a column of whole numbers."""
    return Check(
        f"{column}_range",
        "ExpectColumnValuesToBeBetween",
        {"column": column, "min_value": 0},
        f"{column} is below 0",
        sieve=_whole("[0-9]+"),
    )


def _there(name: str, column: str, why: str, *, warn: bool = False) -> Check:
    return Check(name, "ExpectColumnValuesToNotBeNull", {"column": column}, why, warn, sieve="(?==)")


CONNECTION = (
    _chars("connection", 1, ID_CHARS),
    _without("connection", NOT_A_CONNECTION, "connection is not a configured name"),
)

DEPARTMENTS = Suite(
    "departments",
    frames.DEPARTMENTS,
    (
        *CONNECTION,
        _one_of("side", Side),
        *_id("department"),
        *_printable("name", NAME_CHARS),
        _says_something("name", "the department's name"),
    ),
    ticket="",
    row="department",
)

TICKETS = Suite(
    "tickets",
    frames.TICKETS,
    (
        *CONNECTION,
        _one_of("side", Side),
        *_id("ticket"),
        *_id("department"),
        _one_of("state", TicketState),
        *_printable("subject", SUBJECT_CHARS),
        *_printable("author", NAME_CHARS),
    ),
)

MESSAGES = Suite(
    "messages",
    frames.MESSAGES,
    (
        *CONNECTION,
        _one_of("side", Side),
        *_id("ticket"),
        *_id("message"),
        _one_of("kind", MessageKind),
        _not_negative("ordinal"),
        _in_set("ordinal_unique", "place", ("own",), "two messages of the thread have the same place in it"),
        *_printable("body", BODY_CHARS),
        *_printable("author", NAME_CHARS),
        *_hash("body_hash"),
        _in_set("own_known", "own", ("no", "yes"), "own is neither yes nor no"),
        _there("at_readable", "at", "the time cannot be read", warn=True),
        Check(
            "at_plausible",
            "ExpectColumnValuesToBeBetween",
            {"column": "hours_ahead", "max_value": FAR_FUTURE_HOURS},
            f"the time is more than {FAR_FUTURE_HOURS} hours ahead of our clock",
            warn=True,
            sieve=_whole(rf"(?:{'|'.join(map(str, range(FAR_FUTURE_HOURS + 1)))})\.0"),
        ),
    ),
    row="message",
    together=("connection", "side", "ticket"),
)

BOTH_WAYS = (ChangeKind.ADOPT, ChangeKind.POST, ChangeKind.CLOSE, ChangeKind.REOPEN, ChangeKind.CONFLICT)
ROUTES = sorted(f"{k} {d}" for k in ChangeKind for d in Direction if d is Direction.TO_MAIN or k in BOTH_WAYS)

CHANGES = Suite(
    "changes",
    frames.CHANGES,
    (
        *CONNECTION,
        _one_of("kind", ChangeKind),
        _one_of("direction", Direction),
        _in_set("route_known", "route", ROUTES, "this kind of change never goes in this direction"),
        _in_set("rank_known", "rank", map(int, Rank), "rank is not a place in the order of writing"),
        _not_negative("ordinal"),
        *_id("ext_ticket"),
        *_id("main_ticket"),
        _chars("act", 1, 2 * ID_CHARS),
        _without("act", NOT_AN_ACT, "act holds a blank or a character outside ASCII"),
        *_printable("body", PLAN_BODY_CHARS),
        *_printable("subject", SUBJECT_CHARS),
        _says_something("spoken", "the text to write", name="body_not_empty"),
        _says_something("titled", "the subject of a new ticket", name="subject_not_empty"),
        _in_set("body_hash_agrees", "hash_agrees", ("yes",), "body_hash is not the hash of the text to write"),
        _in_set(
            "covers_only_people",
            "covered",
            ["people"],
            "it would carry a message that is not a client's or staff's own, or that was not read in this run",
        ),
    ),
    ticket="ext_ticket",
    side=f"={Side.EXTERNAL}",
    row="act",
    together=("connection", "ext_ticket"),
)

RECEIPT_FRAME = frames.Schema(
    "receipts",
    {
        "connection": frames.STR,
        "direction": frames.STR,
        "ext_ticket": frames.STR,
        "act": frames.STR,
        "expected_hash": frames.STR,
        "found_hash": frames.STR,
        "target_message": frames.STR,
    },
    key=("connection", "direction", "ext_ticket", "act"),
    nullable=frozenset({"found_hash", "target_message"}),
)

RECEIPTS = Suite(
    "receipts",
    RECEIPT_FRAME,
    (
        *CONNECTION,
        _one_of("direction", Direction),
        _there("found", "found_hash", "the written text was not read back"),
        _there("placed", "target_message", "the read-back gave no id of the written message"),
        *_id("target_message"),
        _in_set("same_text", "text_agrees", ("yes",), "what was read back is not what was written", warn=True),
    ),
    ticket="ext_ticket",
    side=f"={Side.EXTERNAL}",
    row="act",
)

SUITES: Mapping[str, Suite] = {s.name: s for s in (DEPARTMENTS, TICKETS, MESSAGES, CHANGES, RECEIPTS)}
