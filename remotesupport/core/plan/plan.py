"""A plan: the sorted changes of one run for one connection, with an id. A value, never an act.

The id comes from the rows alone, so a plan that is made again from the same state has the same id and can be applied
by it. What must stay out: judging (``guard``), writing, saving.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from remotesupport.core import frames
from remotesupport.core.model import ChangeKind
from remotesupport.core.text.altered import AlteredText

_COLUMNS = list(frames.CHANGES.columns)
_ORDER = ["connection", "rank", "ext_ticket", "ordinal", "direction", "kind", "act"]


@dataclass(frozen=True, slots=True)
class Plan:
    """``changes``: CHANGES rows of ``connection`` in the order to write them; ``digest``: SHA-256 over them.

    ``altered``: what the adoptions among them found in other words. It is no part of the plan's id, nor of its text.
    """

    id: str
    connection: str
    changes: pd.DataFrame
    digest: str
    altered: tuple[AlteredText, ...] = ()


def in_order(changes: pd.DataFrame) -> pd.DataFrame:
    """CHANGES in the one order that plans have: connection, rank, ticket, source order."""
    if changes.empty:
        return changes[_COLUMNS]
    return changes[_COLUMNS].sort_values(_ORDER, kind="stable", ignore_index=True)


def make_plan(connection: str, changes: pd.DataFrame) -> Plan:
    """The plan of one connection's CHANGES rows, in whatever order they come."""
    return _plan(connection, in_order(changes))


def _plan(connection: str, rows: pd.DataFrame) -> Plan:
    digest = hashlib.sha256(_dump({"connection": connection, "changes": frames.records(rows)}).encode()).hexdigest()
    return Plan(f"p-{digest[:12]}", connection, rows, digest)


def make_plans(changes: pd.DataFrame, altered: Mapping[str, Iterable[AlteredText]] | None = None) -> dict[str, Plan]:
    """CHANGES of a shard → one plan for each connection that has rows, connections in order."""
    if changes.empty:
        return {}
    by_name = in_order(changes).groupby("connection", sort=True)
    plans = {str(name): _plan(str(name), rows.reset_index(drop=True)) for name, rows in by_name}
    shown = altered or {}
    return {name: replace(plan, altered=tuple(shown.get(name, ()))) for name, plan in plans.items()}


def counts(plan: Plan) -> dict[str, int]:
    """Count the changes of each kind, every kind named; an adoption counts once per ticket."""
    rows = zip(plan.changes["kind"].tolist(), plan.changes["ext_ticket"].tolist(), strict=True)
    adopted, others = set(), Counter[str]()
    for kind, ticket in rows:
        if kind == ChangeKind.ADOPT:
            adopted.add(ticket)
        else:
            others[kind] += 1
    others[str(ChangeKind.ADOPT)] = len(adopted)
    return {str(kind): others[str(kind)] for kind in ChangeKind}


def to_json(plan: Plan) -> str:
    """The whole plan as text; ``from_json`` gives an equal one."""
    return _dump({"id": plan.id, "connection": plan.connection, "changes": frames.records(plan.changes)})


def from_json(text: str) -> Plan:
    """The plan that ``to_json`` wrote. Raises ValueError when its rows are not those that its id was made from."""
    saved = json.loads(text)
    plan = make_plan(saved["connection"], frames.build(frames.CHANGES, saved["changes"]))
    if plan.id != saved["id"]:
        raise ValueError(f"the saved plan {saved['id']} has been changed: its rows make {plan.id}")
    return plan


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=int)


def difference(before: Plan, now: Plan | None, most: int = 5) -> str:
    """Say which rows of ``before`` are not in ``now`` and the other way round; ids only, never a text."""
    olds, news = _rows_by_act(before), _rows_by_act(now) if now is not None else {}
    words = [f"{act} is no longer to be done" for act in olds if act not in news]
    words += [f"{act} is new" for act in news if act not in olds]
    words += [f"{act} would be written differently" for act in olds if act in news and olds[act] != news[act]]
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return "; ".join(words[:most]) + more


def _rows_by_act(plan: Plan) -> dict[str, dict[str, Any]]:
    return {f"{r['kind']} of ticket {r['ext_ticket']} ({r['act']})": r for r in frames.records(plan.changes)}
