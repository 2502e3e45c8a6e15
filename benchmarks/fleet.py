"""Emulated billings in a process of their own, so that their CPU time is not counted as the product's.

``python -m benchmarks.fleet`` is that process: it prints the addresses as one JSON line and ends when its standard
input does. ``running_fleet`` starts it and ends it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from remotesupport.emulator.billing import Billing
from remotesupport.emulator.listening import ListeningServer, bound
from remotesupport.emulator.running import configured
from remotesupport.emulator.seed import password_of
from remotesupport.emulator.server import application
from remotesupport.settings import Settings, load_settings

DEPARTMENT, MAIN_DEPARTMENT, ROBOT = "Technical support", "Outsourced support", "support-robot"
HOST = "127.0.0.1"


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
    billings = {name: _billing(name, names, tickets if name != "main" else 0) for name in ("main", *names)}
    with _served(billings) as ports:
        print(json.dumps({name: f"http://{HOST}:{port}/billmgr" for name, port in ports.items()}), flush=True)
        sys.stdin.read()


@contextmanager
def _served(billings: Mapping[str, Billing]) -> Iterator[dict[str, int]]:
    """Each billing on a port of its own, all by one server: a thousand servers that rest would fill a core.

    → the ports by name.
    """
    sockets = {name: bound(HOST, 0) for name in billings}
    port_of = {name: at.getsockname()[1] for name, at in sockets.items()}
    apps = {port_of[name]: application(billing, allow_remote=False) for name, billing in billings.items()}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await apps[scope["server"][1]](scope, receive, send)

    server = ListeningServer(configured(app))
    thread = threading.Thread(target=server.run, args=([*sockets.values()],), daemon=True)
    thread.start()
    if not server.listening.wait(60):
        raise RuntimeError("the emulated billings do not listen")
    try:
        yield port_of
    finally:
        server.should_exit = True
        thread.join(30)
        for billing in billings.values():
            billing.close()


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
