"""Serve health and figures from a thread of this process, with an event loop of its own: a run that hangs is no matter.

It never keeps a worker from working: where nothing can listen, that is a line.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable

import uvicorn

from deployments.monitoring.endpoint import application
from deployments.monitoring.figures import Figures
from deployments.monitoring.health import HealthOf
from remotesupport.settings import BlockReader, MonitoringSettings, Settings, SettingsError, load_settings
from remotesupport.store import Store

ADDRESS_FILE = "monitoring.address"
MOST_CONNECTIONS = 50


class Configuration:
    """The configuration as it is now; while its file is broken the last good one."""

    def __init__(self, load: Callable[[], Settings] = load_settings) -> None:
        self._load, self.last = load, load()

    def __call__(self) -> Settings:
        """Read it again."""
        try:
            self.last = self._load()
        except SettingsError:
            return self.last
        return self.last


class MonitoringServer:
    """Serves until ``stop``. ``url``: where, without a path."""

    def __init__(
        self, settings: Settings, token: str = "", configuration: Callable[[], Settings] | None = None
    ) -> None:
        self._store = Store.open(settings.database_url)
        self._socket = listening(settings.monitoring)
        self.url = url_of(self._socket)
        figures = Figures(self._store, configuration or (lambda: settings))
        hosts = (settings.monitoring.address, *settings.monitoring.hosts)
        config = uvicorn.Config(
            application(figures, HealthOf(self._store).now, hosts, token),
            http="h11", ws="none", lifespan="off", log_level="warning", log_config=None, access_log=False,
            server_header=False, proxy_headers=False, limit_concurrency=MOST_CONNECTIONS,
            h11_max_incomplete_event_size=16 * 1024, timeout_keep_alive=5, timeout_graceful_shutdown=2,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="monitoring", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what was asked, and end."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(5)
        self._socket.close()
        self._store.close()

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))


def listening(settings: MonitoringSettings) -> socket.socket:
    """A socket on the configured address. Raises OSError."""
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, or asyncio delays small answers
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((settings.address, settings.port))
    except OSError:
        opened.close()
        raise
    return opened


def url_of(opened: socket.socket) -> str:
    """The address to ask at."""
    host, port = opened.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def begin(say: Callable[[str], None], blocks: BlockReader | None) -> MonitoringServer | None:
    """Start what the configuration says, and say where it is or why it is not. Call it outside of an event loop."""
    try:
        configuration = Configuration()
        settings = configuration.last
        if not settings.monitoring.enabled:
            return None
        token = asyncio.run(settings.monitoring.token.resolve(blocks)) if settings.monitoring.token else ""
        server = MonitoringServer(settings, token, configuration)
    except SettingsError as error:
        say(f"monitoring: no /health and no /metrics here: {error}")
        return None
    except OSError as error:
        where = f"{settings.monitoring.address} port {settings.monitoring.port}"
        say(
            f"monitoring: nothing can listen on {where} ({error.strerror}), so there is no /health and no /metrics of "
            "this worker: set another port under [monitoring] in remotesupport.toml"
        )
        return None
    server.start()
    (settings.home / ADDRESS_FILE).write_text(server.url, encoding="ascii")
    say(f"monitoring: {server.url}/health and {server.url}/metrics")
    return server
