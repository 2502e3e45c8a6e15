"""The page of guarantees names tests that exist, and every way to fail."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
PAGE = (HERE / "docs" / "guarantees.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?", PAGE)


def test_every_named_test_exists() -> None:
    """Each file is there and defines the test."""
    assert len(NAMED) > 40
    missing = [
        f"{file}::{name}"
        for file, name in NAMED
        if not (HERE / file).is_file() or (name and f"def {name}(" not in (HERE / file).read_text())
    ]
    assert missing == []


def test_every_way_to_fail_is_answered() -> None:
    """F1 to F30, each once."""
    assert re.findall(r"^\| F(\d+) \|", PAGE, re.MULTILINE) == [str(n) for n in range(1, 31)]
