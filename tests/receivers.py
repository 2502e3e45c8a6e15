"""Real receivers of alerts on loopback for the tests: an HTTP and an SMTP server that keep what they are given."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deployments.processes import free_port

PATIENCE_S = 60.0


@dataclass
class Hook:
    """An HTTP receiver. ``status``: how it answers; ``got``: the bodies, ``asked``: method and path of each request.

    ``busy``: to so many requests, from the first one on, it answers 503.
    """

    url: str
    status: int = 200
    busy: int = 0
    got: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def hook() -> Iterator[Hook]:
    """An HTTP receiver on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.do_GET()

        def do_GET(self) -> None:
            received.asked.append(f"{self.command} {self.path}")
            self.send_response(503 if len(received.asked) <= received.busy else received.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received = Hook(f"http://127.0.0.1:{server.server_address[1]}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Mailbox:
    """An SMTP receiver. ``address``: as apprise writes it; ``mails``: (to, subject, text) of what came."""

    address: str
    mails: list[tuple[list[str], str, str]] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        """Keep one mail."""
        mail = message_from_bytes(bytes(envelope.content or b""), policy=policy.default)
        body = mail.get_body(("plain", "html"))
        self.mails.append((envelope.rcpt_tos, str(mail["subject"]), body.get_content() if body else ""))
        return "250 taken"


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """An SMTP receiver on a free port."""
    port = free_port()
    box = Mailbox(f"mailto://127.0.0.1:{port}?from=product@example.com&to=ops@example.com&mode=insecure&format=text")
    controller = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=PATIENCE_S)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def until_got(things: list[Any], count: int = 1, patience: float = PATIENCE_S) -> None:
    """Return when so many have come; fails with what has come instead."""
    end = time.monotonic() + patience
    while len(things) < count:
        assert time.monotonic() < end, f"{count} awaited, {things} came"
        time.sleep(0.05)
