"""Messages as they are written to a billing that takes only so much: with the file that a long text leaves behind.

What must stay out: which messages are written, how texts are cut (``lengths``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import pandas as pd

from remotesupport.core.model import Direction
from remotesupport.core.text.lengths import MOST_BYTES, file_name, in_short

Longest: TypeAlias = Mapping[tuple[str, str], int]  # (connection, direction) → bytes that a text may have there
NO_LIMITS: Longest = MappingProxyType({})


def most(longest: Longest, connection: str, direction: str) -> int:
    """Return the number of bytes that a text may have there."""
    return longest.get((connection, str(direction)), MOST_BYTES)


def whole_text(direction: str, connection: str, ticket: str, message: str) -> str:
    """The name of the file with a message's whole text; what a client gets does not tell of our names and numbers."""
    return file_name(connection, ticket, message) if direction == Direction.TO_MAIN else file_name("message", message)


def in_length(rows: pd.DataFrame, said: Sequence[str], direction: Direction, longest: Longest) -> pd.DataFrame:
    """MESSAGES rows (with ``ext_ticket``) and how they are said → the same rows with ``body``, the text to write, and
    with the whole as one more file where that is only its beginning."""
    bodies, files = [], []
    columns = ("connection", "ext_ticket", "message", "files")
    for text, (connection, ticket, message, listed) in zip(
        said, zip(*(rows[c] for c in columns), strict=True), strict=True
    ):
        name = whole_text(direction, connection, ticket, message)
        short = in_short(text, most(longest, connection, direction), name)
        bodies.append(short)
        files.append(listed if short == text else with_text(listed, message, name))
    return rows.assign(
        body=pd.Series(bodies, index=rows.index, dtype="str"), files=pd.Series(files, index=rows.index, dtype="str")
    )


def with_text(files: str, message: str, name: str) -> str:
    """A ``files`` column with one more: the text of that message, which is read anew when it is written."""
    listed = [f for f in json.loads(files) if not f.get("text")]
    return json.dumps([*listed, {"file": message, "name": name, "size": None, "text": True}], ensure_ascii=False)
