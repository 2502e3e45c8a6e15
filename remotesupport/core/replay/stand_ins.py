"""Inputs without the texts that people wrote: each has a stand-in, chosen so that the same rows are planned.

Equal texts have equal stand-ins, blank ones stay, and so do our own header lines and notices, because they decide what
is planned. What is planned has other texts then, so its id is another one. A text that a server shows in other words
than it was sent has another stand-in than the sent one. What must stay out: comparing plans.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from remotesupport.core.model import MessageKind, Side
from remotesupport.core.pairs.main_evidence import is_notice
from remotesupport.core.reconcile_io import Inputs
from remotesupport.core.text.compose import RULE, claim_of, defuse, origin_tag, subject_with_origin
from remotesupport.core.text.normalize import body_hash, unify_line_ends

SOMEONE = "someone"
_HEAD = re.compile(r"^([a-z0-9-]+ #[^\s/|]+/\S+ \|)(.*)$", re.MULTILINE)  # the header line of ``compose.header``
_REST = re.compile(
    r" .*?( \((?:client|[a-z0-9-]+ staff)\)"
    r" \| (?:[\d.:T+ -]{1,40}(?: [\w/+-]{1,40})?|time not shown)(?: \| edited, it now reads:)?)\s*"
)


def with_stand_ins(inputs: Inputs) -> Inputs:
    """Return the inputs without any text, name or subject that a person wrote."""
    tickets, messages = inputs.tickets, inputs.messages
    subjects = [
        _subject(*row) for row in zip(*(tickets[c] for c in ("connection", "side", "ticket", "subject")), strict=True)
    ]
    bodies = [_body(*row) for row in zip(*(messages[c] for c in ("side", "kind", "body")), strict=True)]
    return replace(
        inputs,
        tickets=tickets.assign(subject=_texts(subjects, tickets), author=_names(tickets)),
        messages=messages.assign(
            body=_texts(bodies, messages),
            author=_names(messages),
            files=_texts([_files(listed) for listed in messages["files"]], messages),
        ),
    )


def _texts(values: list[str], like: pd.DataFrame) -> pd.Series:
    return pd.Series(values, index=like.index, dtype="str")


def _names(rows: pd.DataFrame) -> pd.Series:
    return _texts([SOMEONE if name.strip() else name for name in rows["author"]], rows)


def _files(listed: str) -> str:
    if listed == "[]":
        return listed
    return json.dumps([one | {"name": f"file {n}"} for n, one in enumerate(json.loads(listed), 1)])


def _subject(connection: str, side: str, ticket: str, subject: str) -> str:
    """Main's subject is compared with the external one as it would be written, so both have the hash of that."""
    if side == Side.EXTERNAL:
        return body_hash(subject_with_origin(connection, ticket, subject))
    claimed = claim_of(subject, connection)
    return body_hash(subject) if claimed is None else f"{origin_tag(connection, claimed)} {body_hash(subject)}"


def _body(side: str, kind: str, body: str) -> str:
    if not body.strip():
        return body
    if side == Side.MAIN and kind == MessageKind.CLIENT:
        return body if is_notice(body) else "".join(_told(unify_line_ends(body)))
    return body_hash(defuse(body))


def _told(text: str) -> Iterator[str]:
    """Yield what was told to main: our header lines, and the stand-in of the text below each."""
    heads = list(_HEAD.finditer(text))
    if not heads:
        yield body_hash(defuse(text))
        return
    if before := text[: heads[0].start()].strip():
        yield f"{body_hash(before)}\n"
    for head, end in zip(heads, [*(one.start() for one in heads[1:]), len(text)], strict=True):
        said = text[head.end() : end]
        ruled = end < len(text) and said.rstrip().endswith(RULE.strip())
        said = said.rstrip().removesuffix(RULE.strip()) if ruled else said
        yield f"{head[1]}{_rest(head[2])}\n{body_hash(said) if said.strip() else ''}"
        yield RULE if ruled else "\n" * (end < len(text))


def _rest(rest: str) -> str:
    found = _REST.fullmatch(rest)
    return f" {SOMEONE}{found[1]}" if found else f" {body_hash(rest)}"
