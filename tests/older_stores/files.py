"""The rows of a store as a text file, one row a line, and back into the tables of the revision that they are from."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Integer, MetaData, Table, column, func, insert, select
from sqlalchemy import table as named

from remotesupport.store.database import Database
from remotesupport.store.tables import metadata

FOLDER = Path(__file__).parent
Rows = dict[str, list[dict[str, Any]]]


def revisions() -> list[str]:
    """The revisions of which there is a store, the oldest first."""
    return sorted(file.stem for file in FOLDER.glob("*.json"))


@dataclass(frozen=True)
class Evening:
    """What a program left: the moment, acme's tickets by subject, the billings, and the rows of its store."""

    now: datetime
    tickets: dict[str, str]
    worlds: dict[str, dict[str, Any]]
    rows: Rows


def rows_of(conn: Connection) -> Rows:
    """Every row of every table, in one order."""
    found = {t.name: [dict(row) for row in conn.execute(select(t)).mappings()] for t in metadata.sorted_tables}
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def written(evening: Mapping[str, Any]) -> str:
    """The text of a file: whatever is in a list on a line of its own."""
    return _text(evening, 0) + "\n"


def _text(value: Any, depth: int) -> str:
    if depth < 3 and isinstance(value, dict):
        return "{\n" + ",\n".join(f"{json.dumps(k)}: {_text(v, depth + 1)}" for k, v in value.items()) + "\n}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(_text(v, 3) for v in value) + "\n]"
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: object) -> dict[str, str]:
    """What JSON has no word for."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    assert isinstance(value, datetime), value
    return {"utc": value.isoformat()}


def kept(revision: str) -> Evening:
    """What the program of that revision left."""
    text = (FOLDER / f"{revision}.json").read_text(encoding="utf-8")
    return Evening(**json.loads(text, object_hook=_value))


def _value(one: dict[str, Any]) -> Any:
    if set(one) == {"utc"}:
        return datetime.fromisoformat(one["utc"])
    return base64.b64decode(one["base64"]) if set(one) == {"base64"} else one


def put_back(url: str, revision: str, rows: Rows) -> None:
    """Make the tables of ``revision`` in an empty database, and put ``rows`` into them."""
    config = Config()
    config.set_main_option("script_location", "remotesupport.store:migrations")
    database = Database(url)
    with database.write() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, revision)
        for name, listed in rows.items():
            _fill(conn, name, listed)
    database.engine.dispose()


def _fill(conn: Connection, name: str, rows: list[dict[str, Any]]) -> None:
    """Rows as they were: numbers, too, from which the database counts on."""
    if not rows:
        return
    known = metadata.tables[name]
    old = Table(name, MetaData(), *(known.c[c]._copy() for c in rows[0]))
    conn.execute(insert(old), rows)
    if "id" in known.c and isinstance(known.c.id.type, Integer) and conn.dialect.name == "postgresql":
        highest = select(func.max(column("id"))).select_from(named(name)).scalar_subquery()
        conn.execute(select(func.setval(func.pg_get_serial_sequence(name, "id"), highest)))
