"""The dead man's switch: an address outside is asked for after each good minute; whoever watches it misses it.

It never harms a run: it takes ``TIMEOUT_S`` at most, and what goes wrong with it is one line in the log.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import httpx

from remotesupport.bootstrap import Context
from remotesupport.core.connections.connection_state import WAITS
from remotesupport.core.run import BillingState, RunReport
from remotesupport.settings import BlockReader, SecretRef, SettingsError

TIMEOUT_S = 5.0


def is_good(done: RunReport) -> bool:
    """Tell whether the product works: of the connections that were looked at, one at least was read and compared. One
    that fails alone has alerts, and so has what could not be carried."""
    looked_at = [line for line in done.billings if line.state is not BillingState.SKIPPED]
    return not looked_at or any(line.state is BillingState.OK or line.failure in WAITS for line in looked_at)


async def beat(ctx: Context, done: RunReport, blocks: BlockReader | None = None) -> None:
    """Ask for the configured address, if this run was good."""
    at = ctx.settings.alerts.heartbeat_url
    if at is None or not is_good(done):
        return
    try:
        url = await at.resolve(blocks) if isinstance(at, SecretRef) else at
        trouble = await _asked(url)
    except SettingsError as error:
        trouble = str(error)
    if trouble:
        ctx.log.warning("alerts: the heartbeat was not taken: %s. See heartbeat_url under [alerts]", trouble)


async def _asked(url: str) -> str:
    """Ask, and return why it was not taken, without the address, which may hold a secret; "" where it was."""
    host = urlsplit(url).hostname
    try:
        async with asyncio.timeout(TIMEOUT_S), httpx.AsyncClient(timeout=TIMEOUT_S) as client:
            answer = await client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:  # TimeoutError is an OSError
        return f"{host} does not answer ({type(error).__name__})"
    return "" if answer.is_success else f"{host} answers {answer.status_code}"
