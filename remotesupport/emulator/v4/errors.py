"""Version 4's refusals: numbers (DOCUMENTED) and texts; what the rules of the desk refuse becomes one of them."""

from __future__ import annotations

from remotesupport.emulator.refusal import Refusal

EXISTS, NO_SUCH, INVALID, LIMIT, MESSAGE, DENIED = 2, 3, 4, 5, 8, 100

_CODES = {"missed": NO_SUCH, "value": INVALID, "exists": EXISTS, "blocked": MESSAGE, "limit": LIMIT}


class Error(Exception):
    """One error of version 4."""

    def __init__(self, code: int, obj: str, text: str) -> None:
        self.code, self.obj, self.text = code, obj, text
        super().__init__(f"{code} {obj}: {text}")


def no_such(obj: str, value: object) -> Error:
    """Code 3: does not exist."""
    return Error(NO_SUCH, obj, f"The {obj} '{value}' does not exist")


def invalid(obj: str, text: str) -> Error:
    """Code 4: invalid value."""
    return Error(INVALID, obj, text)


def auth_failed() -> Error:
    """Code 100 for a wrong password and a dead session (SEEN IN CODE for the former, INFERRED for the latter)."""
    return Error(DENIED, "", "Auth failed from 127.0.0.1")


def access_denied() -> Error:
    """Code 100 again, with another text: the function is not permitted (SEEN IN CODE)."""
    return Error(DENIED, "", "access deny")


def from_refusal(refusal: Refusal) -> Error:
    """Put what the rules of the desk refused in version 4's words. A ban looks like any failed login (INFERRED)."""
    if refusal.kind == "auth":
        failed = auth_failed()
        return Error(DENIED, "", f"{failed.text}: {refusal.text}") if refusal.subject == "blocklogon" else failed
    if refusal.kind == "access":
        return access_denied()
    subject = "elid" if refusal.subject in {"ticket", "assignment"} else refusal.subject
    return Error(_CODES.get(refusal.kind, 1), subject, refusal.text)
