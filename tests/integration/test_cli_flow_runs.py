"""The command line where PREFECT_API_URL names a server: the same commands, seen in its UI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient

from deployments.processes import PrefectServer
from tests.config_text import ONE_CONNECTION, ONE_DEPARTMENT
from tests.emulator_fixtures import password_of, running_emulator

pytest_plugins = ("tests.prefect_fixtures",)

CONFIG = ONE_CONNECTION + ONE_DEPARTMENT

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def command(prefect_server: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """The command between two emulated billings, with one ticket waiting and a server named."""
    folder: Path = tmp_path_factory.mktemp("cli-flows")
    with running_emulator("main") as main, running_emulator("acme") as acme:
        acme.act(as_="ivan", do="open", department="Technical support", subject="Mail", text="It is late")
        (folder / "remotesupport.toml").write_text(CONFIG.format(main=main.url, acme=acme.url), encoding="utf-8")
        environ = os.environ | {
            "REMOTESUPPORT_HOME": str(folder / "state"),
            "PREFECT_API_URL": prefect_server.api,
            "ROBOT": password_of("support-robot"),
            "CUSTOMER": password_of("acme"),
        }

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            program = [sys.executable, "-m", "remotesupport", *arguments]
            return subprocess.run(
                program, check=False, cwd=folder, env=environ, capture_output=True, text=True, timeout=90
            )

        yield run


def billing(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The only billing of the one document on standard output."""
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["billings"][0]
    return found


@pytest.mark.thorough("each command is a process that imports Prefect: half a minute of CPU time")
@pytest.mark.e2e
async def test_commands_are_flow_runs(command: Command, prefect_client: PrefectClient) -> None:
    """sync, audit, apply and backfill do their work as flow runs; plan needs no server."""
    before = {run.id for run in await prefect_client.read_flow_runs()}
    plan = billing(command("plan", "--json"))["plan_id"]
    assert billing(command("apply", plan, "--json"))["written"] == 1
    assert billing(command("sync", "--json"))["written"] == 0
    assert billing(command("audit", "--json"))["state"] == "ok"
    assert billing(command("backfill", "--since", "2026-01-01", "--plan-only", "--json"))["written"] == 0
    flows = {flow.id: flow.name for flow in await prefect_client.read_flows()}
    runs = [run for run in await prefect_client.read_flow_runs() if run.id not in before]
    assert sorted(flows[run.flow_id] for run in runs) == ["apply_plan", "audit", "backfill", "sync"]
    assert {run.state_name for run in runs} == {"Completed"}


@pytest.mark.thorough("a Prefect server of its own; refusals without one are in `make test`")
@pytest.mark.e2e
def test_refusals_are_advice(command: Command) -> None:
    """A flow that refuses is wrong usage with its message, not a traceback."""
    done = command("apply", "p-000000000000")
    assert done.returncode == 2
    assert "there is no plan p-000000000000" in done.stderr
    assert "Traceback" not in done.stderr
