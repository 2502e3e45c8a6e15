"""Which of the two billings an error came from, and which one was silent when the time ran out."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from connectors.errors import ConnectorError, Retriable
from connectors.memory import MemoryBilling
from remotesupport.bootstrap import Connection
from remotesupport.core.model import Side
from remotesupport.steps.read.extract import out_of_time
from remotesupport.steps.read.sides import said_by, silent_side
from tests.cycle_fixtures import settings_for


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    """Two billings in memory and the connection between them."""
    settings = settings_for(tmp_path, "acme").connection("acme")
    return Connection(settings, MemoryBilling("acme").staff("robot"), MemoryBilling("main").customer("acme"))


async def raising(error: ConnectorError) -> None:
    """An answer that fails."""
    raise error


@pytest.mark.parametrize("side", list(Side))
async def test_an_error_knows_its_side(connection: Connection, side: Side) -> None:
    """Whatever a billing's client raises gets that billing's side; one that has a side keeps it."""
    billing = connection.main if side is Side.MAIN else connection.external
    for known in (None, Side.MAIN, Side.EXTERNAL):
        with pytest.raises(Retriable) as caught:
            await said_by(connection, billing, partial(raising, Retriable("refused", billing="acme", side=known)))
        assert caught.value.side is (known or side)


@pytest.mark.parametrize(
    ("silent", "side"), [({Side.MAIN}, Side.MAIN), ({Side.EXTERNAL}, Side.EXTERNAL), (set(Side), None), (set(), None)]
)
async def test_a_wait_that_is_ended_knows_who_was_silent(
    connection: Connection, silent: set[Side], side: Side | None
) -> None:
    """The side that had not answered when the time ran out is the error's, unless it was both or none."""
    never = asyncio.Event()
    at_once = partial(asyncio.sleep, 0)
    asking = asyncio.gather(
        *(
            said_by(connection, b, never.wait if b.side in silent else at_once)
            for b in (connection.external, connection.main)
        )
    )
    for _ in range(5):
        await asyncio.sleep(0)
    asking.cancel()
    if silent:
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert silent_side(connection) is side
    error = out_of_time(connection, "reading did not end")
    assert (error.side, str(side) in str(error)) == (side, side is not None)
