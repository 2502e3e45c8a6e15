"""Several Prefect API servers on one PostgreSQL and one Redis: one of them is lost, and Redis is away for a while."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from deployments.processes import Child, api_url, free_port, healthy
from tests.postgres_server import PostgresServer
from tests.prefect_fixtures import LOGIN, test_environ
from tests.production_form import KUBERNETES, ask, command_of, crossed, going, once, settings, wait_for
from tests.redis_server import redis_server
from tests.three_billings import three_billings

pytest_plugins = ("tests.database_fixtures",)
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.thorough("three processes of Prefect on PostgreSQL and Redis, and five minutes of the schedule"),
]
SEVERAL = KUBERNETES.with_name("kubernetes-several-api-servers")
FOLDERS = ("world", "redis", "services", "a", "b", "one", "two")
TWO_MINUTES_S = 180.0  # two scheduled minutes, and the run in the second one on a machine that does other work


@dataclass(frozen=True)
class Form:
    """Starts the parts of it, each in a folder of its own, until the test ends."""

    stack: ExitStack
    root: Path
    secret: Mapping[str, str]
    client: Mapping[str, str]
    ports: Mapping[str, int]

    def server_env(self, name: str) -> dict[str, str]:
        """What an API server and the background services are told; they differ in ports and folders only."""
        home = self.root / name
        sets = settings("quiet", "server", state=home) | settings("redis", state=home, folder=SEVERAL)
        port = self.ports.get(name, 0)
        own = {"PREFECT_SERVER_API_PORT": str(port), "PREFECT_SERVER_UI_API_URL": api_url(port)} if port else {}
        return test_environ(**sets | self.secret | own)

    def client_env(self, name: str, server: str) -> dict[str, str]:
        """What a worker is told that uses this API server."""
        address = {"PREFECT_API_URL": api_url(self.ports[server])}
        return test_environ(**settings("quiet", "client", state=self.root / name) | self.client | address)

    def server(self, name: str) -> Child:
        """An API server once it is healthy."""
        child = self._going(command_of("api.yaml", "server", SEVERAL), self.server_env(name), name)
        wait_for(lambda: healthy(api_url(self.ports[name])), child)
        return child

    def services(self) -> Child:
        """The process of the background services."""
        return self._going(command_of("services.yaml", "services", SEVERAL), self.server_env("services"), "services")

    def worker(self, name: str, server: str) -> Child:
        """A worker that uses this API server."""
        command = [*command_of("worker.yaml", "worker"), "--name", name]
        return self._going(command, self.client_env(name, server), name)

    def _going(self, command: list[str], environ: Mapping[str, str], name: str) -> Child:
        return self.stack.enter_context(going(command, environ, self.root / name))


def says(child: Child, words: str) -> Callable[[], bool]:
    """Whether its log has these words from now on."""
    assert child.log is not None
    log, begin = child.log, child.log.stat().st_size
    return lambda: words in log.read_bytes()[begin:].decode()


def since(database: str, begin: float) -> set[str]:
    """What Prefect's database has got since then: ``ended`` runs, by their events, and newly ``scheduled`` ones."""
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        found = connection.execute(
            "SELECT 'ended' FROM events WHERE event = 'prefect.flow-run.Completed' AND occurred > to_timestamp(%(t)s)"
            " UNION SELECT 'scheduled' FROM flow_run WHERE auto_scheduled AND created > to_timestamp(%(t)s)",
            {"t": begin},
        ).fetchall()
    return {str(row[0]) for row in found}


def test_an_api_server_is_lost_and_redis_is_away_for_a_while(tmp_path: Path, postgres: PostgresServer) -> None:
    """Tickets cross by the schedule with two API servers, when one of them is killed, and when a Redis that was away,
    and has lost all that it knew, is back; while it is away no run begins, and nothing is carried."""
    store, database = postgres.new_database(), postgres.new_database()
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server(tmp_path / "redis"))
        world = stack.enter_context(three_billings(tmp_path / "world"))
        secret = {
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": database.replace("+psycopg", "+asyncpg"),
            "PREFECT_SERVER_API_AUTH_STRING": LOGIN, "PREFECT_REDIS_MESSAGING_URL": redis.url,
            "PREFECT_SERVER_ENCRYPTION_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        }  # fmt: skip
        client = {
            "REMOTESUPPORT_CONFIG": world.environ["REMOTESUPPORT_CONFIG"], "REMOTESUPPORT_DATABASE_URL": store,
            "PREFECT_API_AUTH_STRING": LOGIN,
        }  # fmt: skip
        form = Form(stack, tmp_path, secret, client, {"a": free_port(), "b": free_port()})

        once(command_of("migrate.yaml", "store"), form.client_env("one", "a"), tmp_path / "one")
        once(command_of("migrate.yaml", "prefect"), form.server_env("services"), tmp_path / "services")
        services, a, b = form.services(), form.server("a"), form.server("b")
        once(command_of("register.yaml", "register"), form.client_env("one", "a"), tmp_path / "one")
        begin = time.time()
        ask(world, "first")
        one, two = form.worker("one", "a"), form.worker("two", "b")
        wait_for(lambda: crossed(world, "first"), services, a, b, one, two)
        wait_for(lambda: "ended" in since(database, begin), services, a, b)

        a.kill()
        ask(world, "second")
        wait_for(lambda: crossed(world, "second"), services, b, two, patience=TWO_MINUTES_S)

        refused = says(b, "redis.exceptions.ConnectionError")
        redis.stop()
        ask(world, "third")
        wait_for(refused, services, b, two)
        assert not crossed(world, "third")
        redis.start()
        back = time.time()
        wait_for(lambda: crossed(world, "third"), services, b, two, patience=TWO_MINUTES_S)
        wait_for(lambda: since(database, back) == {"ended", "scheduled"}, services, b, two, patience=TWO_MINUTES_S)
