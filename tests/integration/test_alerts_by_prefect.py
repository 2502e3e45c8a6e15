"""From a run to the receivers by way of a real Prefect server: events, our automations, notifications."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.exceptions import ObjectAlreadyExists
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Running

from deployments.alerts.catalog import AUTOMATIONS, NO_RUN, PREFIX
from deployments.alerts.register import automation_of, register_alerts
from deployments.processes import PrefectServer
from remotesupport.core.connections.alert_words import message
from remotesupport.core.connections.state_events import Event
from remotesupport.settings import AlertsSettings, ReceiverSettings
from tasks.alerts import as_prefect, send
from tests.cli_here import Ended, cli_here
from tests.config_text import ONE_CONNECTION
from tests.emulator_fixtures import password_of, running_emulator
from tests.prefect_fixtures import deploy_tiny, test_environ
from tests.receivers import Hook, Mailbox, hook, mailbox, until_got
from tests.tiny_flows import quick

pytest_plugins = ("tests.prefect_fixtures",)
# apprise itself imports it where Python still has it, for encrypted mail.
pytestmark = [
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
    pytest.mark.thorough("a Prefect server's automations, half a minute; alerts and their way are in `make test`"),
]

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass
class Told:
    """A server with the two receivers that it tells, and their part of the configuration."""

    server: PrefectServer
    web: Hook
    mail: Mailbox
    alerts: AlertsSettings
    folder: Path


@pytest.fixture
def told(prefect_server: PrefectServer, tmp_path: Path) -> Iterator[Told]:
    """Receivers on loopback; their addresses in files, as secrets are."""
    with hook() as web, mailbox() as mail, temporary_settings({PREFECT_API_URL: prefect_server.api}):
        given = []
        for name, kind, address in (("ops", "webhook", web.url), ("people", "apprise", mail.address)):
            (tmp_path / name).write_text(address)
            (tmp_path / name).chmod(0o600)
            given.append(ReceiverSettings(name=name, kind=kind, url=f"file:{tmp_path / name}"))  # type: ignore[arg-type]
        yield Told(prefect_server, web, mail, AlertsSettings(receivers=tuple(given)), tmp_path)


async def registered(client: PrefectClient) -> dict[str, Any]:
    """Our automations by name."""
    return {one.name: one for one in await client.read_automations() if one.name.startswith(PREFIX)}


def alert(cause: str, subject: str, since: datetime = NOW) -> Any:
    """An alert's event, as a run sends it."""
    payload = message(subject, "what happened {{ 1 + 1 }}\nwhat to do", ["acme"])
    return as_prefect(Event(f"remotesupport.alert.{cause}", "remotesupport.billing.acme", "acme", since, payload))


async def test_registering_again_changes_nothing_that_a_person_has_set(
    told: Told, prefect_client: PrefectClient
) -> None:
    """Each automation is there once however often it is registered, and stays off where somebody has switched it off;
    without receivers there are none, and no secret of theirs is left."""
    assert await register_alerts(told.alerts, None, watched=True) == []
    before = await registered(prefect_client)
    assert set(before) == {entry.name for entry in AUTOMATIONS}
    off = before[AUTOMATIONS[0].name]
    await prefect_client.pause_automation(off.id)
    assert await register_alerts(told.alerts, None, watched=False) == []
    after = await registered(prefect_client)
    assert set(after) == {entry.name for entry in (*AUTOMATIONS, *NO_RUN)}
    assert {name: one.id for name, one in before.items()} == {name: after[name].id for name in before}
    assert [name for name, one in after.items() if not one.enabled] == [off.name]
    assert await register_alerts(AlertsSettings(), None, watched=True) == []
    assert await registered(prefect_client) == {}
    names = [document.name for document in await prefect_client.read_block_documents()]
    assert [name for name in names if (name or "").startswith("remotesupport-")] == []


async def test_an_alert_reaches_every_receiver_once_and_word_for_word(told: Told) -> None:
    """A webhook and a mailbox get it; sent again it is the same event, and nobody is told twice."""
    assert await register_alerts(told.alerts, None, watched=True) == []
    await send([alert("stopped.raised", "first")])
    await send([alert("stopped.raised", "first")])
    await send([alert("stopped.ended", "second", NOW + timedelta(minutes=1))])
    for got in (told.web.got, told.mail.mails):
        await asyncio.to_thread(until_got, got, 2)
    assert sorted(one["subject"] for one in told.web.got) == ["first", "second"]
    assert {one["text"] for one in told.web.got} == {"what happened {{ 1 + 1 }}\nwhat to do"}
    assert sorted(subject for _, subject, _ in told.mail.mails) == ["first", "second"]


async def test_a_receiver_that_is_not_there_keeps_nobody_else_from_being_told(told: Told) -> None:
    """A receiver that cannot be had is named when it is registered; the others are told."""
    broken = ReceiverSettings(name="gone", kind="slack", url="env:INVENTED_AND_NOT_SET")  # type: ignore[arg-type]
    alerts = told.alerts.model_copy(update={"receivers": (broken, *told.alerts.receivers)})
    (line,) = await register_alerts(alerts, None, watched=True)
    assert line.startswith("alerts: gone (slack) is told nothing: env:INVENTED_AND_NOT_SET")
    await send([alert("access.raised", "told all the same", NOW + timedelta(hours=1))])
    await asyncio.to_thread(until_got, told.web.got, 1)


