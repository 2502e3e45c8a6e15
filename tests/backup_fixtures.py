"""Two days at an office, lived once for all tests: the evening of the backup, and the evening after it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backups import NO_SHARES, Office, State, first_day, first_evening, resume, second_day, state_of
from tests.cycle_fixtures import Desk


@pytest.fixture(scope="session")
def days(tmp_path_factory: pytest.TempPathFactory) -> tuple[State, State]:
    """Both evenings, everything at rest: lived by the first process of a test run that asks, read by the others."""
    own = tmp_path_factory.getbasetemp()
    kept = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "two-days-at-an-office"
    with kept.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if not (known := file.read()):
            known = pickle.dumps(asyncio.run(_live(tmp_path_factory.mktemp("office"))))
            file.write(known)
    both: tuple[State, State] = pickle.loads(known)
    return both


async def _live(folder: Path) -> tuple[State, State]:
    desk = Desk(folder, "acme", extra=NO_SHARES)
    office = Office(desk)
    first_day(office)
    await first_evening(office)
    yesterday = state_of(office)
    await second_day(office)
    today = state_of(office)
    desk.store.close()
    return yesterday, today


@pytest.fixture
def yesterday(days: tuple[State, State]) -> State:
    """The evening of the backup."""
    return days[0]


@pytest.fixture
def today(days: tuple[State, State]) -> State:
    """The evening after the day that the backup knows nothing of."""
    return days[1]


@pytest.fixture
def morning(yesterday: State, tmp_path: Path) -> Iterator[Office]:
    """The evening of the backup, to go on from."""
    desk = Desk(tmp_path, "acme", extra=NO_SHARES)
    yield resume(desk, yesterday)
    desk.store.close()


@pytest.fixture
def office(today: State, store_url: str, tmp_path: Path) -> Iterator[Office]:
    """Today's evening, on SQLite and on PostgreSQL."""
    desk = Desk(tmp_path, "acme", url=store_url, extra=NO_SHARES)
    yield resume(desk, today)
    desk.store.close()


@pytest.fixture
def plain_office(today: State, tmp_path: Path) -> Iterator[Office]:
    """The same on SQLite alone."""
    desk = Desk(tmp_path, "acme", extra=NO_SHARES)
    yield resume(desk, today)
    desk.store.close()
