"""Which dialect of version 4 is spoken is found out once, by answers that are the same twice, and kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.billmanager import connect_external
from connectors.contract import ExternalBilling
from connectors.errors import ConnectorError, Fatal, ProtocolError
from remotesupport.core.model import PublicBecause
from tests.hostile_server import Answer, HostileServer, Request, http

ROBOT = {"version": "4.0.68", "user": "4", "name": "robot", "level": "29"}
OTHERWISE = {"result": "ok"}


def flat(content: dict[str, Any]) -> bytes:
    """A JSON document of version 4."""
    return http(json.dumps(content).encode())


def answers(departments: Iterator[dict[str, Any]], total: dict[str, Any]) -> dict[str, Any]:
    """A version 4 that answers ``clienttickets.syncdepartments`` with these, one after the other."""

    def next_one(_: Request) -> Answer:
        return flat(next(departments))

    return {
        "auth": flat({"auth": "s1"}),
        "clienttickets.syncdepartments": next_one,
        "clienttickets.sync": flat(total),
        "tickets": flat({"elem": []}),
    }


def billing(server: HostileServer, **options: Any) -> ExternalBilling:
    """Its staff view."""
    return connect_external("acme", server.url, "robot", "invented", departments=["A"], **options)


async def test_one_strange_answer_decides_nothing() -> None:
    """A function that answers strangely once, and then as it should, is used."""
    async with HostileServer(answers(iter([OTHERWISE, ROBOT]), {"total": "0"})) as server:
        mine = billing(server)
        assert (await mine.identify()).public is None
        assert mine.capabilities.dialect == "billmanager 4 sync"
        await mine.aclose()


async def test_a_server_that_is_ill_decides_nothing() -> None:
    """While every function answers otherwise no dialect is chosen; the one that it has is chosen when it is well."""
    ill = iter([True, True])

    def listed(_: Request) -> Answer:
        return http(b"") if next(ill, False) else flat({"elem": []})

    script = answers(iter([OTHERWISE, OTHERWISE, ROBOT]), {"total": "0"}) | {"tickets": listed}
    async with HostileServer(script) as server:
        mine = billing(server)
        for _ in range(2):
            with pytest.raises(ConnectorError):
                await mine.identify()
        assert (await mine.identify()).public is None
        await mine.aclose()


@pytest.mark.parametrize("total", [OTHERWISE, {"elem": [{"id": "1"}]}])
async def test_the_list_must_be_ours_too(total: dict[str, Any]) -> None:
    """Where only the list of tickets answers otherwise, the public functions are used before anything is written."""
    async with HostileServer(answers(iter([ROBOT] * 5), total)) as server:
        mine = billing(server)
        assert (await mine.identify()).public is PublicBecause.NOT_UNDERSTOOD
        assert mine.capabilities.dialect == "billmanager 4 public"
        await mine.aclose()


async def test_a_dialect_that_was_chosen_stays() -> None:
    """What the functions answer later makes an error, never another dialect between a write and its read-back."""
    async with HostileServer(answers(iter([ROBOT, *[OTHERWISE] * 4]), {"total": "0"})) as server:
        mine = billing(server)
        await mine.identify()
        with pytest.raises(ProtocolError):
            await mine.identify()
        assert mine.capabilities.dialect == "billmanager 4 sync"
        await mine.aclose()


async def test_an_unknown_dialect_is_refused_before_anything_is_sent() -> None:
    """A dialect that does not exist is no connection."""
    async with HostileServer() as server:
        with pytest.raises(Fatal):
            billing(server, dialect="publik")
        assert server.requests == []
