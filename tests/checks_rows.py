"""Rows that pass every check, for tests that plant one bad thing in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from remotesupport.checks.suites import RECEIPT_FRAME
from remotesupport.core import frames
from remotesupport.core.text.normalize import body_hash

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

DEPARTMENT = {"connection": "acme", "side": "external", "department": "3", "name": "Техподдержка", "active": True,
              "remote": None}  # fmt: skip
TICKET = {
    "connection": "acme",
    "side": "external",
    "ticket": "123",
    "subject": "Не работает почта",
    "department": "3",
    "state": "open",
    "status": "1",
    "author": "Иван Петров",
    "activity": "2026-11-20 10:15:00",
    "origin": None,
    "fresh": True,
}
MESSAGE = {
    "connection": "acme",
    "side": "external",
    "ticket": "123",
    "message": "77",
    "ordinal": 0,
    "kind": "client",
    "author": "Иван Петров",
    "at_text": "2026-11-20 10:15:00",
    "zone": "UTC",
    "at": datetime(2026, 11, 20, tzinfo=UTC),
    "body": "Письма не уходят \U0001f622",
    "body_hash": "0" * 32,
    "files": "[]",
    "own": "no",
}
CHANGE = {
    "connection": "acme",
    "kind": "post",
    "direction": "to_main",
    "rank": 1,
    "ext_ticket": "123",
    "main_ticket": "9",
    "act": "77",
    "ordinal": 0,
    "subject": "",
    "department": None,
    "body": "Письма не уходят",
    "body_hash": "",
    "files": "[]",
    "covers": json.dumps([["77", "0" * 32, None]]),
    "ext_state": "open",
    "main_state": "open",
    "detail": "",
}
RECEIPT = {
    "connection": "acme",
    "direction": "to_main",
    "ext_ticket": "123",
    "act": "77",
    "expected_hash": "a" * 32,
    "found_hash": "a" * 32,
    "target_message": "501",
}


def departments(*rows: dict[str, Any]) -> pd.DataFrame:
    """DEPARTMENTS, each row a good one with what ``rows`` changes."""
    return frames.build(frames.DEPARTMENTS, [DEPARTMENT | row for row in rows])


def tickets(*rows: dict[str, Any]) -> pd.DataFrame:
    """TICKETS, each row a good one with what ``rows`` changes."""
    return frames.build(frames.TICKETS, [TICKET | row for row in rows])


def messages(*rows: dict[str, Any]) -> pd.DataFrame:
    """MESSAGES, each row a good one with what ``rows`` changes."""
    return frames.build(frames.MESSAGES, [MESSAGE | row for row in rows])


def changes(*rows: dict[str, Any]) -> pd.DataFrame:
    """CHANGES, each row a good one with what ``rows`` changes; the body's hash is filled in unless given."""
    full = [CHANGE | row for row in rows]
    return frames.build(frames.CHANGES, [r | {"body_hash": r["body_hash"] or body_hash(r["body"])} for r in full])


def receipts(*rows: dict[str, Any]) -> pd.DataFrame:
    """What was read back, each row a good one with what ``rows`` changes."""
    return frames.build(RECEIPT_FRAME, [RECEIPT | row for row in rows])
