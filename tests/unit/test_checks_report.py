"""The laws of the validation report: complete, harmless, whole on disk."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from remotesupport.checks import ValidationReport, gate, render_html, write_report
from remotesupport.checks.report import QuarantinedRow
from tests import checks_rows as rows
from tests.checks_rows import NOW

ATTACK = "<script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>"


def report(**fields) -> ValidationReport:
    """A report of 3 tickets."""
    return ValidationReport(**{"suite": "tickets", "rows": 3, "accepted": 3, "at": NOW} | fields)


def tags(page: str) -> set[str]:
    """The names of all elements of ``page``."""
    found: set[str] = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.add(tag)  # type: ignore[method-assign]
    parser.feed(page)
    return found


def test_whatever_an_id_holds_no_markup_comes_alive():
    """Ids come from foreign servers: they are text on the page and nothing else."""
    row = QuarantinedRow(ATTACK, ATTACK, ATTACK, ATTACK, ATTACK)
    page = render_html([report(suite=ATTACK, quarantined=(row,), rejected={ATTACK: ATTACK}, failures={ATTACK: 1})])
    assert not tags(page) & {"script", "img", "a", "link", "iframe"}
    assert page.count("&lt;script&gt;") >= 8


def test_the_page_needs_no_other_host():
    """It opens from a disk without a network."""
    page = render_html([report()])
    assert not re.search(r"https?:|src=|href=|@import|url\(", page)


def test_the_page_names_suite_counts_reasons_and_connections():
    """Everything that was kept out, and why, can be read from the page."""
    gated = gate(
        "tickets", rows.tickets({}, {"ticket": "124", "state": "ajar"}, *[{"connection": "beta"}] * 2), now=NOW
    )
    page = render_html([gated.report])
    for text in ("tickets", "state_known", "124", "beta", "1 of 4 rows accepted", "2026-11-20 12:00:00"):
        assert text in page


def test_a_long_quarantine_is_cut_and_says_so():
    """A page stays a page, whatever goes wrong."""
    many = tuple(QuarantinedRow("acme", "external", f"t{i}", "state_known", "why") for i in range(1_000))
    page = render_html([report(quarantined=many)])
    assert "and 800 more" in page
    assert "t999" not in page


def test_before_the_first_validation_the_page_says_so():
    """An empty list is no error."""
    assert "Nothing has been validated yet" in render_html([])


def test_the_json_is_plain_and_complete():
    """The artifact can be made from it without knowing our types."""
    row = QuarantinedRow("acme", "external", "1", "state_known", "why")
    value = json.loads(json.dumps(report(quarantined=(row,), failures={"state_known": 1}).to_json()))
    assert value["quarantined"] == {
        "count": 1,
        "rows": [{"connection": "acme", "side": "external", "ticket": "1", "check": "state_known", "reason": "why"}],
    }
    assert (value["suite"], value["rows"], value["at"]) == ("tickets", 3, "2026-11-20T12:00:00+00:00")


def test_a_written_report_replaces_the_old_one_and_leaves_nothing_else(tmp_path):
    """A reader sees one whole page, the newest."""
    write_report(tmp_path, [])
    path = write_report(tmp_path, [report()])
    assert path == tmp_path / "validation.html"
    assert "tickets" in path.read_text(encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["validation.html"]


def test_a_report_that_cannot_be_written_leaves_the_old_page(tmp_path):
    """A failure half-way spoils nothing."""
    old = write_report(tmp_path, []).read_text(encoding="utf-8")
    with pytest.raises(Exception, match="strftime"):
        write_report(tmp_path, [report(at="never")])
    assert [p.read_text(encoding="utf-8") for p in tmp_path.iterdir()] == [old]
