"""Saved plans: what a person may apply by its id. The only place where texts wait, and only while a plan is open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Executable, RowMapping, select, update

from remotesupport.store.database import Insert, Part
from remotesupport.store.errors import StoreError
from remotesupport.store.states import OPEN_PLANS, SavedPlan
from remotesupport.store.tables import plans

_OPEN = [str(s) for s in OPEN_PLANS]


class Plans(Part):
    """Plans have ids made from their content, so saving the same plan again only renews it."""

    def save_plan(
        self, run: str, connection: str, plan_json: str | Mapping[str, Any], state: str, verdict: str = ""
    ) -> str:
        """Keep a plan (its JSON names its ``id``) and return the id. The rows are kept only in an open state."""
        body, plan_id = _body(plan_json)
        with self._db.write() as conn:
            now = self._db.now(conn)
            row = {
                "id": plan_id, "connection": connection, "run": run, "state": str(state), "verdict": verdict,
                "detail": "", "body": body if state in _OPEN else None, "created_at": now, "changed_at": now,
            }  # fmt: skip
            conn.execute(_save(self._db.insert, tuple(row)), row)
        return plan_id

    def plan(self, plan_id: str) -> SavedPlan | None:
        """The plan with this id."""
        with self._db.read() as conn:
            row = conn.execute(select(plans).where(plans.c.id == plan_id)).mappings().first()
        return _saved(row) if row else None

    def set_plan_state(self, plan_id: str, state: str, detail: str = "") -> None:
        """Move it on; leaving the open states empties its rows. Raises StoreError for an unknown id."""
        with self._db.write() as conn:
            values: dict[str, Any] = {"state": str(state), "detail": detail, "changed_at": self._db.now(conn)}
            values |= {} if state in _OPEN else {"body": None}
            query = update(plans).where(plans.c.id == plan_id).values(values)
            if conn.execute(query.returning(plans.c.id)).first() is None:
                raise StoreError(f"There is no plan {plan_id}. `remotesupport status` shows the plans that wait.")


@cache
def _save(insert: Insert, names: tuple[str, ...]) -> Executable:
    new = insert(plans)
    again = {name: new.excluded[name] for name in names if name not in ("id", "created_at")}
    return new.on_conflict_do_update(index_elements=["id"], set_=again)


def _body(plan_json: str | Mapping[str, Any]) -> tuple[str, str]:
    """The text to keep and the plan's id. A text that is no valid UTF-8 (lone surrogates) is kept escaped."""
    if isinstance(plan_json, str):
        value = json.loads(plan_json)
        text = plan_json if _is_utf8(plan_json) else json.dumps(value)
    else:
        value, text = plan_json, json.dumps(plan_json)
    if not isinstance(value, Mapping) or not isinstance(value.get("id"), str):
        raise ValueError("a plan's JSON is an object with its id")
    return text, value["id"]


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _saved(row: RowMapping) -> SavedPlan:
    plain = {k: row[k] for k in ("id", "connection", "run", "state", "verdict", "detail", "created_at", "changed_at")}
    return SavedPlan(**plain, plan_json=row["body"])
