"""First and last steps of every command: read the configuration, open log and what is needed, close it again."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from deployments.settings_env import own_login
from remotesupport import logs
from remotesupport.cli.errors import Refusal
from remotesupport.cli.output import err
from remotesupport.cli.streams import is_unicode
from remotesupport.settings import BlockReader, Problem, Settings, SettingsError, load_settings, ready_state_folder

if TYPE_CHECKING:
    from connectors.billmanager.request import Listener
    from remotesupport.bootstrap import Connection, Context
    from remotesupport.core.model import Side
    from remotesupport.store import Store

T = TypeVar("T")


def prefect_is_set() -> bool:
    """Tell whether runs are to be flow runs of a Prefect server."""
    return bool(os.environ.get("PREFECT_API_URL"))


def configuration(*, log_to_stderr: bool = True) -> Settings:
    """The checked configuration, with the log open and every secret at hand removed from it.

    A command that shows a run's reasons itself leaves the log's copies of them off the terminal.
    """
    settings = load_settings()
    ready_state_folder(settings.home)
    logs.set_up(settings.home, settings.secrets(), stderr=log_to_stderr)
    if prefect_is_set():
        os.environ.update(own_login(settings.home, os.environ["PREFECT_API_URL"], os.environ))
    return settings


def chosen(settings: Settings, billings: Sequence[str] | None) -> tuple[str, ...]:
    """The names asked for, all known and enabled; empty when none was asked for. Raises SettingsError, Refusal."""
    for name in billings or ():
        if not settings.connection(name).enabled:
            raise Refusal(f"{name} is switched off: set enabled = true for it in {settings.config_path}")
    return tuple(dict.fromkeys(billings or ()))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end in this process."""
    return asyncio.run(work)


@contextmanager
def store_of(settings: Settings) -> Iterator[Store]:
    """The store alone, its schema up to date."""
    from remotesupport.store import Store

    store = Store.open(settings.database_url)
    try:
        store.migrate()
        yield store
    finally:
        store.close()


@contextmanager
def store_if_any(settings: Settings) -> Iterator[tuple[str, Store | None]]:
    """Open the store, and say where it is without a password; None where there is none yet: none is made."""
    from remotesupport.store import Store
    from remotesupport.store.engines import Address

    store = Store.existing(settings.database_url)
    try:
        yield Address.parse(settings.database_url).shown, store
    finally:
        if store is not None:
            store.close()


@asynccontextmanager
async def context_of(settings: Settings) -> AsyncIterator[Context]:
    """Store and clients of every enabled connection."""
    from remotesupport.bootstrap import open_context

    async with open_context(settings, resolve_block=block_reader()) as context:
        yield context


@asynccontextmanager
async def connection_of(
    settings: Settings, name: str, listeners: Mapping[Side, Listener] | None = None
) -> AsyncIterator[Connection]:
    """The clients of one connection without the store. Raises SettingsError where a secret is not there."""
    from remotesupport.bootstrap import connect

    connection = await connect(settings, settings.connection(name), block_reader(), listeners or {})
    try:
        yield connection
    finally:
        await connection.external.aclose()
        await connection.main.aclose()


def block_reader() -> BlockReader:
    """Reads Prefect Secret blocks where a server is named; else says what to do."""
    return _from_prefect if prefect_is_set() else _without_prefect


async def _from_prefect(name: str) -> str:
    from prefect.blocks.system import Secret

    try:
        block: Any = await Secret.aload(name)
    except ValueError:
        raise SettingsError([Problem(f"prefect:{name}", "Prefect has no Secret block of that name")]) from None
    return str(block.get())


async def _without_prefect(name: str) -> str:
    cure = "Set PREFECT_API_URL, or use env:NAME or file:/path"
    raise SettingsError([Problem(f"prefect:{name}", "Prefect blocks cannot be read here", cure)])


@asynccontextmanager
async def progress(what: str, requests: Callable[[], dict[str, int]]) -> AsyncIterator[None]:
    """While work goes on and a person watches: one line with the requests made so far for each connection."""
    console = err()
    if not console.is_terminal:
        yield
        return
    with console.status(what, spinner="dots" if is_unicode(console.file) else "line") as status:
        ticker = asyncio.create_task(_tick(what, requests, status.update))
        try:
            yield
        finally:
            ticker.cancel()


async def _tick(what: str, requests: Callable[[], dict[str, int]], show: Callable[[str], None]) -> None:
    while True:
        counts = ", ".join(f"{name} {count}" for name, count in requests().items())
        show(f"{what} (requests: {counts})" if counts else what)
        await asyncio.sleep(0.2)


def requests_of(connections: dict[str, Connection]) -> dict[str, int]:
    """Requests made so far, by connection."""
    return {n: c.external.stats.requests + c.main.stats.requests for n, c in connections.items()}


def close_log() -> None:
    """Close the log; used at the end of the process."""
    logs.tear_down()
    logging.shutdown()
