"""What a person sees in a browser: the emulator's pages as client, staff and administrator, the Prefect UI of a run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun

from deployments.processes import PrefectServer
from tests.browser import PATIENCE_MS, pages_of, running_browser
from tests.emulator_fixtures import RunningEmulator, password_of
from tests.prefect_fixtures import test_environ, warm_worker
from tests.three_billings import ThreeBillings, three_billings

pytest_plugins = ("tests.prefect_fixtures",)
pytestmark = [pytest.mark.e2e, pytest.mark.thorough("a browser, which not every machine has")]

POOL = "tests-pages"
PATIENCE_S = 60.0
MINUTE_PATIENCE_S = 180.0


@dataclass(frozen=True, slots=True)
class House:
    """Three billings, and a Prefect server with a warm worker that carries between them when it is told to."""

    world: ThreeBillings
    server: PrefectServer
    client: SyncPrefectClient

    def cycle(self) -> FlowRun:
        """The every-minute deployment, once, now; gives the run when it has ended."""
        deployment = self.client.read_deployment_by_name("sync/every-minute")
        return self._ended(self.client.create_flow_run_from_deployment(deployment.id).id)

    def minute(self) -> FlowRun:
        """The next run that the schedule makes by itself, once it has ended; until then the schedule is on."""
        since, end = datetime.now(UTC), time.monotonic() + MINUTE_PATIENCE_S
        deployment = self.client.read_deployment_by_name("sync/every-minute")
        self.client.resume_deployment(deployment.id)
        try:
            while not (found := self._scheduled_after(since, deployment.id)):
                assert time.monotonic() < end, "the schedule made no run"
                time.sleep(0.2)
        finally:
            self.client.pause_deployment(deployment.id)
        return found[0]

    def _scheduled_after(self, since: datetime, deployment: UUID) -> list[FlowRun]:
        """The schedule's own runs that were due after ``since`` and have ended."""
        final = FlowRunFilterState(type=FlowRunFilterStateType(any_=list(TERMINAL_STATES)))
        ended = self.client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
            flow_run_filter=FlowRunFilter(state=final),
        )
        return [run for run in ended if run.auto_scheduled and run.expected_start_time > since]

    def _ended(self, run: UUID) -> FlowRun:
        end = time.monotonic() + PATIENCE_S
        while not (found := self.client.read_flow_run(run)).state.is_final():
            assert time.monotonic() < end, f"{found.name} is {found.state!r}"
            time.sleep(0.1)
        return found

    def settle(self, worker: Any) -> None:
        """Wait until the worker has registered the catalog; then pause every schedule."""
        end = time.monotonic() + PATIENCE_S
        while "nightly" not in {d.name for d in self.client.read_deployments()}:
            assert worker.returncode is None
            assert time.monotonic() < end, "the deployments are not registered"
            time.sleep(0.1)
        for deployment in self.client.read_deployments():
            self.client.pause_deployment(deployment.id)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Made after the browser, so that nothing is started where there is none."""
    home: Path = tmp_path_factory.mktemp("pages")
    with three_billings(home) as world:
        server = PrefectServer(home, environ=test_environ(**world.environ))
        arguments = ("--register", "--wait", "60", "--modules", "flows", "--preload", "flows.sync")
        with server, warm_worker(server, POOL, *arguments) as worker, SyncPrefectClient(server.api) as client:
            house = House(world, server, client)
            house.settle(worker)
            yield house


def sign_in(page: Page, billing: RunningEmulator, login: str) -> None:
    """Be somebody on the emulator's pages."""
    page.goto(f"{billing.base}/")
    page.click(f"#as-{login}")
    expect(page.locator("#who")).to_be_visible()


def test_a_ticket_there_and_its_answer_back_as_people_see_them(browser: Browser, house: House) -> None:
    """What Ivan writes on acme's page Anna reads in main after a cycle, and he her answer after the next."""
    with pages_of(browser) as (page, asked):
        sign_in(page, house.world.acme, "ivan")
        page.click("#new-ticket")
        page.select_option("#department", label="Technical support")
        page.fill("#subject", "Сайт не открывается")
        page.fill("#text", "Помогите 🙏")
        page.click("#send")
        expect(page.locator("#subject-line")).to_contain_text("Сайт не открывается")
        ivans = page.url
        house.cycle()
        sign_in(page, house.world.main, "anna")
        page.locator("#tickets a", has_text=f"[acme #{ivans.rsplit('/', 1)[1]}]").click()
        expect(page.locator("article.client")).to_contain_text("Помогите 🙏")
        page.fill("#text", "Починили, проверьте.")
        page.click("#answer-close")
        expect(page.locator("article.staff")).to_contain_text("Починили")
        house.cycle()
        page.goto(ivans)
        expect(page.locator("article.staff")).to_contain_text("Починили, проверьте.")
        assert set(asked) == {"127.0.0.1"}


