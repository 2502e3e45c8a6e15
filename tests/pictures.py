"""``python -m tests.pictures``: take the pictures of docs/pictures that show a failed run, the backfill form, a report.

From real runs between emulated billings, by a headless Chromium. Nothing is asserted here; tests/e2e looks at the same
pages.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, expect
from prefect.client.orchestration import SyncPrefectClient

from deployments.processes import PrefectServer
from tests.browser import PATIENCE_MS, pages_of, running_browser
from tests.cli_here import cli_here
from tests.e2e.test_pages_in_a_browser import POOL, House, see
from tests.http_desk import HttpDesk, http_desk
from tests.prefect_fixtures import test_environ, warm_worker
from tests.three_billings import ThreeBillings, three_billings

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
MONTH_BEGINS = datetime(2026, 10, 1, 6, 0, tzinfo=UTC)
DAYS = 31
STILL_MS = 1_500
FORM_HEIGHT = 1500  # it is longer than a screen
PROBLEMS = ("Сайт не открывается", "Почта не приходит", "Disk is full", "DNS of example.com", "Сертификат истёк")


@contextmanager
def house(home: Path, world: ThreeBillings) -> Iterator[House]:
    """A Prefect server and a warm worker between the billings, their schedules paused."""
    server = PrefectServer(home, environ=test_environ(**world.environ))
    arguments = ("--register", "--wait", "60", "--modules", "flows", "--preload", "flows.sync")
    with server, warm_worker(server, POOL, *arguments) as worker, SyncPrefectClient(server.api) as client:
        found = House(world, server, client)
        found.settle(worker)
        yield found


def runs() -> None:
    """A run in which one billing does not answer, and the form of a backfill."""
    with tempfile.TemporaryDirectory() as folder, three_billings(Path(folder)) as world:
        for billing, client in ((world.acme, "ivan"), (world.globex, "maria")):
            billing.act(as_=client, do="open", department="Technical support", subject=PROBLEMS[0], text="Помогите")
        with house(Path(folder), world) as found, running_browser() as browser, pages_of(browser) as (page, _):
            found.cycle()
            world.acme.stop()
            world.globex.act(as_="maria", do="open", department="Technical support", subject=PROBLEMS[1], text="?")
            failed = found.cycle()
            see(page, f"{found.server.ui}/runs/flow-run/{failed.id}", "acme unreachable", "refuses it")
            taken(page, "failed-run")
            form = found.client.read_deployment_by_name("backfill/ad-hoc").id
            page.set_viewport_size({"width": 1280, "height": FORM_HEIGHT})
            see(page, f"{found.server.ui}/deployments/deployment/{form}/run", "Billings", "Plan only")
            taken(page, "backfill-form")


def report() -> None:
    """A month between acme and main, lived by the product with a clock that is moved, and its report."""
    with tempfile.TemporaryDirectory() as folder, three_billings(Path(folder)) as world:
        asyncio.run(a_month(world))
        words = ("report", "--billing", "acme", "--month", f"{MONTH_BEGINS:%Y-%m}")
        ended = cli_here(*words, cwd=world.home, environ=world.environ)
        assert ended.returncode == 0, ended.stderr
        (file,) = (world.home / "reports").glob("acme-*.html")
        with running_browser() as browser, pages_of(browser) as (page, _):
            page.goto(file.as_uri())
            expect(page.locator("#arrived")).to_be_visible()
            taken(page, "monthly-report")


async def a_month(world: ThreeBillings) -> None:
    """Each day some clients write; staff answer within minutes or hours, and close most of it."""
    config = world.home / "remotesupport.toml"
    agreed = "[external.agreed]\nfirst_answer_minutes = 60\nfull_answer_minutes = 480\n\n[[external.departments]]"
    config.write_text(config.read_text().replace("[[external.departments]]", agreed, 1))
    async with http_desk(world, url=f"sqlite:///{world.home / 'remotesupport.sqlite3'}") as desk:
        desk.clock.advance((MONTH_BEGINS - desk.clock.now).total_seconds())
        for day in range(DAYS):
            begin = desk.clock.now
            await a_day(world, desk, day)
            desk.clock.advance((begin + timedelta(days=1) - desk.clock.now).total_seconds())


async def a_day(world: ThreeBillings, desk: HttpDesk, day: int) -> None:
    """One to four tickets, with as many hours between them; each ninth is left for another day."""
    for number in range(1 + day * 7 % 4):
        subject = PROBLEMS[(day + number) % len(PROBLEMS)]
        opened = world.acme.act(as_="ivan", do="open", department="Technical support", subject=subject, text="Помогите")
        await desk.run()
        copy = world.copy(f"[acme #{opened['ticket']}]")
        desk.clock.advance(60 * (4 + 13 * (day * number % 8)))
        world.main.act(as_="anna", do="reply", ticket=copy, text="Починили, проверьте.")
        await desk.run()
        if (day + number) % 9:
            world.main.act(as_="anna", do="close", ticket=copy)
            await desk.run()
        desk.clock.advance(3600)


def taken(page: Page, name: str) -> None:
    """The page as it stands, once it moves no more."""
    page.wait_for_load_state("networkidle", timeout=PATIENCE_MS)
    page.wait_for_timeout(STILL_MS)
    page.screenshot(path=FOLDER / f"{name}.png")


def main(names: list[str]) -> None:
    """Take all of them, or those of these names."""
    takers = {"runs": runs, "report": report}
    for name in names or list(takers):
        takers[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
