"""The only place that picks real things: store, clients, clock. Everything below gets them passed in.

No Prefect and no decisions about tickets in here.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import os
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from connectors.billmanager import Options, connect_external, connect_main, connect_watch
from connectors.billmanager.request import Listener
from connectors.contract import ExternalBilling, MainBilling, WatchedLists
from remotesupport.core.connections.looks import ListLook
from remotesupport.core.connections.watch import WatchedLook, WatchedRow, WatchedTickets
from remotesupport.core.model import DepartmentRow, Side
from remotesupport.sealing import check_key
from remotesupport.settings import BlockReader, ExternalSettings, MainSettings, Settings, SettingsError
from remotesupport.settings_models import Endpoint
from remotesupport.settings_secrets import resolve_all
from remotesupport.store import Store

GATHERING = 0.3


@dataclass(slots=True)
class Connection:
    """One external billing with its customer user in the main billing: the configuration and both clients.

    ``identified``: both logins have said who they are. ``doubtful``: one was refused, so its secret may have changed.
    ``silent``: the sides that had not answered when reading was last ended. ``looks``: the last look at each list,
    ``looked_at``: the ledger's mark when they were begun (None: never), and ``main_departments``: what main said last
    of its own, and when; ``watched``: its tickets on the employee's list; all of this process alone.
    """

    settings: ExternalSettings
    external: ExternalBilling
    main: MainBilling
    identified: bool = False
    doubtful: bool = False
    silent: set[Side] = field(default_factory=set)
    looks: dict[Side, dict[str, ListLook]] = field(default_factory=lambda: {side: {} for side in Side})
    looked_at: int | None = None
    main_departments: tuple[datetime, tuple[DepartmentRow, ...]] | None = None
    watched: WatchedTickets = field(default_factory=WatchedTickets)

    @property
    def name(self) -> str:
        """The connection's unique name."""
        return self.settings.name

    async def aclose(self) -> None:
        """Close both clients."""
        await self.external.aclose()
        await self.main.aclose()


@dataclass(slots=True)
class Watch:
    """The employee's list of main's tickets, for all connections.

    ``open``: makes its client. ``known``: its rows as they were last seen; ``whole_at``: when it was last read to its
    end. ``problem``: why it could not be read the last time, ``next_try``: until then it is left alone, ``noted``: the
    problem that the store knows.
    """

    open: Callable[[], Awaitable[WatchedLists]]
    lists: WatchedLists | None = None
    known: Mapping[str, WatchedRow] = field(default_factory=dict)
    whole_at: datetime | None = None
    problem: str = ""
    next_try: datetime | None = None
    noted: str | None = None

    async def look(self, known: Mapping[str, WatchedRow]) -> WatchedLook:
        """Read the list as its contract says, by a client made now where there is none.

        Raises ConnectorError, SettingsError.
        """
        self.lists = self.lists or await self.open()
        return await self.lists.look(known)

    async def aclose(self) -> None:
        """Close its client; the next look makes a new one, with the password of then."""
        lists, self.lists = self.lists, None
        if lists is not None:
            await lists.aclose()


@dataclass(frozen=True, slots=True)
class KeepKey:
    """The key that kept inputs are encrypted with, "" where there is none.

    ``problem``: why the configured one cannot be used.
    """

    key: str = field(default="", repr=False)
    problem: str = ""

    @classmethod
    async def of(cls, settings: Settings, blocks: BlockReader | None) -> KeepKey:
        """Look up the configured key. A run that cannot have it goes on without one."""
        if settings.keep.key is None or not settings.keep.inputs_days:
            return cls()
        try:
            key = await settings.keep.key.resolve(blocks)
            check_key(key)
        except Exception as error:  # whatever a server of blocks may do: keeping inputs is not worth a run
            return cls(problem=str(error))
        return cls(key)


class Context:
    """Everything that a run works with. A plain class on purpose: nothing may walk through it or copy it.

    ``broken``: connections whose secrets could not be had, and why; the others go on. ``clock`` gives UTC, ``sleep``
    waits, ``new_id`` makes run ids: tests own all three. ``gathering``: seconds that a connection which is ready waits
    for others, so that one pass does for all of them. ``holder`` names this process in leases. ``noted``: what is noted
    once for these settings, and was. ``inputs_key``: of `[keep]`. ``watch``: None where no such login is configured.
    ``ends_at``: by the event loop's clock, when this run has to be over; None where nobody ends it.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        connections: dict[str, Connection],
        *,
        broken: Mapping[str, str] = MappingProxyType({}),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex[:12],
        flow_run: str | None = None,
        gathering: float = GATHERING,
        inputs_key: KeepKey | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.settings, self.store, self.connections = settings, store, connections
        self.inputs_key, self.watch = inputs_key or KeepKey(), watch
        self.broken, self.gathering = dict(broken), gathering
        self.clock, self.sleep, self.new_id, self.flow_run = clock, sleep, new_id, flow_run
        self.log = logging.getLogger("remotesupport")
        self.noted: set[str] = set()
        self.ends_at: float | None = None
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"

    def for_run(self, flow_run: str | None) -> Context:
        """Return a context with the same store and clients under another flow run's name."""
        twin = copy.copy(self)
        twin.flow_run = flow_run
        return twin

    async def aclose(self) -> None:
        """Close every client and the store."""
        for connection in self.connections.values():
            await connection.aclose()
        if self.watch is not None:
            await self.watch.aclose()
        self.store.close()


