"""``up`` over a Prefect API that answers and never runs anything: it says so and ends."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from deployments.catalog import sync_names
from deployments.minding import Minder, NothingRuns
from deployments.prefect_api import NoAnswer, PrefectApi
from deployments.processes import Child, free_port, python
from deployments.schedule import look
from deployments.server_errors import ServerErrors
from deployments.supervise import Kept
from deployments.watchdog import Schedule
from tests.prefect_fixtures import test_environ
from tests.receivers import hook

ON = {"paused": False, "schedules": [{"active": True}]}
OFF = {"paused": False, "schedules": [{"active": False}]}
ONE = "every-minute"
CONFIG = '[main]\nurl = "http://127.0.0.1:9/billmgr"\n'


class Api(BaseHTTPRequestHandler):
    """As much of the Prefect API as is asked for; ``runs`` is what a filter finds."""

    deployments: ClassVar[dict[str, dict[str, Any]]] = {"every-minute": ON}
    pool: ClassVar[dict[str, Any]] = {}
    runs: ClassVar[list[dict[str, Any]]] = []

    def do_GET(self) -> None:
        """Health, the pool; no CSRF token."""
        self._answer(self.pool if self.path.startswith("/api/work_pools/") else {"/api/health": True}.get(self.path))

    def do_POST(self) -> None:
        """A filter."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/deployments/filter":
            names = body["deployments"]["name"]["any_"]
            known = {name: self.deployments[name] for name in names if name in self.deployments}
            self._answer([{"id": f"id of {name}", "name": name, **about} for name, about in known.items()])
            return
        wanted = body["flow_runs"]["state"]["type"]["any_"] if "flow_runs" in body else []
        self._answer([run for run in self.runs if run["state"]["type"] in wanted])

    def _answer(self, value: object) -> None:
        text = json.dumps(value).encode()
        self.send_response(404 if value is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def api() -> Iterator[tuple[type[Api], str]]:
    """The handler's class, to set its answers, and the address."""
    handler = type("OneApi", (Api,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_address[1]}/api"
    server.shutdown()
    thread.join()
    server.server_close()


def run(number: int, state: str, **more: Any) -> dict[str, Any]:
    """A flow run as the API shows it."""
    times = {"expected_start_time": "2026-11-28T05:39:00Z", "start_time": None, "end_time": None}
    about = {"id": f"run-{number}", "name": f"sync {number}", "auto_scheduled": True, "deployment_id": f"id of {ONE}"}
    return {**about, "state_name": state.title(), "state": {"type": state, "message": None}, **times, **more}


def test_up_ends_with_1_where_nothing_is_ever_run(api: tuple[type[Api], str], tmp_path: Path) -> None:
    """With a Prefect server that schedules nothing `up` says so, and what to do, also in its log, and ends."""
    (tmp_path / "remotesupport.toml").write_text(CONFIG)
    environ = test_environ(
        REMOTESUPPORT_HOME=str(tmp_path), REMOTESUPPORT_CONFIG=str(tmp_path / "remotesupport.toml"),
        PREFECT_API_URL=api[1], REMOTESUPPORT_UP_PATIENCE_S="1",
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "remotesupport.cli.main", "up"],
        env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    said = "No scheduled run has begun for 1 s: the Prefect server schedules no run"
    assert done.returncode == 1, done.stderr
    assert said in done.stderr
    assert "requirements/runtime.txt" in done.stderr
    assert said in (tmp_path / "remotesupport.log").read_text()


@pytest.mark.thorough("twenty seconds of waiting; that `up` ends where nothing runs is in `make test`")
def test_up_tells_the_receivers_that_no_run_begins(api: tuple[type[Api], str], tmp_path: Path) -> None:
    """`up` tells each receiver itself, with the cause, before it ends because nothing runs: no automation could."""
    with hook() as web:
        text = CONFIG + '[[alerts.receivers]]\nname = "ops"\nkind = "webhook"\nurl = "env:OPS"\n'
        (tmp_path / "remotesupport.toml").write_text(text)
        environ = test_environ(
            REMOTESUPPORT_HOME=str(tmp_path), REMOTESUPPORT_CONFIG=str(tmp_path / "remotesupport.toml"),
            PREFECT_API_URL=api[1], REMOTESUPPORT_UP_PATIENCE_S="1", OPS=web.url,
        )  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "remotesupport.cli.main", "up"],
            env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 1, done.stderr
    (told,) = web.got
    assert told["subject"] == "remotesupport: no run begins, nothing is carried over"
    assert "the Prefect server schedules no run" in told["text"]
    assert "What to do: " in told["text"]
    assert (tmp_path / "alerts.missed").exists()  # the next `up` tells the end of it


def test_a_server_of_our_own_is_started_again_once(tmp_path: Path) -> None:
    """Worker and server are started again when nothing runs; when that does not help, that is the end."""
    child = Child(python("http.server", "--bind", "127.0.0.1", str(free_port())), test_environ(), tmp_path)
    log, said, shouted = tmp_path / "server.log", list[str](), list[str]()
    log.write_text("x.SomeError: the scheduler is broken\n")
    kept = Kept("The Prefect server", child, said.append)
    kept.start()
    before = child.pid
    minder = Minder(
        lambda: {ONE: Schedule(registered=True)}, ServerErrors(log), [kept],
        say=said.append, shout=shouted.append, patience=5, every=1,
    )  # fmt: skip
    try:
        now = time.monotonic()
        minder.tend(now)
        assert shouted == []
        minder.tend(now + 10)
        assert child.pid != before
        assert child.returncode is None
        assert "Last error of the server: x.SomeError: the scheduler is broken" in shouted[0]
        with pytest.raises(NothingRuns, match="started again already, which did not help"):
            minder.tend(now + 20)
        assert said == ["The Prefect server's own services have a new error: x.SomeError: the scheduler is broken"]
        assert "1 error(s) of 1 kind(s)" in minder.summary()
    finally:
        child.stop(2)


def test_a_killed_child_is_replaced(tmp_path: Path) -> None:
    """What ends by itself is said and started again after a pause, and lives."""
    child = Child(python("http.server", "--bind", "127.0.0.1", str(free_port())), test_environ(), tmp_path)
    said = list[str]()
    kept = Kept("The worker", child, said.append)
    kept.start()
    first, now = child.pid, time.monotonic()
    try:
        kept.tend(now)
        assert child.pid == first
        child.kill()
        assert child.wait(10) is not None
        kept.tend(now)
        assert said == ["The worker ended (status -9); it starts again in 2 s"]
        kept.tend(now + 1)
        assert child.returncode is not None
        kept.tend(now + 3)
        assert (child.pid != first, child.returncode) == (True, None)
    finally:
        child.stop(2)


def test_the_schedule_is_read_as_the_server_shows_it(api: tuple[type[Api], str]) -> None:
    """Runs that go on, that are ahead and overdue, pauses of schedule and pool, and a deployment that is not there."""
    handler, url = api
    client = PrefectApi(url, {})
    assert look(client, "pool") == {ONE: Schedule(registered=True)}
    handler.runs = [
        run(3, "RUNNING", start_time="2026-11-28T05:39:00Z"),
        run(2, "COMPLETED", start_time="2026-11-28T05:38:00Z", end_time="2026-11-28T05:38:05Z"),
        run(4, "SCHEDULED"), run(5, "SCHEDULED", expected_start_time="2999-01-01T00:00:00Z"),
    ]  # fmt: skip
    seen = one(look(client, "pool"))
    assert (seen.newest, seen.ahead, seen.overdue, seen.paused) == ("run-3", 1, 1, False)
    assert seen.running_s is not None
    assert seen.running_s > 0
    handler.pool = {"is_paused": True}
    assert one(look(client, "pool")).paused
    handler.pool, handler.deployments = {}, {ONE: OFF}
    assert one(look(client, "pool")).paused
    handler.deployments = {}
    assert look(client, "pool") == {ONE: Schedule(registered=False)}


def one(seen: dict[str, Schedule] | None) -> Schedule:
    """The schedule of the only deployment."""
    assert seen is not None
    return seen[ONE]


def test_each_shard_has_a_schedule_of_its_own(api: tuple[type[Api], str]) -> None:
    """Of three shards one runs, one is paused and one is not there: each is seen as what it is."""
    handler, url = api
    handler.deployments = {ONE: ON, f"{ONE}-2": OFF}
    handler.runs = [run(3, "RUNNING", start_time="2026-11-28T05:39:00Z"), run(4, "SCHEDULED")]
    seen = look(PrefectApi(url, {}), "pool", sync_names(3))
    assert seen is not None
    assert {name: (s.registered, s.paused, s.newest, s.overdue) for name, s in seen.items()} == {
        ONE: (True, False, "run-3", 1), f"{ONE}-2": (True, True, "", 0), f"{ONE}-3": (False, False, "", 0)
    }  # fmt: skip


def test_a_shard_that_stands_still_is_named_and_the_others_go_on() -> None:
    """Nothing ends because of one shard of two: it is named each time that patience is over; when both stand still,
    that is the end."""
    names, shouted = sync_names(2), list[str]()
    runs = {names[0]: 0, names[1]: 0}

    def seen() -> dict[str, Schedule]:
        return {name: Schedule(registered=True, newest=f"run {runs[name]}") for name in names}

    minder = Minder(seen, None, [], say=shouted.append, shout=shouted.append, patience=100, every=10, names=names)
    now = time.monotonic()
    for ten in range(1, 31):
        runs[names[0]] += 1
        minder.tend(now + 10 * ten)
    assert [words.partition(":")[0] for words in shouted] == [
        "No scheduled run of every-minute-2 has begun for 100 s"
    ] * 2
    assert all("The other shards go on." in words for words in shouted)
    for ten in range(31, 40):
        minder.tend(now + 10 * ten)
    with pytest.raises(NothingRuns, match="of every-minute, every-minute-2 has begun"):
        minder.tend(now + 400)


def test_a_server_that_is_not_there_is_no_answer() -> None:
    """A refused connection is an error with the address, and no look."""
    client = PrefectApi(f"http://127.0.0.1:{free_port()}/api", {})
    assert look(client, "pool") is None
    with pytest.raises(NoAnswer, match="does not answer"):
        client.get("/health")


def test_an_answer_that_is_cut_off_is_no_answer() -> None:
    """A server that dies in the middle of an answer is as silent as one that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/api"

        def half() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

        thread = threading.Thread(target=half)
        thread.start()
        with pytest.raises(NoAnswer, match="does not answer"):
            PrefectApi(address, {}).get("/health")
        thread.join()
