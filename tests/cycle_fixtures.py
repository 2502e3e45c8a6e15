"""Two billings in memory, a real store and the real steps: what a run does, without HTTP and without waiting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.memory import MemoryBilling
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.run import RunKind, RunReport, RunRequest
from remotesupport.settings import ExternalSettings, Settings, load_settings
from remotesupport.steps.cycle import cycle
from tests.fresh_store import store_at

ALL_OF_THEM = 3600.0  # seconds to gather: each pass has every connection in it, however busy this machine is
TOML = """
[main]
url = "http://127.0.0.1:1/billmgr"
"""
CONNECTION = """
[[external]]
name = "{name}"
url = "http://127.0.0.1:1/{name}"
login = "robot"
password = "env:ROBOT"
main_login = "{name}"
main_password = "env:ROBOT"
timezone = "Europe/Moscow"
{extra}
[[external.departments]]
remote = "Technical support"
main = "Outsourced support"
"""


class Clock:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Waiting is letting time pass."""
        self.advance(seconds)


def settings_for(folder: Path, *names: str, extra: str = "") -> Settings:
    """A configuration as a user would have it, for these connections."""
    file = folder / "remotesupport.toml"
    file.write_text(TOML + "".join(CONNECTION.format(name=n, extra=extra) for n in names))
    return load_settings(file, {"REMOTESUPPORT_HOME": str(folder), "ROBOT": "invented"})


class Desk:
    """The main billing, some externals, and the product between them."""

    def __init__(
        self,
        folder: Path,
        *names: str,
        extra: str = "",
        url: str | None = None,
        clock: Clock | None = None,
        gathering: float = ALL_OF_THEM,
    ) -> None:
        self.clock, self.gathering = clock or Clock(), gathering
        self.settings = settings_for(folder, *names, extra=extra)
        self.url = url or f"sqlite:///{folder / 'ledger.sqlite3'}"
        self.main = MemoryBilling("main", departments=("Outsourced support", "Own customers"), clock=self.clock)
        self.externals = {n: MemoryBilling(n, clock=self.clock, timezone="Europe/Moscow") for n in names}
        self.store = store_at(self.url, self.clock)
        self.off: set[str] = set()
        self.context = self._context()

    def switch_off(self, names: set[str]) -> None:
        """From now on the correspondences of these connections are off, and of the others on."""
        self.off = set(names)
        for name, connection in self.context.connections.items():
            connection.settings = self._settings_of(connection.settings, on=name not in names)

    @staticmethod
    def _settings_of(external: ExternalSettings, *, on: bool) -> ExternalSettings:
        pairs = [pair.model_copy(update={"enabled": on}) for pair in external.departments]
        return external.model_copy(update={"departments": pairs})

    def _context(self) -> Context:
        connections = {e.name: self._connection(e) for e in self.settings.external}
        return Context(
            self.settings, self.store, connections, clock=self.clock, sleep=self.clock.sleep, gathering=self.gathering
        )

    def _connection(self, external: ExternalSettings) -> Connection:
        world = self.externals[external.name]
        if "robot" not in world.people:
            world.add_staff("robot", "Support Robot", ["Technical support"])
        return Connection(
            self._settings_of(external, on=external.name not in self.off),
            world.staff("robot", name=external.name),
            self.main.customer(external.name, name=external.name),
        )

    async def run(self, kind: RunKind = RunKind.SYNC, **request: Any) -> RunReport:
        """One run, a minute after the last."""
        self.clock.advance(60)
        return await cycle(self.context, RunRequest(kind, **request))

    def main_tickets(self, customer: str) -> list[str]:
        """Tickets of a connection's customer in the main billing."""
        return [str(t.id) for t in self.main.tickets.values() if t.customer == customer]

    def writes(self) -> list[tuple[str, str]]:
        """Every write of the product so far: (billing, function)."""
        return [(w.name, c.function) for w in (self.main, *self.externals.values()) for c in w.writes()]
