"""Billings in memory as plain values, and back: what people and an older program have made of them."""

from __future__ import annotations

import itertools
from dataclasses import asdict, fields
from typing import Any

from connectors.memory_world import Message, Person, Ticket

World = dict[str, Any]


def image(world: Any) -> World:
    """Everything in one billing. ``next``: the id that comes next."""
    following = next(world._ids)
    world._ids = itertools.count(following)
    return {
        "next": following,
        "departments": dict(world.departments),
        "people": [asdict(p) | {"departments": sorted(p.departments)} for p in world.people.values()],
        "tickets": [asdict(t) for t in world.tickets.values()],
        "messages": [asdict(m) for thread in world._threads.values() for m in thread],
    }


def become(world: Any, was: World) -> None:
    """Make ``world`` what it was then."""
    world.departments = dict(was["departments"])
    people = [Person(**p | {"departments": set(p["departments"])}) for p in was["people"]]
    world.people = {p.login: p for p in people}
    known = {f.name for f in fields(Ticket)}
    world.tickets = {t["id"]: Ticket(**{k: v for k, v in t.items() if k in known}) for t in was["tickets"]}
    said = [Message(**m | {"files": ()}) for m in was["messages"]]
    world.messages = {m.id: m for m in said}
    world._threads = {number: [m for m in said if m.ticket == number] for number in world.tickets}
    world._ids = itertools.count(was["next"])
