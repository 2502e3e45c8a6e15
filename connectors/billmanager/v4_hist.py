"""``hist``, version 4's conversation in one piece of HTML → messages (SEEN IN CODE, protocol reference 2.2).

There are no ids: a message's key is a digest of who, when and what, and the how-manieth of equal ones it is. An edited
message therefore is a new one. Anything that is not exactly a row of known blocks spoils the ticket, never a message.
Must stay out: asking the server.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from lxml import etree, html

from connectors.billmanager.v4_answers import digest
from connectors.billmanager.v6_rows import BadRow, moment
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
_NEVER = re.compile(r"<[!?]|\x00")
_BEGINS = re.compile(r"<[^<>]*\bsupport-from\b")


def messages(hist: str, zone: str) -> tuple[MessageRow, ...]:
    """Every block of ``hist``, oldest first, its dates in ``zone``. Raises BadRow."""
    text = hist.replace("<\\/", "</").strip()
    if not text:
        return ()
    if _NEVER.search(text):
        raise BadRow("its conversation holds markup that no conversation has")
    try:
        root = html.fragment_fromstring(text, create_parent="div", parser=_parser())
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        raise BadRow("its conversation is no HTML that can be read") from None
    if (root.text or "").strip():
        raise BadRow("its conversation begins outside of any message")
    seen: Counter[str] = Counter()
    found = tuple(_message(block, ordinal, zone, seen) for ordinal, block in enumerate(root))
    if len(found) != len(_BEGINS.findall(text)):
        raise BadRow("one of its messages holds markup that hides others")
    return found


def _parser() -> html.HTMLParser:
    return html.HTMLParser(encoding=None, no_network=True, remove_comments=True, remove_pis=True, huge_tree=False)


def _message(block: Any, ordinal: int, zone: str, seen: Counter[str]) -> MessageRow:
    if not isinstance(block.tag, str) or (block.tail or "").strip() or (block.text or "").strip():
        raise BadRow(f"there is text outside of message {ordinal + 1}")
    kind = _KINDS.get(" ".join(block.classes), MessageKind.UNKNOWN)
    parts = [part for part in block if part.tag != "img"]
    if [" ".join(part.classes) for part in parts] != ["support-from", "support-body"]:
        raise BadRow(f"message {ordinal + 1} is not a name and a text")
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
        author=said["name"].strip(),
        body=body,
        at_text=said["at"],
        zone=zone,
        at=moment(said["at"], zone),
    )


def _text(body: Any) -> str:
    """The words of a body: line breaks kept, markup gone."""
    for line in list(body.iter("br")):
        line.tail = "\n" + (line.tail or "")
    return str(body.text_content())
