"""Tests that pages name exist; the page of guarantees has every way to fail; sections that are cited exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[2]


def page(name: str) -> str:
    """A page of the documentation."""
    return (HERE / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "least"), [("guarantees.md", 40), ("coverage.md", 15)])
def test_every_named_test_exists(name: str, least: int) -> None:
    """Each file is there and defines the test."""
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?", page(name))
    assert len(named) > least
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (HERE / file).is_file() or (test and f"def {test}(" not in (HERE / file).read_text())
    ]
    assert missing == []


def test_every_way_to_fail_is_answered() -> None:
    """F1 to F30, each once."""
    assert re.findall(r"^\| F(\d+) \|", page("guarantees.md"), re.MULTILINE) == [str(n) for n in range(1, 31)]


CITED = re.compile(r"semantics(?:\.md)?,? sections? (\d+)(?: (?:to|and) (\d+))?")
OURS = ("connectors", "deployments", "flows", "remotesupport", "tasks", "tests", "docs")


def test_every_cited_rule_exists() -> None:
    """Where code or a page cites a section of the semantics, docs/semantics.md has that section."""
    sections = set(re.findall(r"^## (\d+)\. ", page("semantics.md"), re.MULTILINE))
    files = [f for folder in OURS for f in (HERE / folder).rglob("*") if f.suffix in (".py", ".md")]
    cited = {
        (str(f.relative_to(HERE)), n) for f in files for hit in CITED.findall(f.read_text("utf-8")) for n in hit if n
    }
    assert len(cited) > 10
    assert sorted((where, n) for where, n in cited if n not in sections) == []
