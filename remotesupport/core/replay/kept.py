"""Writes the inputs of one connection's plan as a plain document, and reads them back.

Reading takes documents of other versions of this program as far as it can: what is missing has its default, what is
not known is left out. What must stay out: bytes, encryption, where a document is kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

import pandas as pd

from remotesupport.core import frames
from remotesupport.core.plan.guard import Facts, Limits, Verdict
from remotesupport.core.reconcile_io import FRAMES, Inputs

FORMAT = 1
MOST_TEXT = 20_000_000  # characters of one connection's messages in one run
LET_THROUGH = Verdict(ok=True)


@dataclass(frozen=True)
class Kept:
    """``inputs``: of this connection alone. ``dropped``: (connection, external ticket) that a person gave up → why.

    ``facts``, ``limits``: what the guard judged by, and ``guard`` what it said. ``plan_id``: "" where nothing was
    planned. ``rows``: the plan as records of CHANGES. ``whole``: texts are in it.
    """

    connection: str
    inputs: Inputs
    plan_id: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    dropped: Mapping[tuple[str, str], str] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    limits: Limits = field(default_factory=Limits)
    guard: Verdict = LET_THROUGH
    whole: bool = True


def of_connection(inputs: Inputs, name: str) -> Inputs:
    """The part of a shard's ``inputs`` that is one connection's."""
    return Inputs(**{f.name: _part(getattr(inputs, f.name), name) for f in fields(Inputs)})


def _part(value: Any, name: str) -> Any:
    if isinstance(value, pd.DataFrame):
        return value[value["connection"].eq(name)].reset_index(drop=True)
    if isinstance(value, Mapping):
        return {key: each for key, each in value.items() if key[0] == name}
    if isinstance(value, frozenset):
        return frozenset(one for one in value if name == (one if isinstance(one, str) else one[0]))
    return value


def refuse_too_much(inputs: Inputs, most: int = MOST_TEXT) -> None:
    """Raise ValueError where the messages have more text than is kept."""
    length = int(inputs.messages["body"].str.len().sum())
    if length > most:
        raise ValueError(f"its messages are {length} characters long, and at most {most} are kept")


def to_document(kept: Kept) -> bytes:
    """Write it as JSON in UTF-8 (lone surrogates as they are); ``from_document`` gives an equal one."""
    value = {
        "format": FORMAT, "connection": kept.connection, "whole": kept.whole,
        "inputs": {f.name: _plain(getattr(kept.inputs, f.name)) for f in fields(Inputs)},
        "plan_id": kept.plan_id, "rows": kept.rows, "dropped": _plain(kept.dropped),
        "facts": asdict(kept.facts), "limits": asdict(kept.limits), "guard": asdict(kept.guard),
    }  # fmt: skip
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _plain(value: Any) -> Any:
    if isinstance(value, pd.DataFrame):
        return {str(name): [_cell(one) for one in value[name].tolist()] for name in value.columns}
    if isinstance(value, Mapping):
        return sorted([*key, each] for key, each in value.items())
    return sorted(value) if isinstance(value, frozenset) else value


def _cell(value: Any) -> Any:
    if value != value:  # noqa: PLR0124 - NaN, NaT
        return None
    return value.isoformat() if isinstance(value, pd.Timestamp) else value


def from_document(document: bytes) -> Kept:
    """Read what ``to_document`` wrote. Raises ValueError with what is wrong with it."""
    try:
        found = json.loads(document.decode("utf-8", "surrogatepass"))
        if found["format"] != FORMAT:
            raise ValueError(f"its format is {found['format']}, this version reads {FORMAT}")
        return Kept(
            found["connection"], _inputs(found["inputs"]), found["plan_id"], found["rows"],
            {(name, ticket): why for name, ticket, why in found["dropped"]},
            _known(Facts, found["facts"]), _known(Limits, found["limits"]), _known(Verdict, found["guard"]),
            found["whole"],
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is not complete ({type(error).__name__}: {error})") from None


def _known(kind: type[Any], found: Mapping[str, Any]) -> Any:
    names = {f.name for f in fields(kind)}
    return kind(**{name: value for name, value in found.items() if name in names})


def _inputs(found: Mapping[str, Any]) -> Inputs:
    given = {f.name: _value(f.name, found[f.name]) for f in fields(Inputs) if f.name in found}
    missing = [f.name for f in fields(Inputs) if f.name not in found and not _has_default(f)]
    if missing:
        raise ValueError(f"{', '.join(missing)} is not in it, and this version needs it")
    return Inputs(**given)


def _has_default(one: Any) -> bool:
    return one.default is not MISSING or one.default_factory is not MISSING


def _value(name: str, value: Any) -> Any:
    if name in FRAMES:
        return _frame(FRAMES[name], value)
    if name == "longest":
        return {(connection, direction): most for connection, direction, most in value}
    if isinstance(value, list):
        return frozenset(tuple(one) if isinstance(one, list) else one for one in value)
    return value


def _frame(schema: frames.Schema, columns: Mapping[str, list[Any]]) -> pd.DataFrame:
    length = len(next(iter(columns.values()), []))
    missing = [name for name in schema.columns if name not in columns and name not in schema.nullable]
    if missing and length:
        raise ValueError(f"{schema.name} has no {', '.join(missing)}, and this version needs it")
    blank = [None] * length
    listed = [columns.get(name, blank) for name in schema.columns]
    return frames.build(schema, (dict(zip(schema.columns, row, strict=True)) for row in zip(*listed, strict=True)))
