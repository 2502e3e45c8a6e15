"""The real steps and connectors over real HTTP, with a clock that only the test moves: quarantines without waiting.

What a person says is a text that nobody else says, so that it can be counted on the other side.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from connectors.billmanager import Limits, connect_external, connect_main
from remotesupport.bootstrap import Connection, Context, watch_of
from remotesupport.core.run import RunKind, RunReport, RunRequest
from remotesupport.settings import ExternalSettings
from remotesupport.steps.cycle import cycle
from tests.cycle_fixtures import Clock
from tests.emulator_fixtures import RunningEmulator, password_of
from tests.fresh_store import store_at
from tests.three_billings import ThreeBillings, texts

SHORT = Limits(read_seconds=2.0, write_seconds=2.0, connect_seconds=1.0, logins_a_minute=100)
MINUTE, LONG = 60.0, 150.0  # seconds between runs; LONG is more than a quarantine


class CommonClock(Clock):
    """The product's clock, and everybody's: a minute that passes here passes in the billings too. (While theirs stood
    still, a message could come in the second of the last one and long after the last look: no server can do that.)"""

    def __init__(self, world: ThreeBillings) -> None:
        super().__init__()
        self._clocks = [billing.core.clock for billing in world.everyone]
        for clock in self._clocks:
            clock.set(self.now, freeze=True)

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        for clock in self._clocks:
            clock.advance(seconds)


class RealTime:
    """The true time; nobody moves it."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)

    def advance(self, _seconds: float) -> None:
        """Not here."""


class HttpDesk:
    """The product between three emulated billings; ``names``: the connections that take part."""

    limits = SHORT

    def __init__(
        self, world: ThreeBillings, names: Iterable[str] = ("acme",), *, url: str | None = None, clock: Any = None
    ) -> None:
        self.world, self.names = world, tuple(names)
        self.clock = clock or CommonClock(world)
        self.url = url or f"sqlite:///{world.home / 'desk.sqlite3'}"
        self.context = self.open()

    def open(self) -> Context:
        """A fresh context on the same store, as after a restart."""
        store = self.open_store()
        settings = self.world.settings()
        chosen = {e.name: self._connection(e) for e in settings.external if e.name in self.names}

        async def no_sleep(seconds: float) -> None:
            self.clock.advance(seconds)

        watch = watch_of(settings.main, None)
        return Context(settings, store, chosen, clock=self.clock, sleep=no_sleep, watch=watch)

    def open_store(self) -> Any:
        """The store, its tables up to date."""
        return store_at(self.url, self.clock)

    def main_url(self, _name: str) -> str:
        """Where that connection finds main."""
        return self.world.main.url

    def transport(self) -> httpx.AsyncBaseTransport | None:
        """What a client sends its requests through; None: the connectors' own."""
        return None

    def _connection(self, external: ExternalSettings) -> Connection:
        options: dict[str, Any] = {"timezone": external.timezone, "limits": self.limits}
        remote = [pair.remote for pair in external.departments if pair.enabled]
        inside = [pair.main for pair in external.departments if pair.enabled]
        robot, customer = external.login, external.main_login
        return Connection(
            external,
            connect_external(
                external.name, external.url, robot, password_of(robot), departments=remote, http=self.transport(),
                dialect=external.dialect, **options,
            ),
            connect_main(
                external.name, self.main_url(external.name), customer, password_of(customer), http=self.transport(),
                departments=inside, dialect=self.world.settings().main.dialect, **options,
            ),
        )  # fmt: skip

    async def run(self, kind: RunKind = RunKind.SYNC, *, later: float = MINUTE, **request: Any) -> RunReport:
        """One run, some time after the last."""
        self.clock.advance(later)
        return await cycle(self.context, RunRequest(kind, **request))

    async def drain(self, most: int = 12) -> list[RunReport]:
        """Runs until two in a row have written nothing and left nothing open."""
        reports: list[RunReport] = []
        quiet = 0
        while quiet < 2:
            reasons = [b.reason for b in reports[-1].billings] if reports else []
            assert len(reports) < most, f"still busy after {most} runs: {reasons}, {self.open_work()}"
            reports.append(await self.run(later=LONG))
            idle = not sum(b.written for b in reports[-1].billings) and not self.open_work()
            quiet = quiet + 1 if idle else 0
        return reports

    def open_work(self) -> list[str]:
        """What has no known outcome or waits for its next try; a close after a departure waits for main's staff."""
        store = self.context.store
        waiting = [p for p in store.parked(list(self.names)) if p.next_try is not None and p.direction is not None]
        open_ = (i for n in self.names for i in store.open_intents(n))
        return [f"{p.key}: {p.cause}" for p in waiting] + [
            f"{i.key} is {i.state}, read {i.absent_reads} times in vain" for i in open_
        ]

    def shows_all(self) -> bool:
        """Whether every external billing lists all tickets there are."""
        return all(c.external.capabilities.exhaustive for c in self.context.connections.values())

    async def aclose(self) -> None:
        """Close what ``open`` opened."""
        await self.context.aclose()


@asynccontextmanager
async def http_desk(world: ThreeBillings, names: Iterable[str] = ("acme",), **options: Any) -> AsyncIterator[HttpDesk]:
    """A desk that is closed at the end."""
    desk = HttpDesk(world, names, **options)
    try:
        yield desk
    finally:
        await desk.aclose()


def crossed_once(target: RunningEmulator, ticket: str, said: list[str]) -> None:
    """Every text of ``said`` is in that ticket exactly once, in that order."""
    whole = "\n".join(texts(target, ticket))
    counts = {text: whole.count(text) for text in said}
    assert counts == dict.fromkeys(said, 1), f"{target.core.name} {ticket}: {counts}\n{whole}"
    places = [whole.index(text) for text in said]
    assert places == sorted(places), f"{target.core.name} {ticket}: out of order\n{whole}"


def everything_sent(target: RunningEmulator) -> str:
    """All parameters of all requests that a billing has received, for canaries."""
    return repr([entry["params"] for entry in target.requests()])
