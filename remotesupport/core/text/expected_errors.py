"""The mark of errors that the program expects: logs have their words and no traceback."""

from __future__ import annotations


class Foreseen(Exception):
    """An error whose words say what happened, where, and what to do."""
