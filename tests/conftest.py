"""What holds for every test: fixed seeds, no settings of the person's own, no telemetry, no network but loopback."""

from __future__ import annotations

import gc
import ipaddress
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

for name in [n for n in os.environ if n.startswith(("REMOTESUPPORT_", "PREFECT_"))]:
    if not name.startswith("REMOTESUPPORT_LIVE_"):
        del os.environ[name]

os.environ |= {
    "PREFECT_HOME": tempfile.mkdtemp(prefix="remotesupport-tests-prefect-"),
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
}

# What a machine forbids for single commands would make each process that a test starts compile our modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# No test fails by luck: each draws the same examples every time, however slow the machine is. New ones: `make soak`.
settings.register_profile(
    "fixed",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fixed")

TESTS = Path(__file__).parent
# Begun last, each of these would keep one worker busy long after the others are done.
LONGEST = (
    "e2e/test_scheduled_minute.py",  # waits more than it works: others go on beside it
    "e2e/test_several_api_servers.py",  # the same
    "integration/test_cli_flow_runs.py",  # and with it all of ON_ONE_SERVER
    "packaging/test_version_bounds.py",
    "e2e/test_demo.py",
    "e2e/test_prefect_up.py",
    "property/test_writing_machine.py",
    "property/test_state_machine.py",
    "e2e/test_state_machine_over_http.py",
    "integration/test_main_job_of_habits.py",
    "integration/test_audit_turn.py",
    "integration/test_plans_beside_the_minute.py",
    "integration/test_first_connection.py",
    "e2e/test_chaos.py",
    "integration/test_fault_table.py",
    "integration/test_two_workers.py",
    "integration/test_crash_matrix.py",
    "integration/test_restored.py",
    "integration/test_nothing_lost.py",
    "property/test_reconcile_laws.py",
    "property/test_restored_laws.py",
    "packaging/test_wheel.py",
)
# On one worker, so that their Prefect servers are started once.
ON_ONE_SERVER = (
    "tests/integration/test_prefect_api.py",
    "tests/integration/test_cli_flow_runs.py",
    "tests/integration/test_live_board.py",
    "tests/integration/test_prefect_flows.py",
    "tests/integration/test_prefect_server.py",
    "tests/integration/test_prefect_worker.py",
    "tests/integration/test_shards_registered.py",
)

# Each of their tests is long, and shares nothing with the others.
ONE_BY_ONE = (
    "tests/property/test_state_machine.py",
    "tests/property/test_writing_machine.py",
    "tests/e2e/test_state_machine_over_http.py",
    "tests/integration/test_crash_matrix.py",
    "tests/integration/test_main_job_of_habits.py",
)

# What tests write and sync to a disk need not reach one: they leave it in memory, where there is room enough.
MEMORY, ROOM = Path("/dev/shm"), 2 * 1024**3
IN_MEMORY = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give this run a folder of its own in memory, unless ``--basetemp`` names one; xdist's workers share it."""
    if config.option.basetemp or hasattr(config, "workerinput"):
        return
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM:
        return
    config.stash[IN_MEMORY] = Path(tempfile.mkdtemp(prefix="remotesupport-tests-", dir=MEMORY))
    config.option.basetemp = str(config.stash[IN_MEMORY] / "run")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the memory back."""
    folder = config.stash.get(IN_MEMORY, None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the rest in the order in which they were found."""
    missing = [name for name in LONGEST if not (TESTS / name).is_file()]
    if missing:
        raise pytest.UsageError(f"tests/conftest.py names files that are not there: {', '.join(missing)}")
    places = {TESTS / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    """What is imported by now stays: the garbage collector need not walk through it hundreds of times."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


class ByFileAndServer(LoadFileScheduling):
    """A worker takes whole files, and all that share a server; or single tests where these are long."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        if file in ONE_BY_ONE:
            return nodeid
        return "on one server" if file in ON_ONE_SERVER else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFileAndServer:
    """How ``-n`` gives tests to workers, whatever ``--dist`` says."""
    return ByFileAndServer(config, log)


class OutsideNetwork(RuntimeError):
    """A test tried to reach another machine."""


def _loopback_only(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or not isinstance(arguments[1], tuple):
        return
    host = str(arguments[1][0])
    try:
        inside = ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        inside = host in ("", "localhost")
    if not inside:
        raise OutsideNetwork(f"tests reach this machine only, not {host}")


if not os.environ.get("REMOTESUPPORT_LIVE_URL"):
    sys.addaudithook(_loopback_only)
