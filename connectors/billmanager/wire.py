"""Reads the bytes of an answer into nodes: XML and JSON of versions 4 to 6 in one shape, all read strictly.

A document that is not whole, not UTF-8, not the protocol's or dangerous becomes ``Unreadable`` with a kind that says
what came; the text of the answer is never part of the error. Must stay out: HTTP, sessions, what a function means.

Shape (SEEN IN CODE, protocol section 2.2): attributes ``$name``, text ``$``, children by name, one or many.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import orjson
from lxml import etree

Raw = dict[str, Any]

_HTML = re.compile(rb"\s*(<!doctype\s+html|<html|<head|<body)", re.IGNORECASE)
_DECLARED = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
# Every repetition is bounded, so that a place at which no match begins costs the same in an answer of any size.
_ROW_ID = re.compile(
    rb"\"id\"\s{0,9}:\s{0,9}\{\s{0,9}\"\$\"\s{0,9}:\s{0,9}\"?(\d{1,20})(?!\d)"
    rb"|<elem[^<>]{0,300}>\s{0,300}<id[^<>]{0,300}>(\d{1,20})</id>"
)
_TOTAL = re.compile(
    rb"\"p_elems\"\s{0,9}:\s{0,9}\{\s{0,9}\"\$\"\s{0,9}:\s{0,9}\"?(\d{1,9})(?!\d)|<p_elems>(\d{1,9})</p_elems>"
)
# A tag ends at the next "<" at the latest, which no value may hold: one look at each byte.
_TAG = re.compile(rb"<[^<>\"'!?/](?:[^<>\"']|\"[^<\"]*\"|'[^<']*')*+")
MOST_ATTRIBUTES = 64  # of one element: a parser compares each with all others
MOST_PARTS = 400_000  # elements, lists and objects of one answer: each costs a hundred times its bytes
MOST_DEPTH = 32  # levels of a document that is walked through by recursion; real ones have six
_V4_KEYS = frozenset({"elem", "error", "auth", "authfail", "result", "hist"})
_BOM = b"\xef\xbb\xbf"
MARK = "\ufdd0"  # a noncharacter: no text has it
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Format(StrEnum):
    """The value of ``out``."""

    JSON = "json"
    XML = "xml"


class Unreadable(ValueError):
    """The answer is no document of versions 5 or 6.

    ``kind``: empty, html, cut, encoding, characters, doctype, shape or v4. ``encoding`` and ``characters`` may be the
    fault of one row; the others concern the whole answer.
    """

    def __init__(self, kind: str, what: str) -> None:
        self.kind = kind
        super().__init__(what)

    @property
    def one_row(self) -> bool:
        """Tell whether a single poisoned row explains it."""
        return self.kind in ("encoding", "characters")


class Node:
    """One element: its text, attributes and children, whatever the format was."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Any) -> None:
        self._raw: Raw = raw if isinstance(raw, dict) else {"$": _text(raw)}

    @property
    def text(self) -> str:
        return _text(self._raw.get("$"))

    @property
    def tree(self) -> Mapping[str, Any]:
        """The element as it is: attributes ``$name``, text ``$``, children by name."""
        return self._raw

    def attr(self, name: str) -> str:
        """An attribute, empty when absent."""
        return _text(self._raw.get(f"${name}"))

    def all(self, name: str) -> list[Node]:
        """Children of that name; a single one and none are lists too."""
        found = self._raw.get(name)
        if found is None:
            return []
        return [Node(child) for child in found] if isinstance(found, list) else [Node(found)]

    def first(self, name: str) -> Node | None:
        """The first child of that name."""
        return next(iter(self.all(name)), None)

    def has(self, name: str) -> bool:
        """Tell whether there is such a child."""
        return name in self._raw

    def value(self, name: str) -> str:
        """The machine value of a child: ``orig`` where it has one, else its text; empty when absent."""
        child = self._raw.get(name)
        if isinstance(child, list):
            child = child[0] if child else None
        return _value(child)

    def columns(self) -> list[tuple[str, str]]:
        """Every child that is a plain value: (name, machine value)."""
        return [(n, _value(c)) for n, c in self._raw.items() if n[:1] != "$" and type(c) is not list]


