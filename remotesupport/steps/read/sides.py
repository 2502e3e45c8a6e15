"""Tells which of a connection's two billings an error came from, and which one was silent when the time ran out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from connectors.contract import Billing
from connectors.errors import ConnectorError
from remotesupport.bootstrap import Connection
from remotesupport.core.model import Side

T = TypeVar("T")


async def said_by(connection: Connection, billing: Billing, ask: Callable[[], Awaitable[T]]) -> T:
    """Return what ``ask`` gives, which asks ``billing`` only. An error of it knows its side; so does a wait that is
    ended.

    It is called in here, so that nothing was begun where a run ends before this is reached.
    """
    try:
        return await ask()
    except ConnectorError as error:
        error.side = error.side or billing.side
        raise
    except asyncio.CancelledError:
        connection.silent.add(billing.side)
        raise


def silent_side(connection: Connection) -> Side | None:
    """The side that was being waited for when reading was last ended; None: none or both."""
    return next(iter(connection.silent)) if len(connection.silent) == 1 else None
