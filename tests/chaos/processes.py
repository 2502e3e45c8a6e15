"""``remotesupport up`` and single ``remotesupport sync`` as processes, some of which are killed."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil

from deployments.processes import free_port
from tests.prefect_fixtures import test_environ
from tests.three_billings import ThreeBillings

_CLI = (sys.executable, "-m", "remotesupport.cli.main")
_ENDED = """
    SELECT flow_run.state_name, count(*) FROM flow_run JOIN deployment ON deployment.id = flow_run.deployment_id
    WHERE deployment.name = 'every-minute' AND flow_run.auto_scheduled
      AND flow_run.state_type IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')
    GROUP BY flow_run.state_name
"""


class Processes:
    """The tree of ``up`` and one ``sync`` at a time; only what was started here is ever killed, by its pid."""

    def __init__(self, world: ThreeBillings, chance: random.Random) -> None:
        self.home: Path = world.home
        self.chance = chance
        self.environ = test_environ(**world.environ)
        self.up: psutil.Popen
        self.killed = {"worker": 0, "server": 0, "bell": 0, "sync": 0}
        self.syncs = 0
        self.log = (self.home / "chaos.log").open("ab")
        self.ups = 0
        self.keep_up()
        self.sync: psutil.Popen | None = None

    def _start(self, *words: str) -> psutil.Popen:
        command = [*_CLI, *words]
        return psutil.Popen(command, env=self.environ, cwd=self.home, stdout=self.log, stderr=subprocess.STDOUT)

    def keep_up(self) -> None:
        """Start ``up`` again where it has ended, as a service manager does: killed while it starts, it gives up."""
        if not self.ups or self.up.poll() is not None:
            self.up = self._start("up", "--port", str(free_port()))
            self.ups += 1

    def sync_now(self) -> None:
        """One more run beside the scheduled ones, unless one is under way."""
        if self.sync is None or self.sync.poll() is not None:
            self.sync = self._start("sync")
            self.syncs += 1

    def kill_one(self) -> str:
        """SIGKILL the worker, the Prefect server or the run from the command line; says which.

        A killed run keeps its lease for 45 s, so the last is chosen less often: else hardly anything would be written.
        """
        found = {}
        if self.sync is not None and self.sync.poll() is None and self.chance.random() < 0.4:
            found["sync"] = self.sync
        for child in self.up.children():
            with contextlib.suppress(psutil.Error):  # it may just be dying
                found[_name_of(child)] = child
        if not found:
            return ""
        name = self.chance.choice(sorted(found))
        with contextlib.suppress(psutil.Error):
            found[name].kill()
        self.killed[name] += 1
        return name

    def end(self) -> int:
        """End all of it; the status with which ``up`` ended."""
        if self.sync is not None:
            self.sync.wait(90)
        self.up.terminate()
        try:
            return int(self.up.wait(30))
        except psutil.TimeoutExpired:
            for child in self.up.children(recursive=True):
                child.kill()
            self.up.kill()
            return int(self.up.wait(10))
        finally:
            self.log.close()


def _name_of(child: psutil.Process) -> str:
    modules = {"deployments.worker_main": "worker", "deployments.bell.main": "bell"}
    return next((name for module, name in modules.items() if module in child.cmdline()), "server")


def scheduled_runs(home: Path) -> Counter[str]:
    """How the runs of the every-minute schedule ended, by their state, over all servers that ``up`` has had.

    Read from the Prefect server's database in the state folder, so that it is known while no server answers, too.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"file:{home}/prefect/prefect.db?mode=ro", uri=True)) as database:
            return Counter({str(state): int(number) for state, number in database.execute(_ENDED)})
    except sqlite3.OperationalError:  # there is none yet, or it is being made
        return Counter()
