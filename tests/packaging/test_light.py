"""What a quiet minute may cost: the heavy libraries stay out of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli_here import cli_here
from tests.config_text import ONE_CONNECTION, ONE_DEPARTMENT
from tests.emulator_fixtures import password_of, running_emulator

CONFIG = ONE_CONNECTION + ONE_DEPARTMENT
LOADED = """
import sys
from remotesupport.cli.main import main
status = main(sys.argv[1:])
print(*sorted({"great_expectations", "prefect"} & set(sys.modules)), file=sys.stderr)
sys.exit(status)
"""


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Two emulated billings in agreement: how to run a command on them."""
    folder: Path = tmp_path_factory.mktemp("light")
    with running_emulator("main") as main, running_emulator("acme") as acme:
        acme.act(as_="ivan", do="open", department="Technical support", subject="Mail", text="It is late")
        (folder / "remotesupport.toml").write_text(CONFIG.format(main=main.url, acme=acme.url), encoding="utf-8")
        environ = os.environ | {
            "REMOTESUPPORT_HOME": str(folder / "state"),
            "ROBOT": password_of("support-robot"),
            "CUSTOMER": password_of("acme"),
        }
        settle(folder, environ)
        yield {"cwd": folder, "env": environ, "capture_output": True, "text": True, "timeout": 90}


def settle(folder: Path, environ: dict[str, str]) -> None:
    """Sync until nothing is read any more: a thread is read again while it is fresh."""
    for _ in range(200):
        done = cli_here("sync", "--json", cwd=folder, environ=environ)
        assert done.returncode == 0, done.stderr
        if not json.loads(done.stdout)["billings"][0]["read"]["messages"]:
            return
    raise AssertionError("the sync never settles")


PLAN = pytest.mark.thorough("a process each; the sync, which reads and plans as well, is in `make test`")


@pytest.mark.parametrize("command", ["sync", *(pytest.param(each, marks=PLAN) for each in ("plan", "status"))])
def test_a_quiet_minute_is_light(settled: dict[str, Any], command: str) -> None:
    """A quiet sync, plan or status from the command line imports neither great_expectations nor Prefect."""
    done = subprocess.run([sys.executable, "-c", LOADED, command, "--json"], check=False, **settled)
    assert done.returncode == 0, done.stderr
    assert done.stderr.split() == []
    (billing,) = json.loads(done.stdout)["billings"]
    assert billing["name"] == "acme"
