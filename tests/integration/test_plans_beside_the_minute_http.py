"""The same over real HTTP: a plan and an audit, with a whole sync ahead of every second request."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from remotesupport.core.run import RunKind
from tests.http_desk import HttpDesk, crossed_once
from tests.three_billings import three_billings

pytestmark = pytest.mark.thorough("a sync over real HTTP ahead of every second request; in memory it is in `make test`")

STEP = 2  # every second request: each takes a sync over real HTTP


class Interrupting(httpx.AsyncBaseTransport):
    """Real HTTP; ahead of request number ``at`` something else happens, from its beginning to its end."""

    def __init__(self) -> None:
        plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used: loopback speaks plain HTTP
        self._real = httpx.AsyncHTTPTransport(verify=plain, trust_env=False, retries=0)
        self.at = self.requests = 0
        self.happens: Callable[[], Awaitable[object]] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.happens and self.requests == self.at:
            await self.happens()
        return await self._real.handle_async_request(request)

    async def aclose(self) -> None:
        await self._real.aclose()


class Interrupted(HttpDesk):
    """A desk of which both clients send through one such transport."""

    interrupting: Interrupting | None = None

    def transport(self) -> httpx.AsyncBaseTransport | None:
        self.interrupting = self.interrupting or Interrupting()
        return self.interrupting


AUDIT = pytest.mark.thorough("7 s of CPU time; a plan over HTTP and an audit in memory are in `make test`")


@pytest.mark.parametrize(
    ("kind", "version"), [(RunKind.PLAN, "6.94.1"), pytest.param(RunKind.AUDIT, "4.0.68", marks=AUDIT)]
)
async def test_a_sync_ahead_of_any_request_makes_no_conflict(tmp_path: Path, kind: RunKind, version: str) -> None:
    """Whichever request it comes ahead of: no conflict, and what was said crosses once and in order."""
    async with AsyncExitStack() as stack:
        world = stack.enter_context(three_billings(tmp_path, main_version=version, acme_version=version))
        opened = world.acme.act(as_="ivan", do="open", department="Technical support", subject="s", text="E<0>")
        ticket, said, answered = str(opened["ticket"]), ["E<0>"], list[str]()
        reader, minutes = Interrupted(world), HttpDesk(world)
        stack.push_async_callback(reader.aclose)
        stack.push_async_callback(minutes.aclose)
        between = reader.interrupting
        assert between is not None
        await minutes.drain()

        def client() -> None:
            said.append(f"E<{len(said)}>")
            world.acme.act(as_="ivan", do="reply", ticket=ticket, text=said[-1])

        async def minute() -> None:
            client()
            answered.append(f"M<{len(answered)}>")
            world.main.act(as_="anna", do="reply", ticket=world.copy(f"[acme #{ticket}]"), text=answered[-1])
            await minutes.run(later=1)

        async def read(at: int) -> int:
            """One run with a sync ahead of that request; how many it made."""
            client()
            between.requests, between.at, between.happens = 0, at, minute
            report = await reader.run(kind, plan_only=kind is RunKind.PLAN)
            between.happens = None
            assert (report.exit_status, report.billings[0].changes["conflict"]) == (0, 0), report.headline
            return between.requests

        await read(0)
        for at in range(1, await read(0), STEP):
            await read(at)
        assert len(answered) > 2
        await minutes.drain()
        crossed_once(world.main, world.copy(f"[acme #{ticket}]"), said)
        crossed_once(world.acme, ticket, answered)
