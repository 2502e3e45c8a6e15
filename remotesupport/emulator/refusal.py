"""The one way in which the emulated billing says no; how it looks on the wire is the dialect's business."""

from __future__ import annotations


class Refusal(Exception):
    """``kind`` and ``subject`` are the ``type`` and ``object`` of a version 6 error document (SEEN IN CODE)."""

    def __init__(self, kind: str, subject: str, text: str, value: str = "") -> None:
        self.kind, self.subject, self.text, self.value = kind, subject, text, value
        super().__init__(f"{kind}/{subject}: {text}")


def missed(subject: str, value: object) -> Refusal:
    """The thing is not there, or not for this viewer."""
    return Refusal("missed", subject, f"The {subject} '{value}' does not exist", str(value))


def wrong(subject: str, text: str, value: str = "") -> Refusal:
    """A field has a value that cannot be taken."""
    return Refusal("value", subject, text, value)


class NoSession(Refusal):
    """``denied`` for want of a living session; some servers say that in another way (a habit)."""


def no_session(function: str) -> NoSession:
    """Nobody is logged in."""
    refusal = denied(function)
    return NoSession(refusal.kind, refusal.subject, refusal.text, refusal.value)


def denied(function: str) -> Refusal:
    """No session, a dead session, or no right: one answer for all three (SEEN IN CODE for dead sessions)."""
    return Refusal("access", function, "Access denied: no session or not enough rights", function)
