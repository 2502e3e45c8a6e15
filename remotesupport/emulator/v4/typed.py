"""Keeps what was typed into the form of "the other billing": shown after a refusal, except for the password.

The password is kept here meanwhile, under a number that only that form has, so that it need not be typed twice.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from starlette.datastructures import FormData

from remotesupport.emulator.page_frame import text_of
from remotesupport.emulator.refusal import wrong
from remotesupport.emulator.v4.setup import Elsewhere


@dataclass(frozen=True, slots=True)
class Shown:
    """The form as shown. ``password``: what the empty field stands for; ``draft``: the number of a kept password."""

    on: bool = False
    url: str = ""
    login: str = ""
    password: str = "none"  # noqa: S105 - or "stored", or "typed"
    draft: str = ""


def stored(value: Elsewhere | None) -> Shown:
    """Return what is set now."""
    return Shown() if value is None else Shown(True, value.url, value.login, "stored")


class Drafts:
    """Passwords of forms that were refused. In memory only: a restarted billing has forgotten them."""

    def __init__(self) -> None:
        self._passwords: dict[str, str] = {}

    def read(self, form: FormData, now: Elsewhere | None) -> Elsewhere | None:
        """Return what the form wants, None for off; an empty password is the typed one before, else the stored one.

        Raises Refusal value when the typed one is no longer known.
        """
        if not text_of(form, "on"):
            return None
        password = text_of(form, "password") or self._take(text_of(form, "draft")) or (now.password if now else "")
        return Elsewhere(text_of(form, "url").strip(), text_of(form, "login").strip(), password)

    def refused(self, form: FormData, now: Elsewhere | None) -> Shown:
        """The form again, with everything in it but the password, which is kept."""
        shown = replace(stored(now), on=True, url=text_of(form, "url"), login=text_of(form, "login"))
        password = text_of(form, "password") or self._passwords.get(text_of(form, "draft"))
        if not password:
            return shown
        draft = text_of(form, "draft") or secrets.token_hex(8)
        self._passwords[draft] = password
        return replace(shown, password="typed", draft=draft)  # noqa: S106

    def done(self, form: FormData) -> None:
        """It was accepted: forget the password."""
        self._passwords.pop(text_of(form, "draft"), None)

    def _take(self, draft: str) -> str:
        if draft and draft not in self._passwords:
            raise wrong("password", "Please type the password again")
        return self._passwords.get(draft, "")