async def test_a_command_registers_them_where_deployments_are_made_by_prefect_itself(
    told: Told, prefect_client: PrefectClient
) -> None:
    """`alerts register` puts every automation there, the one that tells that no run begins too; a receiver that cannot
    be told is named, with status 1; without a server or a receiver it is wrong usage."""
    config = told.folder / "remotesupport.toml"
    main = '[main]\nurl = "http://127.0.0.1:1/billmgr"\n'
    receiver = '[[alerts.receivers]]\nname = "{name}"\nkind = "webhook"\nurl = "{url}"\n'
    ops = receiver.format(name="ops", url=f"file:{told.folder}/ops")
    environ = {"REMOTESUPPORT_HOME": str(told.folder), "HOME": str(told.folder), "PREFECT_API_URL": told.server.api}

    async def register(text: str, **environ: str) -> Ended:
        config.write_text(main + text)
        return await asyncio.to_thread(cli_here, "alerts", "register", cwd=told.folder, environ=environ)

    assert (await register(ops, **environ)).returncode == 0
    assert set(await registered(prefect_client)) == {entry.name for entry in (*AUTOMATIONS, *NO_RUN)}
    broken = await register(ops + receiver.format(name="gone", url="env:INVENTED_AND_NOT_SET"), **environ)
    assert (broken.returncode, "gone (webhook) is told nothing" in broken.stdout) == (1, True)
    assert (await register("", **environ)).returncode == 2
    environ.pop("PREFECT_API_URL")
    assert (await register(ops, **environ)).returncode == 2
    assert await register_alerts(AlertsSettings(), None, watched=True) == []


async def test_where_no_up_watches_the_server_tells_that_no_run_begins(
    told: Told, prefect_client: PrefectClient
) -> None:
    """The shipped automation fires once when no run of its deployment has begun for its time after the last one."""
    assert await register_alerts(told.alerts, None, watched=False) == []
    shipped = (await registered(prefect_client))[NO_RUN[0].name]
    documents = [action.block_document_id for action in shipped.actions]
    deployment = await deploy_tiny(prefect_client, await pool(prefect_client), quick)
    name = (await prefect_client.read_deployment(deployment)).name
    entry = replace(NO_RUN[0], absent_for=timedelta(seconds=10), deployment=name)
    await prefect_client.update_automation(shipped.id, automation_of(entry, documents, enabled=True))
    run = await prefect_client.create_flow_run_from_deployment(deployment)
    await prefect_client.set_flow_run_state(run.id, Running(), force=True)
    await asyncio.to_thread(until_got, told.web.got, 1)
    assert told.web.got[0]["subject"] == "remotesupport: no run begins, nothing is carried over"


async def pool(client: PrefectClient) -> str:
    """A work pool that nobody works for."""
    with suppress(ObjectAlreadyExists):
        await client.create_work_pool(WorkPoolCreate(name="tests-alerts", type="process"))
    return "tests-alerts"


RECEIVER = """
[[alerts.receivers]]
name = "ops"
kind = "webhook"
url = "file:{folder}/ops"
"""
CONFIG = ONE_CONNECTION + RECEIVER


async def events_of(client: PrefectClient) -> list[str]:
    """The names of our events that the server has kept, the first one first."""
    wanted = EventFilter(event=EventNameFilter(prefix=["remotesupport."]))
    answer = await client.request("POST", "/events/filter", json={"filter": wanted.model_dump(mode="json")})
    return [event["event"] for event in reversed(answer.json()["events"])]


@pytest.mark.thorough("25 s of CPU time; alerts and their way to the receivers are in `make test`")
async def test_a_login_that_is_refused_calls_once(told: Told, prefect_client: PrefectClient) -> None:
    """From a run that is refused to the receiver: one event, one alert that names billing, cause and command, and none
    from the next runs that are refused, too."""
    before = await events_of(prefect_client)
    with ExitStack() as stack:
        main, acme = (stack.enter_context(running_emulator(name)) for name in ("main", "acme"))
        config = told.folder / "remotesupport.toml"
        config.write_text(CONFIG.format(main=main.url, acme=acme.url, folder=told.folder))
        environ = test_environ(
            REMOTESUPPORT_HOME=str(told.folder / "state"), REMOTESUPPORT_CONFIG=str(config),
            PREFECT_API_URL=told.server.api, ROBOT=password_of("support-robot"), CUSTOMER=password_of("acme"),
        )  # fmt: skip
        await asyncio.to_thread(run, environ, "deployments.serve", "--pool", "tests-alerts-serve")
        statuses = [
            await asyncio.to_thread(run, environ | more, "remotesupport", "sync")
            for more in ({}, {"ROBOT": "no-such-word"}, {"ROBOT": "no-such-word"}, {"ROBOT": "no-such-word"})
        ]
    assert statuses == [0, 3, 3, 3]
    await asyncio.to_thread(until_got, told.web.got, 1)
    await send([alert("certificate.raised", "the last one", datetime.now(UTC))])
    await asyncio.to_thread(until_got, told.web.got, 2)
    first, last = told.web.got
    assert last["subject"] == "the last one"
    assert first["subject"] == "remotesupport: acme: a login is refused"
    assert "`remotesupport check --billing acme`" in first["text"]
    ours = (await events_of(prefect_client))[len(before) :]
    assert ours[:2] == ["remotesupport.billing.access", "remotesupport.alert.access.raised"]


def run(environ: dict[str, str], module: str, *arguments: str) -> int:
    """A command as a process; its exit status."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], env=environ, cwd=os.environ["HOME"],
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode
