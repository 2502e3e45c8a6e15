"""The production form without an engine: its commands and settings, a real PostgreSQL, two machines' folders."""

from __future__ import annotations

import base64
import os
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from deployments import worker_health
from deployments.processes import api_url, free_port, healthy
from remotesupport.core.connections.shards import number_of
from tests.postgres_server import PostgresServer
from tests.prefect_fixtures import LOGIN, test_environ
from tests.production_form import ask, command_of, crossed, going, once, settings, wait_for
from tests.three_billings import three_billings

pytest_plugins = ("tests.database_fixtures",)
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.thorough("a Prefect server on PostgreSQL, two workers and three minutes of the schedule"),
]
COUNT = next(n for n in range(2, 60) if number_of("acme", n) != number_of("globex", n))


def serves_pages_and_asks_for_the_password(api: str) -> None:
    """The UI is there (its files could be laid), health is anybody's, all else is not."""
    assert httpx.get(f"{api}/health").status_code == 200
    assert httpx.get(f"{api}/ready").status_code == 200
    assert httpx.get(f"{api}/admin/version").status_code == 401
    login = {"Authorization": f"Basic {base64.b64encode(LOGIN.encode()).decode()}"}
    assert httpx.get(f"{api}/admin/version", headers=login).status_code == 200
    page = httpx.get(api.removesuffix("/api") + "/", headers=login, follow_redirects=True)
    assert (page.status_code, "<html" in page.text) == (200, True)


def test_two_machines_share_the_shards_and_one_of_them_is_lost(tmp_path: Path, postgres: PostgresServer) -> None:
    """Tables are made, shards registered and two workers started as in the manifests: both billings' tickets cross by
    the schedule of their shards; when one worker is killed whole, the other one goes on with all of them."""
    store = postgres.new_database()
    prefects = postgres.new_database().replace("+psycopg", "+asyncpg")
    folders = {name: tmp_path / name for name in ("world", "server", "one", "two")}
    for folder in folders.values():
        folder.mkdir()
    port = free_port()
    with ExitStack() as stack:
        world = stack.enter_context(three_billings(folders["world"]))
        config = Path(world.environ["REMOTESUPPORT_CONFIG"])
        config.write_text(config.read_text() + f"\n[scale]\nshards = {COUNT}\n")
        ask(world, "first")
        secret = {
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": prefects, "PREFECT_SERVER_API_AUTH_STRING": LOGIN,
            "PREFECT_SERVER_ENCRYPTION_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
            "PREFECT_SERVER_API_PORT": str(port), "PREFECT_SERVER_UI_API_URL": api_url(port),
        }  # fmt: skip
        server_env = test_environ(**settings("quiet", "server", state=folders["server"]) | secret)
        more = {
            "REMOTESUPPORT_CONFIG": str(config), "REMOTESUPPORT_DATABASE_URL": store,
            "PREFECT_API_AUTH_STRING": LOGIN, "PREFECT_API_URL": api_url(port),
        }  # fmt: skip
        homes = [folders["one"], folders["two"]]
        client_envs = [test_environ(**settings("quiet", "client", state=home) | more) for home in homes]

        made = once(command_of("migrate.yaml", "store"), client_envs[0], folders["one"])
        assert "brought to this version" in made
        once(command_of("migrate.yaml", "prefect"), server_env, folders["server"])
        server = stack.enter_context(going(command_of("server.yaml", "server"), server_env, folders["server"]))
        wait_for(lambda: healthy(api_url(port)), server)
        serves_pages_and_asks_for_the_password(api_url(port))
        assert f"sync/every-minute-{COUNT} " in once(command_of("register.yaml", "register"), client_envs[0], homes[0])
        assert {worker_health.main(home, time.time()) for home in homes} == {1}

        workers = [
            stack.enter_context(going([*command_of("worker.yaml", "worker"), "--name", home.name], env, home))
            for home, env in zip(homes, client_envs, strict=True)
        ]
        wait_for(lambda: crossed(world, "first"), server, *workers)
        wait_for(lambda: {worker_health.main(home, time.time()) for home in homes} == {0}, server, *workers)
        workers[0].kill()
        ask(world, "second")
        wait_for(lambda: crossed(world, "second"), server, workers[1])
