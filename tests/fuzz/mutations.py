"""What a server could send instead of its answer: bytes, values, types, formats and headers changed by chance.

``chance`` is a ``random.Random``; Hypothesis gives one whose draws it can shrink.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

LEFT_TO_RIGHT, LONG = "\u202e\u2066\u200f", 80_000
ODD_TEXTS = (
    "", " ", "\x1b]0;x\x07", "\x1b[2J", LEFT_TO_RIGHT, "\x00", "a\x00b", "\x9b31m", "\ufdd0", "\ud7ff\ue000", "\u2028",
    "a." * (LONG // 2), "9" * 5000, "²", "٣", "-1", "nan", "inf", "1e400", "0", "00", "+1", "1_000", "true", "null",
    "9" * 18, "18446744073709551616", "-9223372036854775809", "0.5", "1,5", "0001-01-01", "0001-01-01 00:00:00",
    "9999-12-31 23:59:59", "2026-02-30 25:61:61", "2026-11-28T10:00:00Z", "١٩٩٩-٠١-٠١ ٠٠:٠٠:٠٠", "../../etc/passwd",
    "'; DROP TABLE tickets; --", "d_" + "1" * 5000, "d_²", "e_1", "[acme #1]", "acme #1/2 | x", "demo-robot-password",
    "demo-acme-password", "&#" + "9" * 5000 + ";", "&#xd800;", "<b>", "</doc>", "]]>", "<!DOCTYPE x>",
    "elid=" + "7" * 500,
    "Europe/Moscow", "../Moscow", "America", "x" * 300, "🚀" * 100, "support-robot", "on", "off", "closed", "note",
    "incoming", "outcoming", "yes",
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**18, 1e300, [], {}, [[]], [[[[]]]], [None], [1, "2"], {"$": None}, {"$": []},
    {"$": {}}, {"$": 7}, {"$orig": []}, {"$id": {}}, {"$": "x", "$orig": "²"}, {"": ""}, {"$": True}, "text",
)  # fmt: skip
MEDIA = (
    b"text/html", b"text/xml; charset=windows-1251", b"application/json; charset=utf-16", b"", b";", b"\xff\xfe", b"x",
    b"text/xml; charset*" + b"9" * 5000 + b"=x", b"text/plain;" + b';"' * 5000, b"a; charset*=bogus''%ff%",
    b"a; charset=",
    b"application/json; charset=UTF-8", b"text/xml; charset=" + b"u" * 5000,
    b"multipart/x; boundary=a", b"text/xml; charset=idna",
)  # fmt: skip
HEADERS = (
    (b"retry-after", b"nan"), (b"retry-after", b"-1"), (b"retry-after", b"9" * 5000), (b"retry-after", b"1e9"),
    (b"retry-after", b"Fri, 31 Dec 1999 23:59:59 GMT"), (b"retry-after", b"\xb2"), (b"location", b"file:///etc/passwd"),
    (b"location", b"http://[::1"), (b"location", b"http://" + b"x" * 5000), (b"location", b"//\xff\x01:99999/"),
    (b"location", b"http://xn--\xe4.example:0x10/"), (b"set-cookie", b"a=b; expires=" + b"9" * 5000),
    (b"set-cookie", b"\xff=\xff;;;=; version=x; max-age=" + b"9" * 5000), (b"set-cookie", b"a=1; domain=.evil.example"),
    (b"content-disposition", b"attachment; filename*=UTF-8''" + b"%ff" * 500), (b"content-disposition", b"attachment"),
    (b"content-encoding", b"gzip"), (b"content-encoding", b"\xff"), (b"x-" + b"a" * 500, b"b" * 500),
)  # fmt: skip
STATUSES = (200, 201, 204, 206, 301, 302, 304, 307, 400, 401, 403, 404, 413, 418, 429, 460, 500, 502, 503, 599, 999)
WHOLE = (
    b"", b" ", b"{}", b"[]", b"null", b"1",
    b'"doc"', b'{"doc":null}', b'{"doc":[]}', b'{"doc":{}}', b"<doc/>", b"<doc>",
    b"</doc>",
    b"<html><body>login</body></html>", b"<!DOCTYPE html><html></html>",
    b'<?xml version="1.0" encoding="KOI8-R"?><doc/>',
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><doc>&x;</doc>', b"\xef\xbb\xbf", b"\xff\xfe{\x00}\x00",
    b"OK", b"ERROR 100",
    b'{"auth":{"id":"x"}}', b'{"result":"OK"}', b'{"error":{"code":"100","msg":"auth"}}', b'{"authfail":""}',
    b'{"doc":{"ok":{}}}', b'{"doc":{"elem":[]}}', b'{"elem":[]}',
    b'{"doc":{"error":{"$type":"auth","$object":"badpassword"}}}',
    b'{"doc":{"error":{"$type":"access"}}}', b'{"doc":{"error":{"$type":"missed"}}}',
    b'{"doc":{"error":[]}}', b'{"error":7}',
    b'{"doc":{"error":{"$type":"demo-robot-password","$object":"\\u001b]0;x","msg":{"$":"'
    + b"\\u202ea" * 5000 + b'"}}}}',
    b'{"doc":{"elem":' + b"[" * 900 + b"]" * 900 + b"}}",
    b'{"doc":{"elem":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}}",
    b"<doc>" + b"<elem>" * 250 + b"</elem>" * 250 + b"</doc>", b"<doc>" + b"<elem/>" * 3000 + b"</doc>",
    b'{"doc":{"elem":[' + b"{}," * 3000 + b"{}]}}", b'{"elem":[' + b'{"id":1},' * 500 + b"0]}",
)  # fmt: skip
_XML_VALUE = re.compile(rb"(?<=>)[^<>]{1,200}(?=<)|(?<=\")[^\"<>]{1,80}(?=\")")
Path = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire: the status, the body, its type, and headers beside those."""

    body: bytes
    media: bytes = b"application/json"
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()