def test_the_prefect_ui_shows_the_run_its_plan_and_the_form(browser: Browser, house: House) -> None:
    """The UI shows a scheduled run: state, message, the plan's rows; and backfill's form; it asks no other host."""
    opened = house.world.globex.act(
        as_="maria", do="open", department="Technical support", subject="Почта <b>не</b> идёт", text="Посмотрите"
    )
    run = house.minute()
    with pages_of(browser) as (page, asked):
        see(page, f"{house.server.ui}/runs/flow-run/{run.id}", run.name, "Completed", "2 of 2 billings in order")
        see(
            page, f"{house.server.ui}/artifacts/artifact/{plan_of(house, run)}", "create", opened["ticket"], "Почта ‹b›"
        )
        form = house.client.read_deployment_by_name("backfill/ad-hoc").id
        words = ("nothing is written to the external billing", "Billings", "Since", "Until", "Plan only")
        see(page, f"{house.server.ui}/deployments/deployment/{form}/run", *words)
        assert set(asked) == {"127.0.0.1"}


def fill(page: Page, switch: str, **fields: str) -> None:
    """Switch a form's check box on, which shows its fields, fill them, and save."""
    for name in fields:
        expect(page.locator(f"#{name}")).to_be_hidden()
    page.check(f"#{switch}")
    for name, value in fields.items():
        page.fill(f"#{name}", value)
    save(page)


def save(page: Page) -> None:
    """Submit the form, and see that it was taken."""
    page.click("#save")
    expect(page.locator("#saved")).to_be_visible()


def set_up_main(page: Page, world: ThreeBillings) -> None:
    """In the main billing: External support of the user acme, and where the tickets of its department go."""
    sign_in(page, world.main, "admin")
    page.click("#set-up")
    page.click("#user-acme")
    robot = {"login": "support-robot", "password": password_of("support-robot")}
    fill(page, "external-support", url=world.acme.url, **robot)
    page.click("#list-acme")
    page.click("#add")
    page.fill("#remote", "Technical support")
    page.select_option("#own", label="Outsourced support")
    save(page)


def set_up_external(page: Page, world: ThreeBillings) -> None:
    """In the external billing: where the main one is, the department's check box, the administrator's rights."""
    page.goto(f"{world.acme.base}/setup/settings")
    page.click("#as-admin")
    fill(page, "remote-client", url=world.main.url, login="acme", password=password_of("acme"))
    page.get_by_role("link", name="Departments").click()
    page.get_by_role("link", name="Technical support").click()
    page.check("#remote-department")
    save(page)
    page.get_by_role("link", name="Administrators").click()
    page.click("#functions-support-robot")
    page.check("#internal")
    for function in ("sync", "syncadmticket", "syncdepartments"):
        page.check(f"#{function}")
    save(page)


def command(world: ThreeBillings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``remotesupport`` as a person runs it, for the connection acme."""
    program = [sys.executable, "-m", "remotesupport", *arguments, "--billing", "acme"]
    environ = test_environ(**world.environ)
    return subprocess.run(program, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_a_version_4_is_set_up_by_hand(browser: Browser, tmp_path: Path) -> None:
    """What the document asks for is done in the browser, ``check`` finds it in order, and a row switched off stops."""
    worlds = three_billings(tmp_path, main_version="4.0.68", acme_version="4.0.68", set_up=False)
    with worlds as world, pages_of(browser) as (page, asked):
        set_up_external(page, world)
        set_up_main(page, world)
        checked = command(world, "check", "--json")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        rows = {row["check"]: row["ok"] for row in json.loads(checked.stdout)["connections"][0]["checks"]}
        wanted = ("functions", "external support", "client of remote support", "department flags", "correspondences")
        assert {name: rows[name] for name in wanted} == dict.fromkeys(wanted, True)
        ticket = world.acme.act(as_="ivan", do="open", department="Technical support", subject="s", text="E1")["ticket"]
        for switch, shown, copies in (("Disable", "off", 0), ("Enable", "on", 1)):
            page.get_by_role("button", name=switch).click()
            expect(page.locator("#matches .pill")).to_have_text(shown)
            synced = command(world, "sync")
            assert synced.returncode == 0, synced.stdout + synced.stderr
            assert len(world.copies(f"[acme #{ticket}]")) == copies
        assert set(asked) == {"127.0.0.1"}


def plan_of(house: House, run: FlowRun) -> str:
    """The id of the plan artifact that this run has made."""
    wanted = {"artifacts": {"flow_run_id": {"any_": [str(run.id)]}, "type": {"any_": ["table"]}}}
    (found,) = house.client.request("POST", "/artifacts/filter", json=wanted).json()
    return str(found["id"])


def see(page: Page, address: str, *texts: str) -> None:
    """Open a page and wait until all these texts are seen on it."""
    page.goto(address)
    for text in texts:
        expect(page.locator("body")).to_contain_text(text, timeout=PATIENCE_MS)
