"""The only place that picks real things: store, clients, clock. Everything below gets them passed in.

No Prefect and no decisions about tickets in here.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.billmanager import connect_external, connect_main
from connectors.contract import ExternalBilling, MainBilling
from remotesupport.settings import BlockReader, ExternalSettings, Settings
from remotesupport.store import Store


@dataclass(slots=True)
class Connection:
    """One external billing with its customer user in the main billing: the configuration and both clients."""

    settings: ExternalSettings
    external: ExternalBilling
    main: MainBilling
    identified: bool = False

    @property
    def name(self) -> str:
        """The connection's unique name."""
        return self.settings.name


class Context:
    """What a run works with. A plain class on purpose: nothing may walk through it or copy it.

    ``clock`` gives UTC, ``sleep`` waits, ``new_id`` makes run ids: tests own all three. ``holder`` names this
    process in leases.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        connections: dict[str, Connection],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex[:12],
        flow_run: str | None = None,
    ) -> None:
        self.settings, self.store, self.connections = settings, store, connections
        self.clock, self.sleep, self.new_id, self.flow_run = clock, sleep, new_id, flow_run
        self.log = logging.getLogger("remotesupport")
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"

    async def aclose(self) -> None:
        """Close every client and the store."""
        for connection in self.connections.values():
            await connection.external.aclose()
            await connection.main.aclose()
        self.store.close()


async def connect(settings: Settings, external: ExternalSettings, blocks: BlockReader | None) -> Connection:
    """Both clients of a connection; nothing is sent yet."""
    main = settings.main
    return Connection(
        external,
        connect_external(
            external.name,
            external.url,
            external.login,
            await external.password.resolve(blocks),
            version=external.version,
            ca_file=external.ca_file,
            tls_fingerprint=external.tls_fingerprint,
            timezone=external.timezone,
        ),
        connect_main(
            external.name,
            main.url,
            external.main_login,
            await external.main_password.resolve(blocks),
            version=main.version,
            ca_file=main.ca_file,
            tls_fingerprint=main.tls_fingerprint,
            timezone=external.zone_of_main,
        ),
    )


@asynccontextmanager
async def open_context(
    settings: Settings, *, blocks: BlockReader | None = None, flow_run: str | None = None
) -> AsyncIterator[Context]:
    """Open store and clients for the enabled connections, and close them at the end."""
    store = Store.open(settings.database_url)
    store.migrate()
    connections = {e.name: await connect(settings, e, blocks) for e in settings.enabled()}
    context = Context(settings, store, connections, flow_run=flow_run)
    try:
        yield context
    finally:
        await context.aclose()
