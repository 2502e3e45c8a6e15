"""Our Prefect server as a process, behind a door of ours: ``python -m deployments.prefect_server --port 4200``.

Prefect itself asks for its password on the API only and answers under any name. The door asks for it everywhere but
at the health checks, and answers only under the names of its own origins, so that no page of another site reaches it.
Must stay out: the settings (``settings_env``), starting it (``processes``), its database (``prefect_sqlite``).
"""

from __future__ import annotations

import argparse
import base64
import hmac
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deployments.prefect_sqlite import close_failed_cursors
from deployments.settings_env import AUTH_VARIABLE, ORIGINS_VARIABLE

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HEALTH = ("/api/health", "/api/ready")
_CHALLENGE = [(b"www-authenticate", b'Basic realm="remotesupport", charset="UTF-8"')]


class Door:
    """An ASGI application before another one. ``auth``: ``user:password``, "" where none is asked for."""

    def __init__(self, app: ASGIApp, origins: Iterable[str], auth: str) -> None:
        self._app, self._auth = app, auth.encode()
        self._origins = frozenset(origin.strip().lower().encode() for origin in origins) - {b"", b"*"}
        self._hosts = frozenset(urlsplit(origin).netloc for origin in self._origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        status, headers = self._judged(scope)
        if not status:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refuse(status, headers, send)

    def _judged(self, scope: Scope) -> tuple[int, list[tuple[bytes, bytes]]]:
        """The status of a refusal with its headers, 0 for none."""
        said = dict(scope["headers"])
        if said.get(b"host", b"").lower() not in self._hosts:
            return 421, []
        if (origin := said.get(b"origin")) is not None and origin.lower() not in self._origins:
            return 403, []
        if scope["type"] == "websocket" or self._is_health(scope) or self._knows(said.get(b"authorization", b"")):
            return 0, []  # over a websocket Prefect asks for the password itself, in the first message
        return 401, [] if scope["path"].startswith("/api/") else _CHALLENGE

    def _is_health(self, scope: Scope) -> bool:
        return scope["path"] in HEALTH and scope["method"] in ("GET", "HEAD")

    def _knows(self, header: bytes) -> bool:
        scheme, _, given = header.partition(b" ")
        wanted = base64.b64encode(self._auth)
        return not self._auth or (scheme.lower() == b"basic" and hmac.compare_digest(given.strip(), wanted))


async def _refuse(status: int, headers: list[tuple[bytes, bytes]], send: Send) -> None:
    plain = [(b"content-type", b"text/plain; charset=utf-8"), *headers]
    await send({"type": "http.response.start", "status": status, "headers": plain})
    await send({"type": "http.response.body", "body": _WORDS[status]})


_WORDS = {
    401: b"Log in with the user and password that `remotesupport up` names a file for.\n",
    403: b"This page belongs to another site.\n",
    421: b"This server does not go by that name. Use the address that `remotesupport up` printed.\n",
}


def main(argv: list[str]) -> int:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="deployments.prefect_server")
    parser.add_argument("--port", type=int, required=True)
    port: int = parser.parse_args(argv).port
    import uvicorn
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    close_failed_cursors()
    settings = get_current_settings().server
    uvicorn.run(
        Door(create_app(final=True), os.environ[ORIGINS_VARIABLE].split(","), os.environ.get(AUTH_VARIABLE, "")),
        host="127.0.0.1",
        port=port,
        timeout_keep_alive=settings.api.keepalive_timeout,
        log_level=settings.logging_level.lower(),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
