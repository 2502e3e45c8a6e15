"""Foreign bytes cost what their size costs: four times as many take about four times the CPU, in every parser."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.billmanager import headers, wire
from connectors.billmanager.v4_hist import messages
from connectors.billmanager.v6_rows import BadRow, is_zone
from connectors.errors import ConnectorError
from remotesupport.core.pairs import main_evidence
from remotesupport.core.text import compose
from remotesupport.core.text.altered import altered
from remotesupport.core.text.lengths import in_short
from remotesupport.core.text.normalize import canonical
from remotesupport.logs import Redactor
from remotesupport.steps.write.attachments import safe_name
from tests.fuzz.parsers import PARSERS as foreign_parsers  # noqa: N811 - a table, used as one

pytestmark = pytest.mark.thorough("each parser is fed with thirty growing inputs")

BASE, TIMES, FACTOR = 20_000, 4, 3.0
MEASURABLE_S = 0.05


def _error_of(text: str, *, flat: bool = False) -> bytes:
    """A document that says no in these words."""
    said = {"error": {"$type": text, "code": "9", "msg": text if flat else {"$": text}}}
    return json.dumps(said if flat else {"doc": said}).encode()


PARSERS: dict[str, Callable[[str], object]] = {
    "xml": lambda text: wire.parse(b"<doc>" + text.encode() + b"</doc>"),
    "json": lambda text: wire.parse(b'{"doc":{"elem":[' + text.encode() + b"]}}"),
    "flat json": lambda text: wire.parse(b'{"elem":[' + text.encode() + b"]}", flat=True),
    "salvage": lambda text: wire.salvage(b'{"doc":{"elem":[' + text.encode() + b"\x01}"),
    "marked": lambda text: wire.marked(text.encode()),
    "hist": lambda text: messages(text, "UTC"),
    "canonical": canonical,
    "header": compose.defuse,
    "claim": lambda text: compose.origin_of(text, "acme"),
    "markers": lambda text: compose.markers_in(text, "acme", "1"),
    "sections": lambda text: main_evidence._split(f"acme #1/2 | x\n{text}\nacme #1/3 | y\nz", "acme", "1", "9"),
    "altered": lambda text: altered(text, text[:-100] + "?"),
    "in short": lambda text: in_short(text, 1000, "x.txt"),
    "says": lambda text: main_evidence.tells_same_text(text, text[:100]),
    "log": Redactor(["invented-secret"]),
    "content type": headers.content_type,
    "department": lambda text: foreign_parsers["department's name"](text.encode()),
    "answer": lambda text: foreign_parsers["answer"](_error_of(text)),
    "answer of version 4": lambda text: foreign_parsers["answer of version 4"](_error_of(text, flat=True)),
    "thread": lambda text: foreign_parsers["customer's thread"](
        b"<doc><mlist>" + (text + "<message/>").encode() + b"</mlist></doc>"
    ),
    "file name": safe_name,
    "zone": is_zone,
}
PIECES = [
    "<elem", "<elem ", "<elem>", "<elem> ", "<id", "<id>1", "</id>", "<a ", 'a="', "a='", "a=b ", "</a>", "<br>",
    "<!--", "-->",
    "<![CDATA[", "]]>", "<?xml ", "encoding=", "&#65;", "&lt;", "&amp;", "&", "&#", "9", "0", '"id":',
    '{"$":', '{"a":1},',
    "[", "]",
    "{", "}", '"', "'", "\\", " ", "\n", "\n---", "\t", "---", "a.", "a", "://", "a:", "@", "password=", "secret",
    "authinfo ",
    "billmgrses", "acme #1/", "acme #1/2 | ", "#", "/", "|", "[acme #", "[attachment not carried: ", "\u0301",
    "\u2022", "и",
    '<div class="support-msg">', '<div class="support-from">', '<div class="support-body">', "</div>", "<b>", "a ",
]  # fmt: skip
SOME = st.lists(st.sampled_from(PIECES), max_size=4)


def _cost(parse: Callable[[str], object], text: str) -> float:
    """CPU seconds of one call, whatever it says: the least of two."""
    best = float("inf")
    for _ in range(2):
        started = time.process_time()
        with suppress(wire.Unreadable, BadRow, ConnectorError):
            parse(text)
        best = min(best, time.process_time() - started)
    return best


@pytest.mark.parametrize("name", PARSERS)
@given(
    head=st.lists(st.sampled_from(PIECES), max_size=3), again=st.lists(st.sampled_from(PIECES), min_size=1, max_size=4)
)
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
def test_cost_is_linear(name: str, head: list[str], again: list[str]) -> None:
    """W2, W3, W4: no parser of foreign text spends more than linear CPU on any repetition of hostile pieces."""
    piece = "".join(again)
    short, long = ("".join(head) + piece * (size // len(piece)) for size in (BASE, BASE * TIMES))
    gc.collect()
    spent = _cost(PARSERS[name], long)
    if spent > MEASURABLE_S:
        assert spent < TIMES * FACTOR * max(_cost(PARSERS[name], short), MEASURABLE_S / TIMES), (name, head, again)