def is_deep(tree: Mapping[str, Any], most: int = MOST_DEPTH) -> bool:
    """Tell whether a document has more levels than whoever walks through it by recursion can take."""
    level: list[Any] = [tree]
    for _ in range(most):
        level = [
            child
            for one in level
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def parse(body: bytes, *, charset: str = "utf-8", flat: bool = False) -> Node:
    """The bytes of a whole answer → the content of ``doc``. Raises Unreadable.

    The format is seen from the first byte: a server that ignores ``out`` is understood all the same. ``flat``: version
    4's JSON, which has no ``doc`` and plain strings (SEEN IN CODE).
    """
    body = body.removeprefix(_BOM).strip()
    if not body:
        raise Unreadable("empty", "an empty answer")
    if charset.lower().replace("_", "-") not in ("utf-8", "utf8", "us-ascii"):
        raise Unreadable("shape", f"an answer that calls itself {charset[:20]!r} instead of UTF-8")
    if _HTML.match(body):
        raise Unreadable("html", "an HTML page")
    if body.startswith(b"{"):
        return _from_json(body, flat=flat)
    if body.startswith(b"<"):
        return _from_xml(body)
    raise Unreadable("shape", "something that is neither XML nor JSON")


def salvage(body: bytes) -> tuple[str | None, int | None]:
    """(id, total) of an unreadable page of one row, where its bytes still show them. Never trusted for more."""
    ids = {a or b for a, b in _ROW_ID.findall(body)}
    totals = {a or b for a, b in _TOTAL.findall(body)}
    return (
        ids.pop().decode() if len(ids) == 1 else None,
        int(totals.pop()) if len(totals) == 1 else None,
    )


def marked(body: bytes) -> bytes:
    """Return the same with ``MARK`` for every byte that no document may hold, so that rows without one can be read."""
    text = body.decode("utf-8", "surrogateescape")
    return _CONTROLS.sub(MARK, re.sub("[\udc80-\udcff]+", MARK, text)).encode()


def _refuse_swarms(parts: int) -> None:
    if parts > MOST_PARTS:
        raise Unreadable("shape", f"an answer of more than {MOST_PARTS} parts")


def has_bristles(markup: bytes) -> bool:
    """Tell whether one tag has more attributes than a parser can take in good time."""
    return any(tag.count(b"=") > MOST_ATTRIBUTES for tag in _TAG.findall(markup))


def _from_json(body: bytes, *, flat: bool) -> Node:
    if not body.endswith(b"}"):
        raise Unreadable("cut", "JSON that ends in the middle")
    _check_utf8(body)
    _refuse_swarms(body.count(b"{") + body.count(b"["))
    try:
        loaded = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if "end of data" in error.msg:
            raise Unreadable("cut", "JSON that ends in the middle") from None
        raise Unreadable("characters", "JSON with characters or syntax that cannot be read") from None
    content = loaded if flat else loaded.get("doc")
    if isinstance(content, dict):
        return Node(content)
    if _V4_KEYS & loaded.keys():
        raise Unreadable("v4", "JSON without its doc, as version 4 writes it")
    raise Unreadable("shape", "JSON that is not a BILLmanager document")


def _from_xml(body: bytes) -> Node:
    _check_utf8(body)
    start = body.find(b"<doc")
    if b"<!DOCTYPE" in body[: start if start >= 0 else len(body)]:
        raise Unreadable("doctype", "XML with a DOCTYPE, which is refused")
    if start >= 0 and not body.endswith((b"</doc>", b"/>")):
        raise Unreadable("cut", "XML that ends in the middle")
    declared = _DECLARED.match(body)
    if declared and declared[1].lower() != b"utf-8":
        raise Unreadable("shape", "XML in another encoding than UTF-8")
    _refuse_swarms(body.count(b"<"))
    if has_bristles(body):
        raise Unreadable("characters", f"XML with an element of more than {MOST_ATTRIBUTES} attributes")
    try:
        root = etree.fromstring(body, _parser())
    except etree.XMLSyntaxError as error:
        if "Premature end" in (error.msg or ""):
            raise Unreadable("cut", "XML that ends in the middle") from None
        raise Unreadable("characters", "XML with characters or syntax that cannot be read") from None
    if root.getroottree().docinfo.doctype:
        raise Unreadable("doctype", "XML with a DOCTYPE, which is refused")
    if root.tag != "doc":
        raise Unreadable("shape", "XML that is not a BILLmanager document")
    return Node(_element(root))


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )


def _element(element: Any) -> Raw:
    """An XML element in the shape of the JSON."""
    raw: Raw = {f"${name}": value for name, value in element.attrib.items()}
    for child in element:
        if not isinstance(child.tag, str):
            raise Unreadable("doctype", "XML with an entity of its own, which is refused")
        _add(raw, child.tag, _element(child))
    text = element.text or ""
    if text.strip() or (text and not len(element)):
        raw["$"] = text
    return raw


def _add(raw: Raw, name: str, child: Raw) -> None:
    if name not in raw:
        raw[name] = child
    elif isinstance(raw[name], list):
        raw[name].append(child)
    else:
        raw[name] = [raw[name], child]


def _check_utf8(body: bytes) -> None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("encoding", "bytes that are not UTF-8") from None


def _value(child: Any) -> str:
    if type(child) is not dict:
        return _text(child)
    value = child.get("$orig")
    if value is None:
        value = child.get("$", "")
    return value if type(value) is str else _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None or isinstance(value, dict | list) else str(value)
