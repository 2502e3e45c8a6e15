"""The server that ``up`` starts: on loopback, quiet, closed to other origins, with the deployments registered once."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest
from prefect.client.orchestration import PrefectClient

from deployments import settings_env
from deployments.catalog import CATALOG
from deployments.processes import PrefectServer, StartError, python
from tests.prefect_fixtures import LOGIN, ROOT, test_environ

pytest_plugins = ("tests.prefect_fixtures",)

ORIGIN = "https://evil.example"


def get(url: str, data: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a request on this machine."""
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    request = urllib.request.Request(url, data=data, headers=named)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def command(server: PrefectServer, *argv: str, cwd: Path | None = None) -> str:
    """The output of a command that talks to the server."""
    done = subprocess.run(
        argv, env=server.client_env, cwd=cwd or server.home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_server_listens_on_loopback_only(prefect_server: PrefectServer) -> None:
    """Every address that the server listens on is 127.0.0.1, and it connects to nowhere else."""
    connections = psutil.Process(prefect_server.child.pid).net_connections("inet")
    assert {c.laddr.ip for c in connections} == {"127.0.0.1"}
    assert {c.raddr.ip for c in connections if c.raddr} <= {"127.0.0.1"}


def test_the_server_is_one_process_in_the_state_folder(prefect_server: PrefectServer) -> None:
    """One process, its database and log inside the state folder, nothing readable by others."""
    assert psutil.Process(prefect_server.child.pid).children() == []
    folder = prefect_server.home / "prefect"
    assert (folder / "prefect.db").is_file()
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "encryption.key").stat().st_mode & 0o077 == 0


def test_other_origins_are_refused(prefect_server: PrefectServer) -> None:
    """A page of another origin is not allowed to read the API; our own is."""
    _, foreign, _ = get(f"{prefect_server.api}/health", Origin=ORIGIN)
    _, own, _ = get(f"{prefect_server.api}/health", Origin=prefect_server.ui)
    assert "access-control-allow-origin" not in {k.lower() for k in foreign}
    assert {k.lower(): v for k, v in own.items()}["access-control-allow-origin"] == prefect_server.ui


def test_a_write_without_a_token_is_refused(prefect_server: PrefectServer) -> None:
    """A form on another page cannot write: without a CSRF token the API answers 403."""
    body = json.dumps({"name": "forged"}).encode()
    status, _, _ = get(f"{prefect_server.api}/flows/", data=body, Content_Type="application/json")
    assert status == 403


def test_the_ui_talks_to_this_server_and_to_no_other(prefect_server: PrefectServer) -> None:
    """The UI calls the server's own port, is V1, and shows no promotion."""
    _, _, body = get(f"{prefect_server.ui}/ui-settings")
    settings = json.loads(body)
    assert settings["api_url"] == prefect_server.api
    assert settings.get("default_ui", "v1") == "v1"


def test_telemetry_is_off_whatever_the_person_set(tmp_path: Path) -> None:
    """Analytics cannot be switched on by inherited settings; a database, a retention or an origin can be chosen."""
    chosen = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "true",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": "864000",
        "ACME_PASSWORD": "not-for-the-server",
        "PREFECT_API_URL": "http://127.0.0.1:1/api",
    }
    env = settings_env.server_env(tmp_path, 4299, chosen)
    assert env["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert env["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] == "false"
    assert env["DO_NOT_TRACK"] == "1"
    assert env["PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD"] == "864000"
    assert "ACME_PASSWORD" not in env
    assert "PREFECT_API_URL" not in env


def test_prefect_understands_every_setting(prefect_server: PrefectServer) -> None:
    """Prefect itself reads the settings as meant: retention of runs and events, leases on disk, closed origins."""
    program = (
        "from prefect.settings import get_current_settings as g; s = g().server; v = s.services.db_vacuum\n"
        "print(sorted(v.enabled_vacuum_types), v.retention_period.days, s.events.retention_period.days,"
        " s.concurrency.lease_storage, s.api.csrf_protection_enabled, s.analytics_enabled, s.ui.v2_enabled,"
        " s.ui.show_promotional_content, s.ephemeral.enabled, s.api.port)"
    )
    env = settings_env.server_env(prefect_server.home, prefect_server.port, test_environ())
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "['events', 'flow_runs', 'orphans'] 3 1 prefect.server.concurrency.lease_storage.filesystem"
        f" True False False False False {prefect_server.port}"
    )


