"""Takes a request apart and puts an answer together, between HTTP and a dialect of any version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from remotesupport.emulator.desk import Attachment

SECRETS = frozenset({"auth", "authinfo", "password", "key"})


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request as it came over HTTP, whatever the method and the encoding."""

    params: dict[str, str]
    files: list[Attachment]
    cookies: dict[str, str]
    host: str
    method: str = "POST"


@dataclass(slots=True)
class ApiAnswer:
    """An answer that goes back: HTTP 200 even for an error (SEEN IN CODE). ``login`` and ``outcome`` are for the
    record.

    ``redirect``: 301 to this address instead.

    """

    body: bytes
    media_type: str
    login: str = ""
    outcome: str = "ok"
    file_name: str = ""
    cookies: dict[str, str] = field(default_factory=dict)
    redirect: str = ""


def media_type_of(usual: str, habits: Mapping[str, str]) -> str:
    """The habit ``content_type``: JSON may come as plain text (SEEN IN CODE)."""
    as_text = habits["content_type"] == "text" and usual.startswith("application/json")
    return "text/plain; charset=UTF-8" if as_text else usual
