"""Another version 4, over real HTTP: written from what public clients of one show, without a look at our emulator.

with AnotherV4("acme") as acme: acme.url; acme.client_opens("s", "text"); acme.staff_says(ticket, "text")
It knows the public functions of staff (``tickets``) and of clients (``clienttickets``), flat JSON, and code 100.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

THREE = ("clienttickets.sync", "clienttickets.syncadmticket", "clienttickets.syncdepartments")
DENIED = {"error": {"code": "100", "obj": "", "msg": "access deny"}}


class _Clock:
    """Stands still until somebody moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 10, 0, 0)  # noqa: DTZ001 - a version 4 shows times without a zone

    def set(self, moment: datetime, *, freeze: bool) -> None:
        del freeze
        self.now = moment.replace(tzinfo=None)

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Ticket:
    """One ticket; ``said`` has (kind, name, time, text)."""

    subject: str
    category: str = ""
    said: list[tuple[str, str, str, str]] = field(default_factory=list)
    queued: bool = True
    unread: bool = False
    archived: bool = False


class AnotherV4:
    """One billing. ``denied``: tickets that no login may see; ``lists_denied``: nor may it read a list.

    ``three``: the answer of the three functions (a document, or bytes as they are). ``avatar``: HTML before each name.
    ``dead_words``: what is said in a session that is no more.
    """

    def __init__(self, name: str, logins: tuple[str, ...] = ("support-robot", "acme")) -> None:
        self.name, self._logins = name, logins
        self.core = SimpleNamespace(name=name, clock=_Clock())
        self.tickets: dict[str, Ticket] = {}
        self.denied: set[str] = set()
        self.lists_denied = False
        self.three: dict[str, Any] | bytes = DENIED
        self.avatar = ""
        self.dead_words = "Auth failed"
        self.asked: list[dict[str, str]] = []
        self._sessions: set[str] = set()
        self._count = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/manager/billmgr"

    def __enter__(self) -> AnotherV4:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # --- what people do -------------------------------------------------------------------------------------

    def client_opens(self, subject: str, text: str, category: str = "") -> str:
        number = str(100 + len(self.tickets))
        self.tickets[number] = Ticket(subject, category)
        self.client_says(number, text)
        return number

    def client_says(self, ticket: str, text: str, name: str = "Ivan Petrov") -> None:
        self._say(ticket, "support-msg", name, text)
        self.tickets[ticket].queued, self.tickets[ticket].archived = True, False

    def staff_says(self, ticket: str, text: str, name: str = "Olga Support") -> None:
        self._say(ticket, "support-msg-admin", name, text)
        self.tickets[ticket].queued, self.tickets[ticket].unread = False, True

    def sessions_end(self) -> None:
        """The server was restarted: nobody is logged in any more."""
        self._sessions.clear()

    def texts(self, ticket: str) -> list[str]:
        return [text for _, _, _, text in self.tickets[ticket].said]

    def asked_for(self, func: str) -> int:
        return sum(form["func"] == func for form in self.asked)

    # --- the wire -------------------------------------------------------------------------------------------

    def _say(self, ticket: str, kind: str, name: str, text: str) -> None:
        self.core.clock.advance(1)
        self.tickets[ticket].said.append((kind, name, self.core.clock.now.strftime("%Y-%m-%d %H:%M:%S"), text))

    def _answer(self, form: dict[str, str]) -> dict[str, Any] | bytes:
        self.asked.append({name: value for name, value in form.items() if name != "password"})
        func = form["func"]
        if func == "auth":
            return self._log_in(form)
        if form.get("auth") not in self._sessions:
            return {"error": {"code": "100", "obj": "", "msg": self.dead_words}}
        if func in THREE:
            return self.three
        if form.get("elid") in self.denied:
            return DENIED
        known = {
            "tickets": self._queue, "tickets.edit": self._staff_form, "clienttickets": self._active,
            "archivedclienttickets": self._archive, "clienttickets.edit": self._client_form,
            "clienttickets.archive": self._into_archive,
        }  # fmt: skip
        if "." not in func and self.lists_denied:
            return DENIED
        return (
            known[func](form) if func in known else {"error": {"code": "3", "obj": "func", "msg": "no such function"}}
        )

    def _log_in(self, form: dict[str, str]) -> dict[str, Any]:
        if form.get("username") not in self._logins:
            return {"authfail": ""}
        self._count += 1
        self._sessions.add(f"s{self._count}")
        return {"auth": f"s{self._count}"}

    def _queue(self, _: dict[str, str]) -> dict[str, Any]:
        waiting = {number: ticket for number, ticket in self.tickets.items() if ticket.queued}
        return {
            "elem": [{**_row(n, t), "account": "ivan", "delay": "0d+00:01", "project": "P"} for n, t in waiting.items()]
        }

    def _active(self, _: dict[str, str]) -> dict[str, Any]:
        rows = [_row(number, ticket) | _flags(ticket) for number, ticket in self.tickets.items() if not ticket.archived]
        return {"elem": rows}

    def _archive(self, _: dict[str, str]) -> dict[str, Any]:
        return {"elem": [_row(number, ticket) for number, ticket in self.tickets.items() if ticket.archived]}

    def _into_archive(self, form: dict[str, str]) -> dict[str, Any]:
        self.tickets[form["elid"]].archived = True
        return {"result": "ok"}

    def _staff_form(self, form: dict[str, str]) -> dict[str, Any]:
        if form["elid"] not in self.tickets:
            return {"error": {"code": "3", "obj": "ticket", "msg": "no such ticket"}}
        if form.get("sok"):
            self.staff_says(form["elid"], form["text"], "Robot")
            return {"result": "OK"}
        return self._shown(form["elid"])

    def _client_form(self, form: dict[str, str]) -> dict[str, Any]:
        if not form.get("elid"):
            if not form.get("sok"):
                return {"subject": "", "text": "", "product": ""}
            self.client_opens(form["subject"], form["text"], form["category"])
            return {"result": "ok"}
        if form["elid"] not in self.tickets:
            return {"error": {"code": "3", "obj": "ticket", "msg": "no such ticket"}}
        if form.get("sok"):
            self.client_says(form["elid"], form["text"], "Acme")
            return {"result": "ok"}
        return self._shown(form["elid"])

    def _shown(self, number: str) -> dict[str, Any]:
        blocks = (
            f"<div class='{kind}'>{self.avatar}<div class='support-from'>From: {name} - {at}<\\/div>"
            f"<div class='support-body'>{escape(text, quote=False).replace(chr(10), '<br>')}<\\/div><\\/div>"
            for kind, name, at, text in self.tickets[number].said
        )
        return {"elid": number, "subject": self.tickets[number].subject, "hist": "".join(blocks)}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        billing = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                said = billing._answer(dict(parse_qsl(body, keep_blank_values=True)))
                content = said if isinstance(said, bytes) else json.dumps(said, ensure_ascii=False).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        return Handler


def _row(number: str, ticket: Ticket) -> dict[str, Any]:
    return {"id": number, "subject": ticket.subject, "category": ticket.category, "datelast": ticket.said[-1][2]}


def _flags(ticket: Ticket) -> dict[str, str]:
    return ({"unread": ""} if ticket.unread else {}) | ({"open": ""} if ticket.queued else {})