async def connect(
    settings: Settings,
    external: ExternalSettings,
    blocks: BlockReader | None,
    listeners: Mapping[Side, Listener] = MappingProxyType({}),
) -> Connection:
    """Both clients of a connection; nothing is sent yet. Raises SettingsError with each secret that is not there.

    ``listeners``: told of every answer of a side.
    """
    main, pairs = settings.main, [pair for pair in external.departments if pair.enabled]
    password, main_password = await resolve_all((external.password, external.main_password), blocks)
    there, here = options_of(external), options_of(main)
    there |= {"departments": [pair.remote for pair in pairs], "timezone": external.timezone}
    here |= {"departments": [pair.main for pair in pairs], "timezone": external.zone_of_main}
    there["listen"], here["listen"] = listeners.get(Side.EXTERNAL), listeners.get(Side.MAIN)
    return Connection(
        external,
        connect_external(external.name, external.url, external.login, password, **there),
        connect_main(external.name, main.url, external.main_login, main_password, **here),
    )


async def connect_all(
    settings: Settings, externals: Iterable[ExternalSettings], blocks: BlockReader | None
) -> tuple[dict[str, Connection], dict[str, str]]:
    """Connect each of ``externals`` → those connections by name, and of those whose secrets are not there why."""
    connections, broken = dict[str, Connection](), dict[str, str]()
    for external in externals:
        try:
            connections[external.name] = await connect(settings, external, blocks)
        except SettingsError as error:
            broken[external.name] = str(error)
    return connections, broken


def watch_of(main: MainSettings, blocks: BlockReader | None) -> Watch | None:
    """Return the employee's list; nothing is looked up or sent before it is opened. None: no such login is configured.

    Opening it raises SettingsError where its password is not there, and Fatal where the version has no such list.
    """
    login, reference = main.watch_login, main.watch_password
    if login is None or reference is None:
        return None

    async def open_it() -> WatchedLists:
        return connect_watch(main.url, login, await reference.resolve(blocks), **options_of(main))

    return Watch(open_it)


def options_of(endpoint: Endpoint) -> Options:
    """Return what the configuration says of a billing itself: version and dialect, and whom to trust."""
    return {
        "version": endpoint.version,
        "dialect": endpoint.dialect,
        "ca_file": str(endpoint.ca_file) if endpoint.ca_file else None,
        "tls_fingerprint": endpoint.tls_fingerprint,
    }


async def build(settings: Settings, resolve_block: BlockReader | None, flow_run: str | None = None) -> Context:
    """A context for the enabled connections, the store's schema up to date. The caller closes it."""
    connections, broken = await connect_all(settings, settings.enabled(), resolve_block)
    store = Store.open(settings.database_url)
    await asyncio.to_thread(store.migrate)
    key = await KeepKey.of(settings, resolve_block)
    watch = watch_of(settings.main, resolve_block)
    return Context(settings, store, connections, broken=broken, flow_run=flow_run, inputs_key=key, watch=watch)


@asynccontextmanager
async def open_context(
    settings: Settings, *, resolve_block: BlockReader | None = None, flow_run: str | None = None
) -> AsyncIterator[Context]:
    """Open store and clients, and close them at the end."""
    context = await build(settings, resolve_block, flow_run)
    try:
        yield context
    finally:
        await context.aclose()


@dataclass(slots=True)
class _Kept:
    context: Context
    loop: asyncio.AbstractEventLoop
    users: int = 0
    retired: bool = False

    def fits(self, settings: Settings, loop: asyncio.AbstractEventLoop) -> bool:
        """Same loop, same configuration."""
        return self.loop is loop and self.context.settings == settings

    @property
    def in_doubt(self) -> set[str]:
        """Connections without clients, since a secret was not there, and those whose secret may have changed."""
        return {*self.context.broken, *(c.name for c in self.context.connections.values() if c.doubtful)}

    async def renew(self, blocks: BlockReader | None) -> None:
        """Make the clients of those in doubt anew, while nobody uses them; all others keep sessions and memory."""
        context, enabled, names = self.context, self.context.settings.enabled(), self.in_doubt
        again = [external for external in enabled if external.name in names]
        for name in context.connections.keys() & names:
            await context.connections.pop(name).aclose()
        made, context.broken = await connect_all(context.settings, again, blocks)
        made |= context.connections
        context.connections = {e.name: made[e.name] for e in enabled if e.name in made}


class KeptContexts:
    """Clients and store that outlive a run, for a worker that runs one every minute: one login per login, one TLS
    handshake per billing, until the configuration changes, or that login is refused."""

    def __init__(self) -> None:
        self._kept: _Kept | None = None
        self._one_at_a_time: dict[asyncio.AbstractEventLoop, asyncio.Lock] = {}

    @asynccontextmanager
    async def lend(
        self, settings: Settings, *, resolve_block: BlockReader | None = None, flow_run: str | None = None
    ) -> AsyncIterator[Context]:
        """The kept context under this flow run's name; a new one where the kept one no longer fits."""
        lock = self._one_at_a_time.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with lock:
            kept = await self._fitting(settings, resolve_block)
            kept.users += 1
        try:
            yield kept.context.for_run(flow_run)
        finally:
            kept.users -= 1
            await _close_unused(kept)

    async def _fitting(self, settings: Settings, resolve_block: BlockReader | None) -> _Kept:
        kept, loop = self._kept, asyncio.get_running_loop()
        if kept is not None and kept.fits(settings, loop):
            if not kept.in_doubt:
                return kept
            if kept.users == 0:
                await kept.renew(resolve_block)
                return kept
        fresh = _Kept(await build(settings, resolve_block), loop)
        if kept is not None and kept.loop is loop:
            kept.retired = True
            await _close_unused(kept)
        self._kept = fresh
        return fresh


async def _close_unused(kept: _Kept) -> None:
    if kept.retired and kept.users == 0:
        await kept.context.aclose()
