"""SIGKILL in every kind of write, then one more start: one effect, in order, and nothing left open.

The two hardest of the six points, one of them on PostgreSQL; all of them on both: ``make crash-matrix``.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.crash_matrix.child import ON_ITS_WAY, UNANSWERED
from tests.crash_matrix.matrix import Cell, Seen, column, yardstick
from tests.postgres_server import PostgresServer

pytest_plugins = ("tests.database_fixtures",)
pytestmark = pytest.mark.thorough("in each column eleven processes are killed and started again")


@pytest.fixture(scope="module")
def right() -> dict[str, Seen]:
    """What the same stories look like when nobody is killed."""
    return asyncio.run(yardstick())


def _wrong(cells: list[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell.wrong or not cell.killed]


@pytest.mark.parametrize("point", [UNANSWERED])
async def test_every_write_survives_a_kill(point: str, right: dict[str, Seen]) -> None:
    """After a kill at this point every kind of write is there once, as if nothing had happened."""
    assert _wrong(await column(point, right)) == []


async def test_on_postgresql_too(right: dict[str, Seen], postgres: PostgresServer) -> None:
    """With the ledger in PostgreSQL a request that is done after the death of its sender is one effect too."""
    assert _wrong(await column(ON_ITS_WAY, right, postgres.new_database())) == []
