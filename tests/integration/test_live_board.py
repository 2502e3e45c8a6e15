"""What a person sees in the Prefect UI when something is wrong: the live board, the run's name, red tasks, its log."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun

from remotesupport.cli.prefect_ui import publish
from tests.cli_here import cli_here
from tests.flow_fixtures import World, artifacts, environ, run, task_names

pytest_plugins = ("tests.prefect_fixtures", "tests.flow_fixtures")

GUARD = 50  # new tickets that a minute may bring without a person's word


async def versions(client: PrefectClient) -> list[Any]:
    """The versions of the board, the oldest first."""
    return sorted(await artifacts(client, "board"), key=lambda a: a.created)


async def red(client: PrefectClient, ended: FlowRun, wanted: str) -> set[str]:
    """The names of the run's task runs that failed, once ``wanted`` is among them."""
    await task_names(client, ended, {wanted})
    only = FlowRunFilter(id=FlowRunFilterId(any_=[ended.id]))
    return {t.name for t in await client.read_task_runs(flow_run_filter=only) if t.state_name == "Failed"}


async def words(client: PrefectClient, ended: FlowRun, wanted: str) -> list[str]:
    """The lines of the run's log, once one begins so (the server gets them later), the oldest first."""
    only = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[ended.id]))
    for _ in range(100):
        lines = [log.message for log in await client.read_logs(only, limit=200)]
        if any(line.startswith(wanted) for line in lines):
            break
        await asyncio.sleep(0.1)
    assert "Traceback" not in "".join(lines)
    assert "NoneType" not in "".join(lines)
    return lines


@pytest.mark.thorough("a Prefect worker of its own; a broken billing that fails the run by name is in `make test`")
async def test_rubbish_of_one_billing_is_red_and_named_and_the_other_goes_on(
    client: PrefectClient, world: World
) -> None:
    """A billing that answers rubbish is a red task run and in the run's name; the other one's ticket crosses."""
    await run(client, "sync/every-minute")
    before = await versions(client)
    world.globex.fault(html=True)
    world.acme.act(as_="ivan", do="open", department="Technical support", subject="Mail", text="No mail")
    try:
        failed = await run(client, "sync/every-minute")
        again = await run(client, "sync/every-minute")
    finally:
        world.globex.fault(clear=True)
    assert failed.name.endswith(" · globex unreachable")
    assert "1 of 2 billings in order, 1 written" in failed.state.message
    assert await red(client, failed, "extract globex") == {"extract globex"}
    assert again.name.endswith(" · globex unreachable")
    new = (await versions(client))[len(before) :]
    assert len(new) == 1
    assert "remotesupport check --billing globex" in new[0].data
    human = "globex: failed: globex (external) in auth: the server sent"
    assert (await words(client, failed, human))[0].startswith(human)


@pytest.mark.thorough("runs of a real worker, eight seconds each; the board and a red task are in `make test`")
async def test_a_guard_stop_is_red_in_the_runs_graph(client: PrefectClient, world: World) -> None:
    """A plan that the guard stops is a red task run and in the run's name; nothing of it is written."""
    for number in range(GUARD + 1):
        world.acme.act(as_="ivan", do="open", department="Technical support", subject=f"{number}", text="Many")
    stopped = await run(client, "sync/every-minute")
    assert " · acme stopped" in stopped.name
    assert "guard acme" in await red(client, stopped, "guard acme")
    assert stopped.state.message.endswith(" 0 written")
    human = "acme: stopped: creates: 51 planned"
    assert any(line.startswith(human) for line in await words(client, stopped, human))


@pytest.mark.thorough("runs of a real worker, eight seconds each; the board and a red task are in `make test`")
async def test_the_command_tells_where_the_board_is(client: PrefectClient, world: World, tmp_path: Path) -> None:
    """`board` prints an address that the server serves: of the server that is named, or of the last `up` here."""
    await run(client, "sync/every-minute")
    home = world.server.home
    named = environ(home) | {"PREFECT_API_URL": world.server.api}
    address = f"{world.server.ui}/artifacts/key/board"
    shown = cli_here("board", cwd=home, environ=named)
    assert shown.returncode == 0, shown.stderr
    newest = (await versions(client))[-1].id
    assert shown.stdout == f"{world.server.ui}/artifacts/artifact/{newest}\n"
    publish(home, world.server.api)
    found = json.loads(cli_here("board", "--json", cwd=home, environ=environ(home)).stdout)
    assert (found["board"], found["page"]) == (address, shown.stdout.strip())
    elsewhere = environ(tmp_path) | {"REMOTESUPPORT_CONFIG": named["REMOTESUPPORT_CONFIG"]}
    unknown = cli_here("board", cwd=home, environ=elsewhere)
    assert (unknown.returncode, "remotesupport status" in unknown.stderr) == (1, True)


@pytest.mark.thorough("runs of a real worker, eight seconds each; the board and a red task are in `make test`")
async def test_the_last_runs_have_their_pages(client: PrefectClient, world: World) -> None:
    """`runs` gives the page of each flow run in the UI."""
    done = await run(client, "sync/every-minute")
    named = environ(world.server.home) | {"PREFECT_API_URL": world.server.api}
    (newest,) = json.loads(cli_here("runs", "--last", "1", "--json", cwd=world.server.home, environ=named).stdout)[
        "runs"
    ]
    assert newest["url"] == f"{world.server.ui}/runs/flow-run/{done.id}"
