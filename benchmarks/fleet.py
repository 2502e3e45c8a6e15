"""Emulated billings in a process of their own, so that their CPU time is not counted as the product's.

``python -m benchmarks.fleet`` is that process: it prints the addresses as one JSON line and ends when its standard
input does. ``running_fleet`` starts it and ends it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from remotesupport.emulator.billing import Billing
from remotesupport.emulator.running import RunningEmulator
from remotesupport.emulator.seed import password_of
from remotesupport.settings import Settings, load_settings

DEPARTMENT, MAIN_DEPARTMENT, ROBOT = "Technical support", "Outsourced support", "support-robot"


@dataclass(frozen=True, slots=True)
class Fleet:
    """Running billings: ``urls`` by name; ``main`` is the main one, the others are external.

    ``doors``: a client for their side doors.
    """

    urls: dict[str, str]
    doors: httpx.Client

    @property
    def externals(self) -> list[str]:
        """The names of the connections."""
        return [name for name in self.urls if name != "main"]

    def act(self, billing: str, **order: Any) -> dict[str, str]:
        """Something that a person does there; ``as_`` stands for ``as``."""
        answer = self.doors.post(self._door(billing, "act"), json={k.rstrip("_"): v for k, v in order.items()})
        answer.raise_for_status()
        done: dict[str, str] = answer.json()
        return done

    def state(self, billing: str, only: str) -> Any:
        """One part of the billing's state."""
        return self.doors.get(self._door(billing, "state"), params={"only": only}).raise_for_status().json()[only]

    def _door(self, billing: str, what: str) -> str:
        return f"{self.urls[billing].removesuffix('/billmgr')}/_emulator/{what}"


@contextmanager
def running_fleet(externals: Sequence[str], *, tickets: int = 0) -> Iterator[Fleet]:
    """The main billing and ``externals``; ``tickets``: so many old, closed tickets in the department of each."""
    command = [sys.executable, "-m", "benchmarks.fleet", str(tickets), *externals]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the emulated billings did not start (status {process.wait()})")
        try:
            with httpx.Client(timeout=60, trust_env=False) as doors:
                yield Fleet(json.loads(line), doors)
        finally:
            process.communicate()


def configuration(fleet: Fleet, folder: Path, more: str = "", last: str = "") -> tuple[Settings, dict[str, str]]:
    """Settings for the fleet with their state in ``folder``, and the environment in which a process finds them.

    ``more``: a line of the configuration for each connection; ``last``: tables at its end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "remotesupport.toml"
    file.write_text(
        f'[main]\nurl = "{fleet.urls["main"]}"\n'
        + "".join(_external(fleet, n, folder, more) for n in fleet.externals)
        + last
    )
    environ = {"REMOTESUPPORT_HOME": str(folder), "REMOTESUPPORT_CONFIG": str(file)}
    return load_settings(file, environ), environ


def _external(fleet: Fleet, name: str, folder: Path, more: str) -> str:
    return f"""
[[external]]
name = "{name}"
url = "{fleet.urls[name]}"
login = "{ROBOT}"
password = "file:{_secret(folder, ROBOT)}"
main_login = "{name}"
main_password = "file:{_secret(folder, name)}"
timezone = "Europe/Moscow"
{more}
[[external.departments]]
remote = "{DEPARTMENT}"
main = "{MAIN_DEPARTMENT}"
"""


def _secret(folder: Path, login: str) -> Path:
    path = folder.resolve() / f"{login}.secret"
    path.touch(mode=0o600)
    path.write_text(password_of(login))
    return path


def main() -> None:
    """``fleet.py TICKETS NAME …``: serve until standard input ends."""
    tickets, names = int(sys.argv[1]), tuple(sys.argv[2:])
    with ExitStack() as stack:
        urls = {
            name: stack.enter_context(RunningEmulator(_billing(name, names, tickets if name != "main" else 0))).url
            for name in ("main", *names)
        }
        print(json.dumps(urls), flush=True)
        sys.stdin.read()


def _billing(name: str, customers: tuple[str, ...], tickets: int) -> Billing:
    billing = Billing(name, seed=0, tickets=tickets, tickets_of="ivan", customers=customers)
    if tickets:
        home = billing.people.department(DEPARTMENT).id
        with billing.database.transaction():
            billing.database.run("UPDATE ticket SET status = 3, department = ?, responsible = ?", home, home)
            billing.database.run("DELETE FROM assignment")
    return billing


if __name__ == "__main__":
    main()
