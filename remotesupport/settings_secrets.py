"""Where a password is, never the password itself.

Here: the three kinds of references and how each is looked up. What must stay out: Prefect (a ``prefect:`` block is
looked up by a function that the caller hands over) and any caching of values.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from remotesupport.settings_errors import Problem, SettingsError

FORMS = '"env:NAME", "file:/absolute/path" or "prefect:BLOCK"'
_SHAPES = {
    "env": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    "file": re.compile(r"/.+"),
    "prefect": re.compile(r"[a-z0-9][a-z0-9-]*"),
}
_log = logging.getLogger(__name__)

# Gives the value of the Prefect Secret block of that name.
BlockReader = Callable[[str], Awaitable[str]]


class SecretRef:
    """A reference to a secret: environment variable, file, or Prefect Secret block. Two equal references are equal."""

    __slots__ = ("kind", "place")

    def __init__(self, text: str) -> None:
        kind, _, place = text.partition(":")
        shape = _SHAPES.get(kind)
        if shape is None:
            raise ValueError("a literal password is refused here")
        if not shape.fullmatch(place):
            raise ValueError(f"this is not a usable {kind}: reference")
        self.kind, self.place = kind, place

    def __repr__(self) -> str:
        return f"SecretRef('{self}')"

    def __str__(self) -> str:
        return f"{self.kind}:{self.place}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretRef) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    async def resolve(self, blocks: BlockReader | None = None, environ: Mapping[str, str] | None = None) -> str:
        """The secret itself. ``blocks`` reads a Prefect Secret block by its name.

        Raises SettingsError that names the reference and the cure. Warns in the log about a file that others can read.
        """
        if self.kind == "env":
            return self._from_environment(os.environ if environ is None else environ)
        if self.kind == "file":
            return self._from_file()
        return await self._from_block(blocks)

    def warning(self) -> str:
        """A sentence when the secret's file can be read by others; else empty."""
        if self.kind != "file":
            return ""
        try:
            mode = Path(self.place).stat().st_mode
        except OSError:
            return ""
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            return f"{self.place} can be read by other users of this machine: chmod 600 {self.place}"
        return ""

    def peek(self, environ: Mapping[str, str] | None = None) -> str:
        """The secret where it is at hand without asking Prefect, else empty. For removing it from logs."""
        try:
            if self.kind == "env":
                return self._from_environment(os.environ if environ is None else environ)
            return self._from_file() if self.kind == "file" else ""
        except SettingsError:
            return ""

    def _from_environment(self, environ: Mapping[str, str]) -> str:
        value = environ.get(self.place, "")
        if not value:
            raise self._error("the environment variable is not set", f"export {self.place}=… before the start")
        return value

    def _from_file(self) -> str:
        try:
            value = Path(self.place).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise self._error(f"the file cannot be read ({reason})", "Write the password into it, chmod 600") from None
        if not value:
            raise self._error("the file is empty", "Write the password into it")
        if warning := self.warning():
            _log.warning("%s", warning)
        return value

    async def _from_block(self, blocks: BlockReader | None) -> str:
        if blocks is None:
            raise self._error("Prefect blocks cannot be read here", "Set PREFECT_API_URL, or use env: or file:")
        return await blocks(self.place)

    def _error(self, what: str, cure: str) -> SettingsError:
        return SettingsError([Problem(str(self), what, cure)])

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._parse)

    @classmethod
    def _parse(cls, value: object) -> SecretRef:
        if isinstance(value, SecretRef):
            return value
        if not isinstance(value, str):
            raise ValueError("must be text")
        return cls(value)


async def resolve_all(references: Sequence[SecretRef], blocks: BlockReader | None) -> list[str]:
    """The secrets in the order of their references. Raises SettingsError that names every one that cannot be had."""
    values: list[str] = []
    problems: list[Problem] = []
    for reference in references:
        try:
            values.append(await reference.resolve(blocks))
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(list(dict.fromkeys(problems)))
    return values
