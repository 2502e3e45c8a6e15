"""One emulated BILLmanager: its data, its rules, its sessions, its clock and the record of what was asked of it."""

from __future__ import annotations

import threading
import zlib
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from remotesupport.emulator.clock import Clock
from remotesupport.emulator.database import Database
from remotesupport.emulator.desk import Desk
from remotesupport.emulator.exchange import ApiAnswer, ApiRequest
from remotesupport.emulator.faults import Faults
from remotesupport.emulator.habits import Habits
from remotesupport.emulator.late import Late
from remotesupport.emulator.people import People
from remotesupport.emulator.seed import plant
from remotesupport.emulator.sessions import Sessions
from remotesupport.emulator.v4 import dialect as v4
from remotesupport.emulator.v6 import dialect as v6
from remotesupport.emulator.versions import version_of

_DIALECTS = {"4": v4.answer, "5": v6.answer, "6": v6.answer}
CUSTOMERS = ("acme", "globex")
RECORD = 200_000


class Billing:
    """``state`` None keeps everything in memory; a file that has users already is not seeded again.

    ``habits``: answers that are not the version's defaults (``habits.HABITS``); they are not kept in ``state``.
    """

    def __init__(
        self,
        name: str = "billing",
        version: str = "6.94.1",
        *,
        seed: int = 1,
        state: Path | None = None,
        tickets: int = 0,
        tickets_of: str | None = None,
        customers: tuple[str, ...] = CUSTOMERS,
        habits: Mapping[str, str] | None = None,
    ) -> None:
        spoken = version_of(version)
        self.name, self.version, self.core_version = name, spoken.number, spoken.core
        self.habits = Habits(spoken.release, spoken.habits)
        self.habits.choose(habits or {})
        self._dialect = _DIALECTS[spoken.release]
        self.clock = Clock()
        self.turn = threading.RLock()  # calls are executed one at a time
        self.late = Late(self.clock, self.turn)
        self.database = Database(state)
        self.people = People(self.database)
        self.desk = Desk(self.database, self.people, self.clock, self.habits)
        self.sessions = Sessions(self.people, self.clock)
        self.faults = Faults()
        self.faults.at_once["ban_after"] = lambda count: self.sessions.set_ban(after=count)
        self.faults.at_once["ban_s"] = lambda seconds: self.sessions.set_ban(seconds=seconds)
        self.faults.at_once["refuse_s"] = _nobody_listens
        self.requests: deque[dict[str, Any]] = deque(maxlen=RECORD)
        if not self.people.everyone():
            self._first_start(seed, tickets, tickets_of, customers)

    def answer(self, request: ApiRequest) -> ApiAnswer:
        """One API call in the dialect of this version."""
        if self.habits["auto_archive"] == "after_7_days":
            with self.database.transaction():
                self.desk.archive_idle(7)
        return self._dialect(self, request)

    def pretend(self, request: ApiRequest) -> ApiAnswer:
        """The answer of the call, without its effect. Its ids are never given again, as databases have it (InnoDB)."""
        with suppress(_Undone), self.database.transaction():
            answer = self.answer(request)
            used = self.database.all("SELECT name, seq FROM sqlite_sequence")
            raise _Undone
        if not request.params.get("elid"):  # of a message the next one may have the number: that is harder to tell
            self.database.many(
                "UPDATE sqlite_sequence SET seq = ? WHERE name = ?", [(u["seq"], u["name"]) for u in used]
            )
        return answer

    def close(self) -> None:
        """Let go of the file."""
        self.database.close()

    def _first_start(self, seed: int, tickets: int, tickets_of: str | None, customers: tuple[str, ...]) -> None:
        with self.database.transaction():
            self._spread_ids()
            plant(self.database, self.people, self.clock, seed, customers, tickets, tickets_of)
            self.database.run("UPDATE ticket SET revision = id")

    def _spread_ids(self) -> None:
        """Ids start elsewhere in every billing and for every kind, so that a mix-up never finds a wrong row."""
        base = zlib.crc32(self.name.encode()) % 900
        for table, start in (
            ("user", 10),
            ("ticket", 1000),
            ("assignment", 400_000),
            ("message", 20_000),
            ("file", 300),
        ):
            self.database.run("INSERT INTO sqlite_sequence VALUES (?,?)", table, start + base)


class _Undone(Exception):
    """Takes a transaction back."""


def _nobody_listens(_seconds: float) -> None:
    raise ValueError("refuse_s needs an emulator that listens")
