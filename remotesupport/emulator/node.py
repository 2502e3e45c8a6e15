"""A document as a tree, and the two spellings of it: XML, and COREmanager's JSON. Knows no function and no ticket.

JSON: attributes as ``$name``, text as ``$``, children as keys (SEEN IN CODE). ``ALWAYS_ARRAYS`` are arrays even with
one entry; any other repeated child is an object when single and an array when repeated (SEEN IN CODE).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

ALWAYS_ARRAYS = frozenset({"elem", "slist", "val", "mlist", "file", "rowgroup", "row"})


class Node:
    """An element. ``text`` None is an element without text, "" one with an empty text."""

    __slots__ = ("attributes", "children", "tag", "text")

    def __init__(self, tag: str, text: str | None = None, attributes: dict[str, str] | None = None) -> None:
        self.tag, self.text, self.attributes = tag, text, attributes
        self.children: list[Node] = []

    def add(self, tag: str, text: str | None = None, **attributes: str) -> Node:
        """A new last child."""
        child = Node(tag, text, attributes or None)
        self.children.append(child)
        return child

    def find(self, tag: str) -> Iterator[Node]:
        """Direct children with this tag."""
        return (child for child in self.children if child.tag == tag)


def to_xml(node: Node) -> bytes:
    """One line, UTF-8 declared (SEEN IN CODE). Control characters in texts stay: a poisoned row is poison."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    _write(node, parts)
    return "".join(parts).encode()


def to_json(node: Node) -> bytes:
    """``{"doc": {...}}``."""
    return orjson.dumps({node.tag: _plain(node)})


def to_bare_json(node: Node) -> bytes:
    """``bjson``: the same without the ``$`` wrappers; attributes of an element with text are lost (INFERRED)."""
    return orjson.dumps({node.tag: _bare(node)})


def _escape(text: str) -> str:
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    return text.replace(">", "&gt;") if ">" in text else text


def _write(node: Node, parts: list[str]) -> None:
    tag = node.tag
    parts.append("<" + tag)
    if node.attributes:
        for name, value in node.attributes.items():
            parts.append(f' {name}="{_escape(value).replace(chr(34), "&quot;")}"')
    if node.text is None and not node.children:
        parts.append("/>")
        return
    parts.append(">")
    if node.text:
        parts.append(_escape(node.text))
    for child in node.children:
        _write(child, parts)
    parts.append(f"</{tag}>")


def _plain(node: Node) -> dict[str, Any]:
    shown: dict[str, Any] = {f"${name}": value for name, value in (node.attributes or {}).items()}
    if node.text is not None:
        shown["$"] = node.text
    for child in node.children:
        _hang(shown, node.tag, child.tag, _plain(child))
    return shown


def _bare(node: Node) -> Any:
    if node.text is not None and not node.children:
        return node.text
    shown: dict[str, Any] = dict(node.attributes or {})
    for child in node.children:
        _hang(shown, node.tag, child.tag, _bare(child))
    return shown


def _hang(shown: dict[str, Any], parent: str, tag: str, value: Any) -> None:
    if tag in ALWAYS_ARRAYS or (tag == "message" and parent == "mlist"):
        shown.setdefault(tag, []).append(value)
    elif tag not in shown:
        shown[tag] = value
    elif isinstance(shown[tag], list):
        shown[tag].append(value)
    else:
        shown[tag] = [shown[tag], value]
