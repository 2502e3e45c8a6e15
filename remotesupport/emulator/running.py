"""An emulated billing served for real: a socket, a thread with uvicorn, and with TLS a certificate of its own."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from remotesupport.emulator.billing import Billing
from remotesupport.emulator.certificate import Certificate, self_signed
from remotesupport.emulator.listening import ListeningServer, bound
from remotesupport.emulator.server import application
from remotesupport.emulator.side_door import act, state


class _OpenTransport(H11Protocol):
    """Shows the application its transport, so that faults below HTTP can be made."""

    def __init__(self, *positional: Any, **named: Any) -> None:
        super().__init__(*positional, **named)
        inner = self.app

        async def outer(scope: Any, receive: Any, send: Any) -> None:
            await inner({**scope, "emulator.transport": self.transport}, receive, send)

        self.app = outer


def configured(app: Any, certificate: Certificate | None = None) -> uvicorn.Config:
    """Return how uvicorn serves the ASGI application of an emulated billing."""
    return uvicorn.Config(
        app,
        http=_OpenTransport, ws="none", lifespan="off", log_config=None, access_log=False,
        timeout_graceful_shutdown=1, timeout_keep_alive=60, server_header=False,
        ssl_certfile=certificate.ca_file if certificate else None,
        ssl_keyfile=certificate.key_file if certificate else None,
    )  # fmt: skip


class RunningEmulator:
    """``start`` and ``stop`` as often as wanted: the port and the data stay. Also a context manager.

    ``url`` is the API's complete address, ``base`` the address without a path, ``core`` the billing itself,
    ``ca_file`` and ``fingerprint`` ("sha256:" and 64 hex digits) are None without TLS.
    """

    def __init__(
        self,
        billing: Billing,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        tls_folder: Path | None = None,
        allow_remote: bool = False,
    ) -> None:
        self.core = billing
        self._host, self._allow_remote = host, allow_remote
        self._certificate: Certificate | None = self_signed(tls_folder, host) if tls_folder else None
        self._socket: socket.socket | None = self._bind(port)
        self.port: int = self._socket.getsockname()[1]
        self._server: ListeningServer | None = None
        self._thread: threading.Thread | None = None
        self._pause: threading.Thread | None = None
        self._over = threading.Event()
        billing.faults.at_once["refuse_s"] = self._refuse

    @property
    def base(self) -> str:
        return f"{'https' if self._certificate else 'http'}://{self._host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.base}/billmgr"

    @property
    def ca_file(self) -> Path | None:
        return self._certificate.ca_file if self._certificate else None

    @property
    def fingerprint(self) -> str | None:
        return self._certificate.fingerprint if self._certificate else None

    def act(self, **order: Any) -> dict[str, Any]:
        """The side door's ``act`` without HTTP; ``as_`` stands for ``as``."""
        return act(self.core, {name.rstrip("_"): value for name, value in order.items()})

    def fault(self, **order: Any) -> None:
        """The side door's ``faults`` without HTTP."""
        self.core.faults.apply(order)

    def habit(self, **wanted: str) -> None:
        """The side door's ``habits`` without HTTP."""
        self.core.habits.choose(wanted)

    def state(self) -> dict[str, Any]:
        """The side door's ``state`` without HTTP."""
        return state(self.core)

    def requests(self, func: str | None = None) -> list[dict[str, Any]]:
        """The API calls so far, or those of one function."""
        return [entry for entry in list(self.core.requests) if func in {None, entry["func"]}]

    def start(self) -> None:
        """Listen; returns when the first request can come."""
        listener = self._socket or self._bind(self.port)
        self._socket = None
        self._server = ListeningServer(
            configured(application(self.core, allow_remote=self._allow_remote), self._certificate)
        )
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name=f"emulator-{self.core.name}", daemon=True
        )
        self._thread.start()
        if not self._server.listening.wait(20):
            raise RuntimeError(f"the emulator {self.core.name} does not listen on port {self.port}")

    def _refuse(self, seconds: float) -> None:
        """``refuse_s``: from another thread, since the order comes through this server."""

        def pause() -> None:
            self._stop()
            if not self._over.wait(seconds):
                self.start()

        self._pause = threading.Thread(target=pause, name=f"refusing-{self.core.name}", daemon=True)
        self._pause.start()

    def stop(self) -> None:
        """Refuse connections from now on; the data stay."""
        self._over.set()
        if self._pause:
            self._pause.join(30)
        self._stop()
        self._over.clear()

    def _stop(self) -> None:
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(20)
        if self._socket:
            self._socket.close()
        self._server = self._thread = self._socket = None

    def __enter__(self) -> RunningEmulator:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.core.close()

    def _bind(self, port: int) -> socket.socket:
        return bound(self._host, port)
