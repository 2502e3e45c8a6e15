"""``remotesupport up`` left alone: the Prefect server's own schedule carries a ticket there and its answer back."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from deployments.prefect_api import NoAnswer, PrefectApi, RunSeen
from deployments.processes import api_url, free_port
from deployments.settings_env import own_login
from tests.prefect_fixtures import test_environ
from tests.three_billings import ThreeBillings, texts, three_billings
from tests.up_process import up_process

pytestmark = pytest.mark.e2e

PATIENCE_S = 240.0  # two minutes of the schedule, and what a busy machine takes to start
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@contextmanager
def up(world: ThreeBillings, port: int) -> Iterator[psutil.Popen]:
    """``up`` as a person starts it; killed at the end whatever happened."""
    environ = test_environ(**world.environ)
    with up_process(world.home, port, environ) as process:
        yield process


def wait_for(what: Callable[[], object], process: psutil.Popen, told: Callable[[], object]) -> None:
    """Wait until it holds; fails with ``told`` when it does not in time, or when ``up`` has ended."""
    end = time.monotonic() + PATIENCE_S
    while not what():
        assert process.poll() is None, told()
        assert time.monotonic() < end, told()
        time.sleep(0.5)


def ended_runs(home: Path, api: str) -> list[RunSeen]:
    """Every run of sync/every-minute that has ended; none while the server comes up."""
    with contextlib.suppress(NoAnswer):
        return PrefectApi(api, own_login(home, api, {})).runs(ENDED)
    return []


def refuses_strangers(root: str) -> None:
    """W9: what ``up`` serves answers nobody without the login but for health, and under no foreign name."""
    assert httpx.get(f"{root}/api/health").status_code == 200
    for path in ("/", "/api/admin/version", "/api/flows/filter", "/openapi.json", "/docs", "/ui-settings"):
        assert httpx.get(root + path).status_code == 401
    assert httpx.get(f"{root}/api/health", headers={"Host": "evil.example"}).status_code == 421


def test_the_schedule_alone_carries_a_ticket_and_its_answer(tmp_path: Path) -> None:
    """Two runs that nobody started complete, one after the other, and both messages have crossed; it listens on
    loopback only and answers no stranger, and Ctrl-C leaves no process behind."""
    with three_billings(tmp_path) as world:
        said = {"as_": "ivan", "do": "open", "department": "Technical support", "subject": "s", "text": "E1"}
        ticket = str(world.acme.act(**said)["ticket"])
        port = free_port()
        api = api_url(port)
        with up(world, port) as process:

            def told() -> str:
                return f"{ended_runs(world.home, api)}\n{(world.home / 'up.log').read_text(encoding='utf-8')}"

            def completed() -> int:
                return sum(run.scheduled and run.state == "Completed" for run in ended_runs(world.home, api))

            wait_for(lambda: completed() >= 1 and world.copies(f"[acme #{ticket}]"), process, told)
            world.main.act(as_="anna", do="reply", ticket=world.copy(f"[acme #{ticket}]"), text="M1")
            wait_for(lambda: completed() >= 2 and "M1" in texts(world.acme, ticket), process, told)
            assert [run for run in ended_runs(world.home, api) if not run.scheduled] == []
            refuses_strangers(f"http://127.0.0.1:{port}")
            children = process.children(recursive=True)
            listening = {c.laddr.ip for p in children for c in p.net_connections("inet") if c.status == "LISTEN"}
            assert listening == {"127.0.0.1"}
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
            assert psutil.wait_procs(children, timeout=5)[1] == []
        assert texts(world.acme, ticket) == ["E1", "M1"]


@pytest.mark.thorough("four minutes of the schedule")
def test_a_slow_main_ends_no_run_from_outside(tmp_path: Path) -> None:
    """A minute's run that goes on beyond its minute ends by itself and names what waits; the runs of the minutes
    beside it go on for the others, and in the end every ticket is in main once."""
    with three_billings(tmp_path) as world:
        port = free_port()
        api = api_url(port)
        with up(world, port) as process:

            def told() -> str:
                return f"{ended_runs(world.home, api)}\n{(world.home / 'up.log').read_text(encoding='utf-8')}"

            def ended(state: str) -> list[RunSeen]:
                return [run for run in ended_runs(world.home, api) if run.scheduled and run.state == state]

            wait_for(lambda: ended("Completed"), process, told)
            world.main.fault(delay_s=15, only="writes")
            opened = {"as_": "ivan", "do": "open", "department": "Technical support", "text": "E1"}
            tickets = [str(world.acme.act(**opened, subject=f"s{n}")["ticket"]) for n in range(24)]
            wait_for(lambda: ended("Failed"), process, told)
            [slow] = ended("Failed")
            assert slow.start is not None
            assert slow.end is not None
            assert 45 < (slow.end - slow.start).total_seconds() < 150
            world.main.fault(clear=True)
            wait_for(lambda: all(world.copies(f"[acme #{t}]") for t in tickets), process, told)
            wait_for(lambda: ended("Completed")[-1:] and len(ended("Failed")) == 1, process, told)
            assert [len(world.copies(f"[acme #{t}]")) for t in tickets] == [1] * len(tickets)
            assert {run.state for run in ended_runs(world.home, api)} == {"Completed", "Failed"}
            assert "its turn did not come" in (world.home / "remotesupport.log").read_text(encoding="utf-8")
