"""Tests that pages name exist, so do cited sections and sources; the page of guarantees has every way to fail."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.billmanager.habits import TABLE
from remotesupport.core.connections.habits import Mark
from remotesupport.emulator.habits import HABITS

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


def test_the_map_names_what_is_there() -> None:
    """Each file and room on the map is there, and defines the name behind it."""
    named = re.findall(r"`([\w/]+(?:\.py|\.toml|/))(?::(\w+))?`", page("architecture.md"))
    assert len(named) > 50
    missing = [
        f"{path}:{name}"
        for path, name in named
        if (not (HERE / path).exists() and "/" in path.rstrip("/"))
        or (
            name
            and not re.search(
                rf"^(?:async def|def|class) {name}\b|^{name}\b.*=", (HERE / path).read_text(), re.MULTILINE
            )
        )
    ]
    assert missing == []


def test_every_way_to_fail_is_answered() -> None:
    """F1 to F30, each once."""
    assert re.findall(r"^\| F(\d+) \|", page("guarantees.md"), re.MULTILINE) == [str(n) for n in range(1, 31)]


OURS = ("connectors", "deployments", "flows", "remotesupport", "tasks", "tests", "docs")
NUMBER = r"(\d+(?:\.\d+)*)"
SHORT = re.compile(r"\b[A-Z][A-Z0-9]*[A-Z0-9]\b")  # how sources are called
MARKS = re.compile("|".join(Mark))


def cited(page_name: str) -> set[tuple[str, str]]:
    """Each file that cites a section of that page, and which."""
    cites = re.compile(rf"{page_name}(?:\.md)?,? sections? {NUMBER}(?:(?:, {NUMBER})? (?:to|and) {NUMBER})?")
    files = [f for folder in OURS for f in (HERE / folder).rglob("*") if f.suffix in (".py", ".md")]
    return {
        (str(f.relative_to(HERE)), n) for f in files for hit in cites.findall(f.read_text("utf-8")) for n in hit if n
    }


@pytest.mark.parametrize("name", ["semantics", "protocol"])
def test_every_cited_section_exists(name: str) -> None:
    """Where code or a page cites a section of the semantics or of the protocol, that page has the section."""
    sections = set(re.findall(rf"^##+ {NUMBER}\.? ", page(f"{name}.md"), re.MULTILINE))
    found = cited(name)
    assert len(found) > 10
    assert sorted((where, n) for where, n in found if n not in sections) == []


def test_sections_of_the_protocol_are_numbered_in_order() -> None:
    """Each heading has the number that comes next, so that a citation means one place."""
    headings = re.findall(r"^(##+) (.*)$", page("protocol.md"), re.MULTILINE)
    expected, part, below = [], 0, 0
    for level, _ in headings:
        part, below = (part, below + 1) if level == "###" else (part + 1, 0)
        expected.append(f"{part}.{below} " if below else f"{part}. ")
    assert [n for n, (_, title) in zip(expected, headings, strict=True) if not title.startswith(n)] == []


def test_nothing_cites_a_page_that_is_not_here() -> None:
    """Product code names sections of the pages in docs only."""
    files = [f for folder in ("connectors", "remotesupport", "deployments") for f in (HERE / folder).rglob("*.py")]
    elsewhere = re.compile(r"(?i)\breference \d|protocol reference|\baddendum\b")
    assert [str(f.relative_to(HERE)) for f in files if elsewhere.search(f.read_text("utf-8"))] == []


def test_every_source_of_the_tables_of_habits_is_explained() -> None:
    """Each short name that the connector's table or the emulator's gives as a source is in the protocol's list."""
    explained = set(re.findall(r"^\| ([A-Z][A-Z0-9]+) \|", page("protocol.md"), re.MULTILINE))
    sources = [answer.source for habit in TABLE for answer in habit.answers]
    sources += [habit.told_by for habit in TABLE]
    sources += [answer.source for habit in HABITS for answer in habit.answers]
    named = {short for source in sources for short in SHORT.findall(MARKS.sub("", source))}
    assert len(named) > 10
    assert sorted(named - explained) == []
