"""``hist``, version 4's conversation in one piece of HTML → messages (SEEN IN CODE, protocol section 4.4).

There are no ids: a message's key is a digest of who, when and what, and the how-manieth of equal ones it is. An edited
message therefore is a new one. Anything that is not exactly a row of known blocks spoils the ticket, never a message.
Must stay out: asking the server.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from lxml import etree, html

from connectors.billmanager.v4_answers import digest
from connectors.billmanager.v6_rows import BadRow, moment, named, of_one_row
from connectors.billmanager.wire import has_bristles
from remotesupport.core.model import MessageKind, MessageRow

_KINDS = {
    "support-msg": MessageKind.CLIENT,
    "support-msg-admin": MessageKind.STAFF,
    "support-msg-note": MessageKind.NOTE,
    "support-msg-system": MessageKind.SYSTEM,
}
_FROM = re.compile(r"[^:\n]{1,20}: (?P<name>.*) - (?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.DOTALL)
# A body is plain text with line breaks; what else may be in it changes how it looks. Anything more could hold the next
# messages, notes among them, so it spoils the ticket.
_HARMLESS = frozenset(
    "a b big br code em font hr i img li ol p pre s small span strong sub sup tt u ul".split()  # noqa: SIM905 - words
)
# Around name and text there may be decoration of any nesting (one public client looks for the avatar in a ``div``), as
# long as it says nothing.
_DECORATION = _HARMLESS | {"center", "div", "figure", "picture", "source", "table", "tbody", "td", "th", "thead", "tr"}
_NEVER = re.compile(r"<[!?]|\x00")
_BEGINS = re.compile(r"<[^<>]*\bsupport-from\b")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_LONGEST_CLASS = 500  # each message looks at the names of all elements around it
_ALONE = frozenset(("br", "hr", "img", "source"))


@of_one_row
def messages(hist: str, zone: str) -> tuple[MessageRow, ...]:
    """Every block of ``hist``, oldest first, its dates in ``zone``. Raises BadRow."""
    text = hist.replace("<\\/", "</").strip()
    if not text:
        return ()
    if _NEVER.search(text) or has_bristles(text.encode("utf-8", "surrogatepass")):
        raise BadRow("its conversation holds markup that no conversation has")
    try:
        root = html.fragment_fromstring(text, create_parent="div", parser=_parser())
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        raise BadRow("its conversation is no HTML that can be read") from None
    if any(len(element.get("class") or "") > _LONGEST_CLASS for element in root.iter(etree.Element)):
        raise BadRow("its conversation holds markup that no conversation has")
    seen: Counter[str] = Counter()
    blocks = _blocks(root)
    if any(_is_nested(block) for block in blocks) and not _is_balanced(text):
        raise BadRow("one of its messages holds markup that could take others in")
    found = tuple(_message(block, ordinal, zone, seen) for ordinal, block in enumerate(blocks))
    if len(found) != len(_BEGINS.findall(text)):
        raise BadRow("one of its messages holds markup that hides others")
    return found


def _blocks(root: Any) -> list[Any]:
    """The outermost elements that hold one message each, in order. Around them is nothing but silent decoration."""
    names = Counter(_holders(root))
    blocks: list[Any] = []
    left = [root]
    while left:
        element = left.pop()
        if element is not root and names[element] == 1:
            blocks.append(element)
            continue
        _refuse_speech(element, "outside of any message")
        if element is not root and names[element] and _speaks(element):
            raise BadRow("one of its messages holds others")
        left.extend(reversed(element))
    return blocks


def _holders(root: Any) -> Iterator[Any]:
    """Every element that holds the name of a message, once for each."""
    for name in root.iter():
        if _is(name, "support-from"):
            yield from name.iterancestors()


def _is(element: Any, word: str) -> bool:
    return isinstance(element.tag, str) and word in element.classes


def _is_nested(block: Any) -> bool:
    """Tell whether its name and text stand deeper than right in it."""
    return not any(_is(child, "support-from") for child in block)


def _refuse_speech(element: Any, where: str) -> None:
    """Raises BadRow where ``element`` itself (not what is in it) is no silent decoration."""
    if not isinstance(element.tag, str) or element.tag not in _DECORATION:
        raise BadRow(f"there is markup {where} that could hide others")
    if any((text or "").strip() for text in (element.text, *(child.tail for child in element))):
        raise BadRow(f"there is text {where}")


def _parser() -> html.HTMLParser:
    return html.HTMLParser(encoding=None, no_network=True, remove_comments=True, remove_pis=True, huge_tree=False)


def _message(block: Any, ordinal: int, zone: str, seen: Counter[str]) -> MessageRow:
    parts = _parts(block, ordinal + 1)
    kind = _kind(parts)
    said = _FROM.fullmatch(parts[0].text_content().strip())
    if said is None:
        raise BadRow(f"message {ordinal + 1} does not say who wrote it and when")
    if not _HARMLESS.issuperset(str(part.tag) for part in parts[1].iterdescendants()):
        raise BadRow(f"message {ordinal + 1} holds markup that could hide others")
    body = _text(parts[1])
    key = digest(str(kind), said["name"], said["at"], body)
    seen[key] += 1
    return MessageRow(
        message=f"h{key[:20]}{f'.{seen[key]}' if seen[key] > 1 else ''}",
        ordinal=ordinal,
        kind=kind,
        author=named(said["name"].strip()),
        body=body,
        at_text=said["at"],
        zone=zone,
        at=moment(said["at"], zone),
    )


def _parts(block: Any, number: int) -> list[Any]:
    """The name and the text of a block, in this order; all else in it is silent decoration."""
    parts: list[Any] = []
    left = [block]
    while left:
        element = left.pop()
        if _is(element, "support-from") or _is(element, "support-body"):
            parts.append(element)
            continue
        _refuse_speech(element, f"outside of the text of message {number}")
        left.extend(reversed(element))
    if [_is(part, "support-from") for part in parts] != [True, False]:
        raise BadRow(f"message {number} is not a name and a text")
    return parts


def _kind(parts: list[Any]) -> MessageKind:
    """Return the kind that the nearest element with a name around both parts says; a name that is not known never
    crosses."""
    head, body = ([e for e in part.iterancestors() if _named(e)] for part in parts)
    if head != body or any(_speaks(e) for e in head[1:]):
        raise BadRow("one of its messages is of two kinds at once")
    return _KINDS.get(" ".join(head[0].classes), MessageKind.UNKNOWN) if head else MessageKind.UNKNOWN


def _named(element: Any) -> bool:
    return any(word.startswith("support-") for word in element.classes)


def _speaks(element: Any) -> bool:
    return any(word.startswith("support-msg") for word in element.classes)


def _is_balanced(text: str) -> bool:
    """Tell whether every tag that is opened is closed: else one message may have taken the next one in."""
    tags = Counter[str]()
    for closing, name in _TAG.findall(text):
        tags[name.lower()] += -1 if closing else 1
    return not any(count for name, count in tags.items() if name not in _ALONE)


def _text(body: Any) -> str:
    """The words of a body: line breaks kept, markup gone."""
    for line in list(body.iter("br")):
        line.tail = "\n" + (line.tail or "")
    return str(body.text_content())
