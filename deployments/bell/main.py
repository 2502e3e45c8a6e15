"""The bell as a process: ``python -m deployments.bell.main``; configuration and Prefect by the environment.

No Prefect and no store in here: it costs 40 MB and hardly any time.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Sequence

import uvicorn

from deployments.bell.endpoint import application
from deployments.bell.names import Names
from deployments.bell.place import BellError, hold, publish, token_of
from deployments.bell.ringer import Ringer
from deployments.bell.rings import Rings
from deployments.bell.runs import SyncRuns
from deployments.catalog import second_of
from deployments.prefect_api import PrefectApi
from remotesupport.settings import BellSettings, SettingsError, load_settings
from remotesupport.settings_models import is_loopback

API_TIMEOUT_S = 10.0
MOST_CONNECTIONS = 100
MINUTE_S = 60.0


def to_minute(second: int = 0) -> float:
    """Seconds until the next run of a schedule of every minute that begins at its ``second``."""
    return MINUTE_S - (time.time() - second) % MINUTE_S


def listening(settings: BellSettings) -> socket.socket:
    """A socket on the configured address. Raises BellError."""
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, or asyncio delays small answers
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((settings.address, settings.port))
    except OSError as error:
        opened.close()
        raise BellError(
            f"nothing can listen on {settings.address} port {settings.port} ({error.strerror}): choose another address "
            "or port under [bell] in remotesupport.toml, or port = 0 for a free one"
        ) from None
    return opened


def url_of(opened: socket.socket) -> str:
    """The address to ring at."""
    host, port = opened.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def say(text: str) -> None:
    """Print a line for the operator, beside what the rest of ``up`` says."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


async def serve(opened: socket.socket, ringer: Ringer, token: str, names: Names) -> None:
    """Answer rings until asked to stop."""
    config = uvicorn.Config(
        application(ringer, token, names.unknown),
        http="h11",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=16 * 1024,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as group:
        work = group.create_task(ringer.work())
        await server.serve(sockets=[opened])
        work.cancel()


def main(environ: dict[str, str]) -> None:
    """Serve the bell of the state folder. Raises BellError, SettingsError."""
    settings = load_settings(environ=environ)
    held = hold(settings.home)
    token = token_of(settings.home)
    opened = listening(settings.bell)
    publish(held, url_of(opened))
    if not is_loopback(settings.bell.address):
        say(f"bell: {url_of(opened)} is not this machine alone, and the token travels in the clear: see docs/bell.md")
    names = Names(environ)
    runs = SyncRuns(PrefectApi(environ["PREFECT_API_URL"], environ, API_TIMEOUT_S), names.shard)
    rings = Rings(time.monotonic, lambda billing: to_minute(second_of(names.shard(billing))))
    asyncio.run(serve(opened, Ringer(rings, runs, say), token, names))


def status(arguments: Sequence[str], environ: dict[str, str]) -> int:
    """Run it, and say what was wrong. → exit status."""
    if arguments:
        say("bell: no arguments, please")
        return 2
    try:
        main(environ)
    except (BellError, SettingsError) as error:
        say(f"bell: {error}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(status(sys.argv[1:], dict(os.environ)))
