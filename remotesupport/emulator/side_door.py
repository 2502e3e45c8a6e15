"""``/_emulator/``: tests look at everything, act as anybody, break things and move the clock.

Not part of any BILLmanager. Ids are strings here, as in the API. Bodies are JSON (``application/json``), so that a
page of another origin cannot post here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from remotesupport.emulator.acts import act
from remotesupport.emulator.billing import Billing
from remotesupport.emulator.people import DEPARTMENT, User
from remotesupport.emulator.refusal import Refusal
from remotesupport.emulator.v4.setup import is_remote

__all__ = ["act", "side_door_routes", "state"]


def side_door_routes(billing: Billing) -> list[Route]:
    """``GET state`` (``?only=requests,tickets`` for a part), ``GET habits``; ``POST act``, ``faults``, ``clock``,
    ``habits`` (some names with answers)."""

    async def show(request: Request) -> Response:
        wanted = request.query_params.get("only")
        return JSONResponse(state(billing, wanted.split(",") if wanted else None))

    async def do_act(request: Request) -> Response:
        return await _json(request, lambda order: act(billing, order))

    async def do_faults(request: Request) -> Response:
        return await _json(request, billing.faults.apply)

    async def do_clock(request: Request) -> Response:
        return await _json(request, lambda order: _move(billing, order))

    async def show_habits(_request: Request) -> Response:
        return JSONResponse(dict(billing.habits))

    async def do_habits(request: Request) -> Response:
        return await _json(request, lambda order: _choose(billing, order))

    posts: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "act": do_act, "faults": do_faults, "clock": do_clock, "habits": do_habits,
    }  # fmt: skip
    return [
        Route("/_emulator/state", show, methods=["GET"]),
        Route("/_emulator/habits", show_habits, methods=["GET"]),
        *(Route(f"/_emulator/{name}", handler, methods=["POST"]) for name, handler in posts.items()),
    ]


def state(billing: Billing, only: list[str] | None = None) -> dict[str, Any]:
    """Everything there is, as JSON values; times in UTC, ISO 8601."""
    parts: dict[str, Callable[[Billing], Any]] = {
        "name": lambda each: each.name,
        "version": lambda each: each.version,
        "now": lambda each: _iso(each.clock.now()),
        "users": _users,
        "departments": _departments,
        "tickets": _tickets,
        "messages": lambda each: _messages(each, "m.kind <> 'note'"),
        "notes": lambda each: _messages(each, "m.kind = 'note'"),
        "files": _files,
        "requests": lambda each: [{**entry, "time": _iso(entry["time"])} for entry in list(each.requests)],
    }
    with billing.database.transaction():
        return {name: part(billing) for name, part in parts.items() if only is None or name in only}


async def _json(request: Request, do: Callable[[Any], Any]) -> Response:
    if not request.headers.get("content-type", "").startswith("application/json"):
        return JSONResponse({"error": "send application/json"}, 415)
    try:
        return JSONResponse(do(await request.json()) or {"ok": True})
    except Refusal as refusal:
        return JSONResponse({"error": str(refusal), "type": refusal.kind, "object": refusal.subject}, 409)
    except (ValueError, KeyError, TypeError) as error:
        return JSONResponse({"error": str(error)}, 400)


def _move(billing: Billing, order: dict[str, Any]) -> dict[str, str]:
    """``advance_s``, ``set`` (ISO 8601; with ``freeze`` it stands still there), ``real`` (back to real time)."""
    if order.get("real"):
        billing.clock.reset()
    if "set" in order:
        billing.clock.set(datetime.fromisoformat(order["set"]), freeze=bool(order.get("freeze")))
    if "advance_s" in order:
        billing.clock.advance(float(order["advance_s"]))
    return {"now": _iso(billing.clock.now())}


def _choose(billing: Billing, order: dict[str, str]) -> dict[str, str]:
    """Change the server's habits from now on, as after an update; return all that it has now."""
    billing.habits.choose(order)
    return dict(billing.habits)


def _iso(stamp: int) -> str:
    return datetime.fromtimestamp(stamp, UTC).isoformat()


def _users(billing: Billing) -> list[dict[str, Any]]:
    return [_user(billing, user) for user in billing.people.everyone() if user.level != DEPARTMENT]


def _user(billing: Billing, user: User) -> dict[str, Any]:
    departments = billing.people.departments_of(user) if user.staff else []
    return {
        "id": str(user.id), "login": user.login, "password": user.password, "level": user.level,
        "realname": user.realname, "account": str(user.account or ""), "timezone": user.zone.key,
        "departments": [str(each) for each in departments], "active": user.active,
    }  # fmt: skip


def _departments(billing: Billing) -> list[dict[str, Any]]:
    return [
        {
            "id": str(each.id),
            "name": each.realname,
            "active": each.active,
            "remote": is_remote(billing, each.id),
            "members": [str(m) for m in billing.people.members(each.id)],
        }
        for each in billing.people.departments()
    ]


def _tickets(billing: Billing) -> list[dict[str, Any]]:
    held: dict[int, list[dict[str, str]]] = {}
    for row in billing.database.all("SELECT * FROM assignment ORDER BY id"):
        held.setdefault(row["ticket"], []).append({"id": str(row["id"]), "user": str(row["user"])})
    rows = billing.database.all(
        "SELECT t.*, d.realname AS department_name, c.login AS client_login FROM ticket t"
        " JOIN user d ON d.id = t.department JOIN user c ON c.id = t.client ORDER BY t.id"
    )
    return [_ticket(row) | {"assignments": held.get(row["id"], [])} for row in rows]


def _ticket(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]), "subject": row["subject"], "status": row["status"], "client": row["client_login"],
        "department": row["department_name"], "department_id": str(row["department"]),
        "responsible": str(row["responsible"]), "archived": row["status"] == 10, "unread": not row["client_read"],
        "date_start": _iso(row["started"]),
        "last_message": _iso(row["last_message"]), "last_activity": _iso(row["last_activity"]),
    }  # fmt: skip


def _messages(billing: Billing, which: str) -> list[dict[str, Any]]:
    files: dict[int, list[str]] = {}
    for row in billing.database.all("SELECT id, message FROM file ORDER BY id"):
        files.setdefault(row["message"], []).append(str(row["id"]))
    sql = f"SELECT m.*, u.login FROM message m JOIN user u ON u.id = m.user WHERE {which} ORDER BY m.id"  # noqa: S608
    return [
        {
            "id": str(row["id"]), "ticket": str(row["ticket"]), "user": row["login"], "kind": row["kind"],
            "text": row["body"], "at": _iso(row["at"]), "files": files.get(row["id"], []),
        }
        for row in billing.database.all(sql)
    ]  # fmt: skip


def _files(billing: Billing) -> list[dict[str, Any]]:
    rows = billing.database.all("SELECT id, message, name, size, sha256 FROM file ORDER BY id")
    return [{**dict(row), "id": str(row["id"]), "message": str(row["message"])} for row in rows]
