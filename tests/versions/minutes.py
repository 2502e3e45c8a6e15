"""``remotesupport up`` of some environment between emulated billings, left alone until its own schedule has run twice.

Nobody starts a run here: the runs that count are those that the Prefect server scheduled by itself.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployments.processes import api_url, free_port
from tests.three_billings import three_billings

RUNS = 2
PATIENCE_S = 300.0
LINES = 25  # of each log, when it did not work
WRONG = ("FAILED", "CRASHED")


class StoodStill(AssertionError):
    """The scheduled minutes did not come, or did not do their work. The message has the last lines of the logs."""


def scheduled_minutes(programs: Path, folder: Path) -> list[str]:
    """Wait for the runs → their names. A client's ticket is in the main billing by then."""
    home = folder / "home"
    home.mkdir()
    with three_billings(home) as world:
        opened = world.acme.act(
            as_="ivan", do="open", department="Technical support", subject="Mail", text="It is late"
        )
        with _up(programs, home, world.environ) as (process, api):
            runs = _completed(process, api, home)
        if process.returncode:
            raise StoodStill(f"`remotesupport up` ended with status {process.returncode}\n{_logs(home)}")
        if len(world.copies(f"[acme #{opened['ticket']}]")) != 1:
            raise StoodStill(f"the runs completed, and the client's ticket is not in the main billing\n{_logs(home)}")
    return runs


@contextmanager
def _up(programs: Path, home: Path, environ: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """``up`` and the address of its API; ended by Ctrl-C's signal."""
    port = free_port()
    command = [str(programs / "remotesupport"), "up", "--port", str(port)]
    plain = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    with (home / "up.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=home, env={**plain, "HOME": str(home), **environ}, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield process, api_url(port)
        process.send_signal(signal.SIGINT)
        process.wait(30)
    finally:
        process.kill()  # its children die with it
        process.wait()


def _completed(process: subprocess.Popen[bytes], api: str, home: Path) -> list[str]:
    end = time.monotonic() + PATIENCE_S
    while True:
        runs = _runs(api, home)
        done = [run["name"] for run in runs if run["state_type"] == "COMPLETED"]
        wrong = [f"{run['name']}: {run['state']['message']}" for run in runs if run["state_type"] in WRONG]
        if wrong:
            raise StoodStill(f"a scheduled run went wrong: {'; '.join(wrong)}\n{_logs(home)}")
        if len(done) >= RUNS:
            return done
        if process.poll() is not None:
            raise StoodStill(f"`remotesupport up` ended with status {process.returncode}\n{_logs(home)}")
        if time.monotonic() > end:
            raise StoodStill(f"{len(done)} scheduled runs completed in {PATIENCE_S:.0f} s, not {RUNS}\n{_logs(home)}")
        time.sleep(1)


def _runs(api: str, home: Path) -> list[dict[str, Any]]:
    """Runs of the every-minute deployment that the server's schedule made; none while the server does not answer."""
    wanted = {"flows": {"name": {"any_": ["sync"]}}, "deployments": {"name": {"any_": ["every-minute"]}}}
    client = uuid.uuid4().hex
    try:
        login = base64.b64encode((home / "prefect" / "login.txt").read_bytes().strip()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {login}"}
        token = _asked(urllib.request.Request(f"{api}/csrf-token?client={client}", headers=headers))["token"]
        headers |= {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": client}
        body = json.dumps(wanted | {"sort": "EXPECTED_START_TIME_ASC"}).encode()
        runs = _asked(urllib.request.Request(f"{api}/flow_runs/filter", data=body, headers=headers))
    except (urllib.error.URLError, OSError):
        return []
    return [run for run in runs if run["auto_scheduled"]]


def _asked(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def _logs(home: Path) -> str:
    logs = (home / "up.log", home / "prefect" / "server.log", home / "remotesupport.log")
    return "\n".join(f"--- the end of {log.name}\n{_end(log)}" for log in logs if log.is_file())


def _end(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LINES:])
