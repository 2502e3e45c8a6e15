"""The bell over real HTTP for tests: its endpoint in this event loop over runs that a test holds, or as a process.

async with ringing(home) as bell:
    await bell.post("/bell/acme/7"); bell.runs.begun
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from deployments.bell import main
from deployments.bell.names import Names
from deployments.bell.place import found, hold, publish, token_of
from deployments.bell.process import BellProcess
from deployments.bell.ringer import NotBegun, Ringer
from deployments.bell.rings import Batch, Rings
from remotesupport.settings import BellSettings
from tests.prefect_fixtures import test_environ
from tests.three_billings import configured

PATIENCE_S = 60.0


class HeldRuns:
    """Runs that go on until ``over`` is set. ``refusal``: what each try to begin one meets."""

    def __init__(self) -> None:
        self.begun: list[Batch] = []
        self.over = asyncio.Event()
        self.refusal: NotBegun | None = None

    async def begin(self, batch: Batch) -> str:
        if self.refusal is not None:
            raise self.refusal
        self.begun.append(batch)
        return str(len(self.begun))

    async def end(self, run: str) -> None:
        await self.over.wait()


@dataclass
class Bell:
    """An endpoint that is served. ``now``: the seconds of its clock; the scheduled minute is always half a one away."""

    home: Path
    environ: dict[str, str]
    url: str
    token: str
    client: httpx.AsyncClient
    runs: HeldRuns = field(default_factory=HeldRuns)
    now: float = 0.0

    async def post(self, path: str, **more: Any) -> httpx.Response:
        """Ring with the token."""
        return await self.client.post(path, headers={"Authorization": f"Bearer {self.token}"}, **more)


def at_home(home: Path) -> dict[str, str]:
    """A state folder with a configuration of acme and globex (switched off) → the environment that points there."""
    home.mkdir(exist_ok=True)
    urls = dict.fromkeys(("acme", "globex"), "http://127.0.0.1:9/billmgr")
    environ = configured(home, "http://127.0.0.1:9/billmgr", urls)
    file = home / "remotesupport.toml"
    file.write_text(file.read_text().replace('name = "globex"', 'name = "globex"\nenabled = false'))
    return environ


@asynccontextmanager
async def ringing(home: Path) -> AsyncIterator[Bell]:
    """Serve the endpoint of a new state folder, found there as that of ``up`` is, until the block ends."""
    environ = at_home(home)
    opened = main.listening(BellSettings())
    url, token = main.url_of(opened), token_of(home)
    held = hold(home)
    publish(held, url)
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, trust_env=False) as client:
        bell = Bell(home, environ, url, token, client)
        rings = Rings(lambda: bell.now, lambda _billing: 30.0)
        serving = asyncio.create_task(main.serve(opened, Ringer(rings, bell.runs, str), token, Names(environ)))
        try:
            yield bell
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
            opened.close()
            os.close(held)


@contextmanager
def bell_process(home: Path, environ: dict[str, str]) -> Iterator[BellProcess]:
    """The bell as ``up`` starts it, once it is found in its state folder. Its Prefect server is away."""
    process = BellProcess(home, "http://127.0.0.1:9/api", test_environ(**environ), home / "bell.log")
    process.start()
    try:
        end = time.monotonic() + PATIENCE_S
        while found(home) is None:
            assert process.returncode is None, (home / "bell.log").read_text()
            assert time.monotonic() < end, (home / "bell.log").read_text()
            time.sleep(0.05)
        yield process
    finally:
        process.stop(5)
