"""The monthly report as a person sees it: on a screen, on paper, and as a PDF."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from remotesupport.core.model import Direction
from remotesupport.core.report.facts import LinkedTicket, MonthFacts, SentText, Turn, Turned
from remotesupport.core.report.figures import Figures, Terms, figures
from remotesupport.core.report.month import Month
from remotesupport.steps.report.page import render
from tests.browser import chromium, pages_of, running_browser
from tests.cli_here import cli_here
from tests.fresh_store import fresh_sqlite

pytestmark = [pytest.mark.e2e, pytest.mark.thorough("a browser, which not every machine has")]

BEGIN = datetime(2024, 5, 1, tzinfo=UTC)
TERMS = Terms(ZoneInfo("UTC"), ZoneInfo("UTC"), datetime(2024, 6, 1, 12, tzinfo=UTC), timedelta(hours=4))
TICKETS, DEPARTMENTS = 310, 9
CONFIG = '[main]\nurl = "http://127.0.0.1:1/billmgr"\n' + "".join(
    f'\n[[external]]\nname = "{name}"\nurl = "http://127.0.0.1:2/billmgr"\nlogin = "robot"\npassword = "env:INVENTED"\n'
    f'main_login = "{name}"\nmain_password = "env:INVENTED"\ntimezone = "UTC"\n'
    for name in ("acme",)
)


def busy_month() -> Figures:
    """Ten tickets a day in nine departments with long names: each answered within the hours of its number, every
    third closed a day later."""
    arrived = {str(n): BEGIN + timedelta(days=n % 31, hours=8 + n % 9) for n in range(TICKETS)}
    answers = {ticket: at + timedelta(minutes=7 * int(ticket)) for ticket, at in arrived.items()}
    texts = [SentText(t, Direction.TO_MAIN, at, at) for t, at in arrived.items()]
    texts += [SentText(t, Direction.TO_EXTERNAL, at, at) for t, at in answers.items()]
    closed = [t for t in arrived if int(t) % 3 == 0]
    turns = [Turned(t, answers[t] + timedelta(days=1), Turn.CLOSED) for t in closed]
    tickets = [LinkedTicket(t, str(int(t) % DEPARTMENTS), t not in closed, arrived=at) for t, at in arrived.items()]
    names = {str(n): f"Department number {n} of servers & <networks>" for n in range(DEPARTMENTS)}
    facts = MonthFacts(tuple(tickets), tuple(texts), tuple(turns), departments=names, known_from=BEGIN)
    return figures("acme", Month(2024, 5), facts, TERMS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture
def shown(browser: Browser, tmp_path: Path) -> Iterator[tuple[Page, list[str], list[str]]]:
    """The page of the busy month, the hosts that it has asked for, and what the browser complained of."""
    file = tmp_path / "acme-2024-05.html"
    file.write_text(render(busy_month(), TERMS), encoding="utf-8")
    with pages_of(browser) as (page, asked):
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.as_uri())
        yield page, [host for host in asked if host not in ("", "None")], complaints


def test_the_numbers_and_charts_are_seen(shown: tuple[Page, list[str], list[str]]) -> None:
    """Three charts with bars and legends are drawn, the numbers are those of the figures, and nothing is asked for."""
    page, asked, complaints = shown
    found = busy_month()
    expect(page.locator("#arrived")).to_have_text(str(found.arrived))
    expect(page.locator("#open")).to_have_text(str(found.open_at_end))
    assert found.arrived == TICKETS
    for number, series in enumerate((8, 2, 2)):
        chart = page.locator("figure svg").nth(number)
        box = chart.bounding_box()
        assert box is not None
        assert box["width"] > 600
        assert box["height"] > 150
        expect(chart.locator(".legend")).to_have_count(series)
        expect(chart.locator(".legend text").first).to_be_visible()
        assert chart.locator("rect.rect").count() > 0
    expect(page.locator("#by-day tbody tr")).to_have_count(DEPARTMENTS)
    expect(page.locator("#by-day")).to_contain_text("servers & <networks>")
    assert (asked, complaints) == ([], [])


@pytest.mark.parametrize("width", [1280, 720, 390])
def test_nothing_hangs_out_of_the_page(shown: tuple[Page, list[str], list[str]], width: int) -> None:
    """On a wide screen, a narrow one and a telephone the page never scrolls sideways."""
    page, _, _ = shown
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_fits_on_paper(shown: tuple[Page, list[str], list[str]]) -> None:
    """Printed on A4 between its margins no table and no chart is wider than the paper, and no chart is cut in two."""
    page, _, _ = shown
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 1000})  # 180 mm
    wide = page.evaluate(
        "[...document.querySelectorAll('table, svg, dl')].filter(e => e.getBoundingClientRect().right > 681)"
        ".map(e => e.id || e.tagName)"
    )
    assert wide == []
    assert page.evaluate("getComputedStyle(document.querySelector('figure')).breakInside") == "avoid"


def test_the_command_prints_a_pdf(tmp_path: Path) -> None:
    """With --pdf a PDF lies beside the page, printed by the Chromium of this machine."""
    chromium()
    (tmp_path / "remotesupport.toml").write_text(CONFIG)
    fresh_sqlite(tmp_path / "remotesupport.sqlite3")
    environ = {
        "REMOTESUPPORT_HOME": str(tmp_path), "REMOTESUPPORT_CONFIG": str(tmp_path / "remotesupport.toml"),
        "PATH": os.environ["PATH"], "HOME": str(tmp_path),
    }  # fmt: skip
    ended = cli_here("report", "--month", "2024-05", "--pdf", "--json", cwd=tmp_path, environ=environ)
    assert ended.returncode == 0, ended.stderr
    (found,) = json.loads(ended.stdout)["reports"]
    assert Path(found["pdf"]).read_bytes().startswith(b"%PDF-")
