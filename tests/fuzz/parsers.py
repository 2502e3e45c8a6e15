"""Every parser of foreign bytes, each as a function of bytes: what may come out of it, and how much work it may be.

``wrong(name, body)`` says in words what came out that may not; ``steps`` counts the calls that a parser makes.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from types import FrameType
from typing import Any

from connectors.billmanager import headers, v4_answers, v4_hist, v6_errors, v6_rows, v6_thread, wire
from connectors.billmanager.request import Answer, Call
from connectors.billmanager.v6_departments import Departments
from connectors.billmanager.v6_states import state_of
from connectors.errors import ConnectorError
from remotesupport.core.model import MessageKind, Side
from remotesupport.core.text import compose, foreign
from remotesupport.core.text.normalize import canonical
from remotesupport.emulator.billing import Billing
from remotesupport.emulator.exchange import ApiRequest
from remotesupport.emulator.seed import password_of
from remotesupport.emulator.side_door import act
from remotesupport.settings_models import ExternalSettings
from remotesupport.steps.operator.recording import Recorder
from remotesupport.steps.write.attachments import safe_name
from tests.fuzz.mutations import ODD_TEXTS, WHOLE, mutated
from tests.fuzz.mutations import Answer as Sent

CLASSED = (wire.Unreadable, v6_rows.BadRow, ConnectorError)
SECRET = "invented-secret"
READ, WRITE = Call("ticket"), Call("ticket.edit", write=True)
STAFF = v6_thread.Viewer("4", "robot", "Robot", "Europe/Moscow", MessageKind.STAFF, v6_thread.STAFF_KINDS, "acme")
CLIENT = v6_thread.Viewer("5", "acme", "Acme", "UTC", MessageKind.CLIENT, None, "acme")
Parser = Callable[[bytes], object]


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _departments(name: str = "Support") -> Departments:
    known = Departments()
    known.add("1", name, "Technical support")
    return known


def _rows(body: bytes) -> list[object]:
    """The rows of a list as every kind of row that there is, each alone."""
    found: list[object] = []
    doc = wire.parse(body, flat=not body.startswith(b'{"doc"'))
    for node in doc.all("elem"):
        for read in (
            lambda n: v6_rows.ticket_row(n, _departments(), activity="last_activity"),
            lambda n: v6_rows.queue_row(n, _departments()),
            lambda n: v6_rows.department_row(n.value("id"), n.value("name")),
            lambda n: state_of(n.first("tstatus")),
        ):
            with suppress(v6_rows.BadRow):
                found.append(read(node))
    return found


def _answer(body: bytes, charset: str = "utf-8") -> Answer:
    return Answer(200, charset, None, body)


def _inside(body: bytes) -> object:
    """A name is looked for in a text, whichever of the two is foreign."""
    text = _text(body)
    half = len(text) // 2
    node = wire.Node({"$": text[half:]})
    return _departments(text[:half]).of(node), _departments("a").of(node), _departments().in_form(node)


def _recorded(body: bytes) -> object:
    """What ``check --record`` makes of an answer."""
    recorder = Recorder()
    external = ExternalSettings.model_construct(name="acme", departments=())
    recorder.listeners(external)[Side.EXTERNAL]({"func": "ticket_all", "out": "json"}, _answer(body))
    return recorder.recording()


PARSERS: dict[str, Parser] = {
    "document": wire.parse,
    "flat document": lambda body: wire.parse(body, flat=True),
    "salvage": wire.salvage,
    "marked": lambda body: wire.parse(wire.marked(body), flat=True),
    "answer": lambda body: v6_errors.read(_answer(body), READ, "acme", secrets=[SECRET]),
    "answer to a write": lambda body: v6_errors.read(_answer(body), WRITE, "acme", secrets=[SECRET]),
    "answer of version 4": lambda body: v4_answers.read(_answer(body), READ, "acme", secrets=[SECRET]),
    "answer of version 4 to a write": lambda body: v4_answers.read(_answer(body), WRITE, "acme", secrets=[SECRET]),
    "rows": _rows,
    "staff's thread": lambda body: v6_thread.read_thread(wire.parse(body), STAFF, "7"),
    "customer's thread": lambda body: v6_thread.read_thread(wire.parse(body), CLIENT, "7", ours=True, said="x"),
    "recording": _recorded,
    "hist": lambda body: v4_hist.messages(_text(body), "Europe/Moscow"),
    "content type": lambda body: headers.content_type(_text(body)),
    "charset": lambda body: wire.parse(b"<doc/>", charset=_text(body)),
    "number": lambda body: foreign.natural(_text(body)),
    "seconds": lambda body: foreign.seconds(_text(body), 3600.0),
    "moment": lambda body: v6_rows.moment(_text(body), "Europe/Moscow"),
    "zone": lambda body: v6_rows.is_zone(_text(body)),
    "moment in a zone": lambda body: v6_rows.moment("2026-01-01 00:00:00", _text(body)),
    "members": lambda body: v6_rows.members_of(_text(body), {"1": "Support", "2": "support"}),
    "department's name": _inside,
    "words": lambda body: foreign.quoted(_text(body), 120, [SECRET]),
    "log": lambda body: foreign.Redactor([SECRET])(_text(body)),
    "file name": lambda body: safe_name(_text(body)),
    "origin": lambda body: (compose.origin_of(_text(body), "acme"), compose.claim_of(_text(body), "acme")),
    "markers": lambda body: compose.markers_in(_text(body), "acme", "1"),
    "compared text": lambda body: canonical(_text(body)),
}


def wrong(name: str, body: bytes) -> str:
    """What came out of a parser that may not; "" where all is well."""
    try:
        PARSERS[name](body)
    except CLASSED as error:
        said = f"{error!s}{getattr(error, 'kind', '')}"
        if len(said) > 3000 or foreign.visible(said) != said:
            return f"{name}: an error that is long or steers: {said[:200]!r}"
        return f"{name}: a secret in {said[:200]!r}" if SECRET in said else ""
    except Exception as error:
        return f"{name}: {type(error).__name__}: {str(error)[:200]}"
    return ""


def steps(parse: Parser, body: bytes) -> int:
    """How many functions a parser calls, those in C included: the same number on every machine."""
    count = 0

    def note(_frame: FrameType, event: str, _what: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        with suppress(*CLASSED):
            parse(body)
    finally:
        sys.setprofile(before)
    return count


@cache
def corpus() -> tuple[bytes, ...]:
    """Real answers of emulated billings of every dialect, in every format."""
    return tuple(body for version in ("6.94.1", "4.0.68") for body in _said(version))


def _said(version: str) -> list[bytes]:
    billing = Billing("acme", version, seed=0)
    opened = act(
        billing, {"as": "ivan", "do": "open", "department": "Technical support", "subject": "one", "text": "two & <b>"}
    )
    act(billing, {"as": "olga", "do": "reply", "ticket": opened["ticket"], "text": "three\nfour"})
    act(billing, {"as": "admin", "do": "note", "ticket": opened["ticket"], "text": "secret"})
    lists = ("ticket_all", "ticket", "department", "employee", "whoami", "nothing", "tickets", "clienttickets.sync")
    forms = ("ticket_all.edit", "clientticket.edit", "tickets.edit", "clienttickets.edit", "clienttickets.sync")
    asked = [{"func": name} for name in (*lists, "clienttickets.syncdepartments")]
    asked += [{"func": name, "elid": opened["ticket"]} for name in forms]
    asked += [{"func": "auth", "username": "x", "password": "y"}]
    logins = [f"{login}:{password_of(login)}" for login in ("support-robot", "ivan")]
    return [
        billing.answer(ApiRequest({"authinfo": login, "out": out} | each, [], {}, "http://127.0.0.1")).body
        for login in logins
        for out in ("json", "xml")
        for each in asked
    ]


def foreign_bytes(chance: random.Random) -> bytes:
    """A mutated answer, an odd whole, or an odd text as the bytes of a header or a field."""
    kind = chance.randint(0, 9)
    if kind < 8:
        return mutated(chance, Sent(chance.choice(corpus()))).body
    odd = chance.choice((*WHOLE, *(text.encode("utf-8", "surrogatepass") for text in ODD_TEXTS)))
    return odd * chance.choice((1, 1, 2, 50)) if len(odd) < 100 else odd


def law(chance: random.Random) -> list[str]:
    """One piece of foreign bytes before every parser → what is wrong."""
    body = foreign_bytes(chance)
    return [f"{said} ({len(body)} bytes: {body[:120]!r})" for name in PARSERS if (said := wrong(name, body))]
