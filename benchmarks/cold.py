"""A cold ``remotesupport sync``, from the start of its process to its first request.

Against a process that only imports Prefect, pandas and Great Expectations (what a flow run in a process of its own
pays before it begins), and beside one that only imports httpx and sends a request. The last row is a whole quiet sync
of one connection, from start to end of the process.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.fleet import DEPARTMENT, Fleet, configuration, running_fleet
from benchmarks.measure import Sample, interleaved
from benchmarks.table import Row, Table, against
from remotesupport.store import Store

SYNC = [sys.executable, "-P", "-m", "remotesupport.cli.main", "sync", "--json"]
HEAVY = "importing prefect, pandas, great_expectations"
IMPORTS = [sys.executable, "-W", "ignore", "-c", "import prefect, pandas, great_expectations"]
LIGHT = "import httpx; httpx.post('{url}', timeout=30)"
PATIENCE_S = 60.0


def run(*, quick: bool = False) -> Table:
    """Measure; ``quick``: 1 round, without the heavy imports."""
    rounds = 1 if quick else 5
    with running_fleet(["acme"]) as fleet, tempfile.TemporaryDirectory() as folder, listening() as ear:
        _settings, environ = configuration(fleet, Path(folder, "whole"))
        deaf = replace(fleet, urls=dict.fromkeys(fleet.urls, ear.url))
        early = _Homes(deaf, Path(folder))
        _something_to_know(fleet, environ)
        light = [sys.executable, "-c", LIGHT.format(url=ear.url)]
        candidates = {
            "remotesupport sync, to its first request": lambda: ear.first_request(SYNC, early.fresh()),
            "a whole quiet remotesupport sync": lambda: _whole(SYNC, environ),
            "import httpx, to its first request": lambda: ear.first_request(light, {}),
        }
        if not quick:
            candidates[HEAVY] = lambda: _whole(IMPORTS, {"GX_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"})
        measured = interleaved(candidates, rounds)
    peer = next(reversed(measured))
    rows = tuple(Row(row.name, row.figures, row.ratio) for row in against(peer, measured))
    return Table("A cold sync", peer, rows)


@dataclass(frozen=True, slots=True)
class Ear:
    """A socket that hears the first byte of a request and never answers."""

    socket: socket.socket

    @property
    def url(self) -> str:
        """The address that a billing would have."""
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/billmgr"

    def first_request(self, command: list[str], environ: Mapping[str, str]) -> Sample:
        """Start ``command``, wait for its first request, end it. Raises TimeoutError when none comes."""
        started = time.perf_counter()
        process = _start(command, environ)
        try:
            connection, _address = self.socket.accept()
            with connection:
                connection.recv(1)
                wall = time.perf_counter() - started
        finally:
            os.kill(process.pid, signal.SIGKILL)
            usage = _reaped(process)
        self._hang_up()
        return Sample(wall, usage.ru_utime + usage.ru_stime)

    def _hang_up(self) -> None:
        """Drop what else the process had sent before it ended."""
        self.socket.settimeout(0.05)
        try:
            while True:
                self.socket.accept()[0].close()
        except TimeoutError:
            self.socket.settimeout(PATIENCE_S)


@contextmanager
def listening() -> Iterator[Ear]:
    """An ear on a free loopback port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        yield Ear(listener)


class _Homes:
    """State folders with a store that is up to date; a new one each time, because a killed run leaves its lease."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self._folder, self._made = folder, 0
        self._settings, self._environ = configuration(fleet, folder / "template")
        store = Store.open(self._settings.database_url)
        store.migrate()
        store.close()

    def fresh(self) -> dict[str, str]:
        """The environment for the next process."""
        self._made += 1
        home = shutil.copytree(self._settings.home, self._folder / f"home-{self._made}")
        return {**self._environ, "REMOTESUPPORT_HOME": str(home)}


def _something_to_know(fleet: Fleet, environ: Mapping[str, str]) -> None:
    """One linked ticket, so that the quiet sync has something to leave alone."""
    fleet.act("acme", as_="ivan", do="open", department=DEPARTMENT, subject="Почта", text="Письма не уходят")
    for _ in range(3):
        _whole(SYNC, environ)
        time.sleep(1.1)


def _whole(command: list[str], environ: Mapping[str, str]) -> Sample:
    started = time.perf_counter()
    process = _start(command, environ)
    usage = _reaped(process)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[:5])} ended with status {process.returncode}")
    return Sample(time.perf_counter() - started, usage.ru_utime + usage.ru_stime)


def _reaped(process: subprocess.Popen[bytes]) -> resource.struct_rusage:
    """Wait for its end; what it alone has used."""
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage


def _start(command: list[str], environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env={**inherited, **environ}, **quiet)