@pytest.mark.thorough("a process that imports Prefect and all flows; a client with the password is in `make test`")
def test_the_auth_string_is_honoured(locked_server: PrefectServer) -> None:
    """With PREFECT_SERVER_API_AUTH_STRING set, nothing but health is answered without it; our clients have it."""
    token = base64.b64encode(LOGIN.encode()).decode()
    url = f"{locked_server.api}/admin/version"
    assert get(url)[0] == 401
    assert get(url, Authorization=f"Basic {token}")[0] == 200
    assert "every-minute" in command(locked_server, *python("deployments.serve", "--pool", "locked"))


def test_a_server_that_does_not_answer_says_what_it_does(tmp_path: Path) -> None:
    """It is ended, and its log, which the message names, has the stacks of its threads."""
    slow = PrefectServer(tmp_path, environ=test_environ(), patience=2)
    log = tmp_path / "prefect" / "server.log"
    with pytest.raises(StartError, match=rf"did not answer in 2 s: .* at the end of {log}"), slow:
        pass
    assert slow.child.returncode == -signal.SIGABRT
    assert "most recent call first" in log.read_text()


async def schedules(client: PrefectClient, flow: str, name: str) -> list[Any]:
    """The schedules of a deployment."""
    return (await client.read_deployment_by_name(f"{flow}/{name}")).schedules


@pytest.mark.thorough("processes that import Prefect and all flows, one after the other; `up` registers in `make test`")
async def test_registering_again_changes_nothing(prefect_server: PrefectServer, prefect_client: PrefectClient) -> None:
    """After a second registration every schedule is the same one, and what a person paused stays paused."""
    serve = python("deployments.serve", "--pool", "registered")
    command(prefect_server, *serve)
    (first,) = await schedules(prefect_client, "audit", "hourly")
    deployment = await prefect_client.read_deployment_by_name("audit/hourly")
    await prefect_client.update_deployment_schedule(deployment.id, first.id, active=False)
    command(prefect_server, *serve)
    (second,) = await schedules(prefect_client, "audit", "hourly")
    assert (second.id, second.slug, second.active) == (first.id, "hourly", False)
    listed = await prefect_client.read_deployments()
    assert {e.name for e in CATALOG} <= {d.name for d in listed}
    assert deployment.entrypoint == "flows.audit.audit"
    assert deployment.global_concurrency_limit is None
    assert deployment.job_variables["deadline_seconds"] == 3000


@pytest.mark.thorough("four seconds of CPU time; the run of the form is in `make test`")
async def test_the_backfill_is_a_form(prefect_server: PrefectServer, prefect_client: PrefectClient) -> None:
    """The UI gets the window's fields with titles and descriptions, and the API refuses a wrong one by its path."""
    command(prefect_server, *python("deployments.serve", "--pool", "registered"))
    deployment = await prefect_client.read_deployment_by_name("backfill/ad-hoc")
    fields = deployment.parameter_openapi_schema["definitions"]["BackfillWindow"]["properties"]
    assert set(fields) == {"billings", "since", "until", "tickets", "plan_only"}
    assert all(f["title"] and f["description"] for f in fields.values())
    with pytest.raises(Exception, match="billings"):
        await prefect_client.create_flow_run_from_deployment(
            deployment.id, parameters={"window": {"since": "2026-01-01T00:00:00Z", "billings": "acme"}}
        )


@pytest.mark.thorough("Prefect's command line deploys twice: half a minute of CPU time")
async def test_prefect_yaml_deploys_to_a_process_pool(
    prefect_server: PrefectServer, prefect_client: PrefectClient
) -> None:
    """``prefect --no-prompt deploy --all`` with our file registers everything on an ordinary process pool."""
    prefect = [sys.executable, "-P", "-m", "prefect"]
    with contextlib.suppress(AssertionError):
        command(prefect_server, *prefect, "work-pool", "create", "remotesupport-process", "--type", "process")
    file = ROOT / "deployments" / "prefect.yaml"
    for _ in range(2):
        command(prefect_server, *prefect, "--no-prompt", "deploy", "--all", "--prefect-file", os.fspath(file))
    for entry in CATALOG:
        found = await prefect_client.read_deployment_by_name(entry.full_name)
        assert (found.work_pool_name, found.entrypoint) == ("remotesupport-process", entry.entrypoint)
        assert len(found.schedules) == bool(entry.slug)