def mutated(chance: random.Random, answer: Answer) -> Answer:
    """The answer with one to three changes."""
    for _ in range(chance.randint(1, 3)):
        answer = _one(chance, answer)
    return answer


def _one(chance: random.Random, answer: Answer) -> Answer:
    kind = chance.randint(0, 19)
    if kind < 12:
        return replace(answer, body=_valued(chance, answer.body))
    if kind < 15:
        return replace(answer, body=chance.choice(BYTES)(chance, answer.body))
    if kind == 15:
        return replace(answer, body=chance.choice(WHOLE))
    if kind == 16:
        return replace(answer, media=chance.choice(MEDIA))
    if kind == 17:
        return replace(answer, headers=(*answer.headers, chance.choice(HEADERS)))
    if kind == 18:
        return replace(answer, status=chance.choice(STATUSES))
    return replace(answer, body=_in_another_charset(chance, answer.body))


# --- values ----------------------------------------------------------------------------------------------------


def _valued(chance: random.Random, body: bytes) -> bytes:
    """A value, a type or a field of the document changed; bytes where it is no document."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return _xml_valued(chance, body)
    places = list(_places(content))
    if not places:
        return chance.choice(BYTES)(chance, body)
    change: Callable[..., None] = chance.choice(
        (_odd_text, _odd_text, _odd_text, _odd_value, _extra, _gone, _doubled, _swapped)
    )
    change(chance, content, chance.choice(places), places)
    return json.dumps(content, ensure_ascii=chance.random() < 0.7).encode("utf-8", "surrogatepass")


def _xml_valued(chance: random.Random, body: bytes) -> bytes:
    found = list(_XML_VALUE.finditer(body[:200_000]))
    if not found:
        return chance.choice(BYTES)(chance, body)
    start, end = chance.choice(found).span()
    odd = chance.choice(ODD_TEXTS)
    text = odd if chance.random() < 0.5 else odd.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return body[:start] + text.encode("utf-8", "surrogatepass") + body[end:]


def _places(content: Any, at: Path = ()) -> Iterator[Path]:
    """Every place in a document, shallow ones first in each branch."""
    if at:
        yield at
    if len(at) < 40 and isinstance(content, dict | list):
        for key in content if isinstance(content, dict) else range(len(content)):
            yield from _places(content[key], (*at, key))


def _within(content: Any, place: Path) -> Any:
    for key in place[:-1]:
        content = content[key]
    return content


def _odd_text(chance: random.Random, content: Any, place: Path, places: list[Path]) -> None:
    leaves = [p for p in places if isinstance(_within(content, p)[p[-1]], str | int | float)] or [place]
    chosen = chance.choice(leaves)
    _within(content, chosen)[chosen[-1]] = chance.choice(ODD_TEXTS)


def _odd_value(chance: random.Random, content: Any, place: Path, _: list[Path]) -> None:
    _within(content, place)[place[-1]] = chance.choice(ODD_VALUES)


def _extra(chance: random.Random, content: Any, place: Path, _: list[Path]) -> None:
    around = _within(content, place)
    odd: Any = chance.choice((*ODD_TEXTS, *ODD_VALUES))
    if isinstance(around, dict):
        around[chance.choice(("unknown", "\x1b", "error", "doc", "authfail", "elem", "ok", "$", "id", "x" * 1000))] = (
            odd
        )
    else:
        around.insert(chance.randint(0, len(around)), odd)


def _gone(_: random.Random, content: Any, place: Path, __: list[Path]) -> None:
    del _within(content, place)[place[-1]]


def _doubled(chance: random.Random, content: Any, place: Path, _: list[Path]) -> None:
    around = _within(content, place)
    around[place[-1]] = [around[place[-1]]] * chance.choice((2, 2, 3, 50))


def _swapped(chance: random.Random, content: Any, place: Path, places: list[Path]) -> None:
    other = chance.choice([p for p in places if p[: len(place)] != place and place[: len(p)] != p] or [place])
    here, there = _within(content, place), _within(content, other)
    here[place[-1]], there[other[-1]] = there[other[-1]], here[place[-1]]


# --- bytes -----------------------------------------------------------------------------------------------------


def _flipped(chance: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.randint(1, 8) if body else 0):
        changed[chance.randrange(len(body))] = chance.randint(0, 255)
    return bytes(changed)


def _cut(chance: random.Random, body: bytes) -> bytes:
    return body[: chance.randint(0, len(body))]


def _repeated(chance: random.Random, body: bytes) -> bytes:
    start = chance.randint(0, len(body))
    part = body[start : start + chance.randint(1, 200)]
    return body[:start] + part * chance.choice((2, 2, 10, 200)) + body[start:]


def _inserted(chance: random.Random, body: bytes) -> bytes:
    at = chance.randint(0, len(body))
    return (
        body[:at]
        + chance.choice((b"\x00", b"\x1b", b"\xff", b"\xd0", b'"', b"<", b"{", b"}", b"]", b"\\", b","))
        + body[at:]
    )


def _nested(chance: random.Random, body: bytes) -> bytes:
    depth = chance.choice((1, 2, 300, 2000))
    if body[:1] == b"<":
        return b"<doc>" * depth + body + b"</doc>" * depth
    return b'{"doc":' * depth + body + b"}" * depth


def _in_another_charset(chance: random.Random, body: bytes) -> bytes:
    return body.decode("utf-8", "replace").encode(chance.choice(("cp1251", "utf-16", "koi8-r", "utf-7")), "replace")


BYTES: tuple[Callable[[random.Random, bytes], bytes], ...] = (_flipped, _cut, _repeated, _inserted, _nested)
