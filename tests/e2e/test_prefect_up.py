"""``remotesupport up`` as a person starts it: one process tree that works, heals and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from prefect.client.orchestration import PrefectClient

from deployments.processes import api_url, free_port, port_is_free
from deployments.settings_env import auth_string
from tests.prefect_fixtures import test_environ, until
from tests.up_process import up_process

pytestmark = pytest.mark.e2e

CONFIG = """
[main]
url = "http://127.0.0.1:9/billmgr"
"""
PATIENCE_S = 90.0


def wait_for(what: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Wait until it holds; fails when it does not in time."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


@contextmanager
def up(home: Path, port: int) -> Iterator[psutil.Popen]:
    """``up`` with a configuration of no connections; killed at the end whatever happened."""
    (home / "remotesupport.toml").write_text(CONFIG)
    environ = test_environ(REMOTESUPPORT_HOME=str(home), REMOTESUPPORT_CONFIG=str(home / "remotesupport.toml"))
    with up_process(home, port, environ) as process:
        yield process


def family(process: psutil.Popen) -> list[psutil.Process]:
    """The server, the worker and the bell, once all are there."""
    wait_for(lambda: len(process.children(recursive=True)) == 3)
    return process.children(recursive=True)


def assert_gone(processes: list[psutil.Process], port: int, seconds: float) -> None:
    """None of them is left, and the port is free."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    assert alive == []
    wait_for(lambda: port_is_free(port), 5)


def worker_of(process: psutil.Popen) -> psutil.Process | None:
    """The worker's process, None while it is down."""
    for child in process.children():
        with contextlib.suppress(psutil.Error):  # it may just be dying
            if "deployments.worker_main" in child.cmdline():
                return child
    return None


@pytest.mark.thorough(
    "two workers import everything, one after the other. In `make test`: scheduled runs and Ctrl-C of a real `up`, and "
    "restarts of a child that stands in for worker and server. Only here: a worker that was killed is replaced by one "
    "that works"
)
async def test_up_works_heals_and_ends_in_order(tmp_path: Path) -> None:
    """A run completes; a killed worker is replaced and works; SIGINT ends all within 10 s with status 0."""
    port = free_port()
    with up(tmp_path, port) as process:
        children = family(process)
        wait_for(lambda: b"Prefect UI" in (tmp_path / "up.log").read_bytes())
        async with PrefectClient(api_url(port), auth_string=auth_string(tmp_path)) as client:
            await a_run_completes(client)
            first = worker_of(process)
            assert first is not None
            first.kill()
            wait_for(lambda: worker_of(process) not in (None, first))
            await a_run_completes(client)
            assert [s.active for s in (await client.read_deployment_by_name("sync/every-minute")).schedules] == [True]
        listening = {c.laddr.ip for p in process.children() for c in p.net_connections("inet") if c.status == "LISTEN"}
        assert listening == {"127.0.0.1"}
        children = [*children, *process.children(recursive=True)]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert_gone(children, port, 1)


async def a_run_completes(client: PrefectClient) -> None:
    """The every-minute deployment, started by hand, is done by the worker."""
    for _ in range(600):
        registered = {d.name for d in await client.read_deployments()}
        if "nightly" in registered:
            break
        await asyncio.sleep(0.1)
    deployment = await client.read_deployment_by_name("sync/every-minute")
    run = await client.create_flow_run_from_deployment(deployment.id)
    done = await until(client, run.id, "Completed", "Failed", "Crashed")
    assert done.state_name == "Completed", done.state.message


def test_a_killed_up_leaves_nothing(tmp_path: Path) -> None:
    """SIGKILL of the parent ends server and worker, too."""
    port = free_port()
    with up(tmp_path, port) as process:
        children = family(process)
        process.kill()
        assert_gone(children, port, 5)


@pytest.mark.thorough("two seconds of CPU time; a killed `up` that leaves nothing is in `make test`")
def test_a_second_signal_ends_everything_at_once(tmp_path: Path) -> None:
    """An impatient person who presses Ctrl-C twice leaves nothing behind either, whatever was starting."""
    port = free_port()
    with up(tmp_path, port) as process:
        children = family(process)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        assert process.wait(6) == 0
        assert_gone(children, port, 1)


def test_a_taken_port_is_said_with_the_cure(tmp_path: Path) -> None:
    """When something listens on the port already, ``up`` ends with advice and starts nothing."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with up(tmp_path, taken.getsockname()[1]) as process:
            assert process.wait(30) == 1
    assert "choose another with --port" in (tmp_path / "up.log").read_text()
