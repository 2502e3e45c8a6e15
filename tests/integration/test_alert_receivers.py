"""Receivers of alerts, told directly: real HTTP and SMTP servers on loopback, and addresses where nobody is."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deployments.processes import free_port
from remotesupport.bootstrap import Context
from remotesupport.core.connections.connection_state import Failure
from remotesupport.core.model import Side
from remotesupport.core.run import BillingResult, BillingState, RunKind, RunReport
from remotesupport.settings import load_settings
from tasks.heartbeat import beat
from tests.cli_here import Ended, cli_here
from tests.receivers import Hook, Mailbox, hook, mailbox
from tests.unit.test_alerts import START

# apprise itself imports it where Python still has it, for encrypted mail.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

MAIN = '[main]\nurl = "https://main.example:1500/billmgr"\n'
RECEIVER = '[[alerts.receivers]]\nname = "{name}"\nkind = "{kind}"\nurl = "env:{name}"\n'


@pytest.fixture
def web() -> Iterator[Hook]:
    """An HTTP receiver."""
    with hook() as receiver:
        yield receiver


@pytest.fixture
def mail() -> Iterator[Mailbox]:
    """An SMTP receiver."""
    with mailbox() as receiver:
        yield receiver


def tried(folder: Path, *options: str, **receivers: tuple[str, str]) -> Ended:
    """``alerts test`` with these receivers: name → kind and address."""
    text = MAIN + "".join(RECEIVER.format(name=name, kind=kind) for name, (kind, _) in receivers.items())
    (folder / "remotesupport.toml").write_text(text)
    places = {"REMOTESUPPORT_HOME": str(folder / "state"), "REMOTESUPPORT_CONFIG": str(folder / "remotesupport.toml")}
    environ = places | {name: address for name, (_, address) in receivers.items() if address}
    return cli_here("alerts", "test", *options, cwd=folder, environ=environ)


def test_each_receiver_gets_one_alert_and_says_so(tmp_path: Path, web: Hook, mail: Mailbox) -> None:
    """A webhook and a mailbox are told the same, once, and the command ends with status 0."""
    done = tried(tmp_path, ops=("webhook", web.url), people=("apprise", mail.address))
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split("\t") for line in done.stdout.splitlines()[1:]] == [
        ["ops", "webhook", "yes", "taken"],
        ["people", "apprise", "yes", "taken"],
    ]
    (told,) = web.got
    assert told["subject"] == "remotesupport: a trial"
    assert "Nothing is wrong" in told["text"]
    ((to, subject, text),) = mail.mails
    assert (to, subject) == (["ops@example.com"], told["subject"])
    assert " ".join(text.split()) == told["text"]


def test_who_does_not_take_it_is_named_with_the_cause(tmp_path: Path, web: Hook) -> None:
    """Status 1, and for each of them what is wrong; whoever can be told is told, and no address is shown."""
    web.status = 503
    secret = f"http://127.0.0.1:{free_port()}/invented-secret-path"
    done = tried(
        tmp_path, "--json", full=("webhook", web.url), gone=("webhook", secret), unset=("slack", ""),
        odd=("apprise", "invented-secret-word"), other=("slack", "https://invented.example/secret-path"),
    )  # fmt: skip
    assert done.returncode == 1
    answers = {one["name"]: one for one in json.loads(done.stdout)["receivers"]}
    assert [one["ok"] for one in answers.values()] == [False] * 5
    assert answers["full"]["detail"] == "it answers 503"
    assert "All connection attempts failed" in answers["gone"]["detail"]
    assert "env:unset: the environment variable is not set" in answers["unset"]["detail"]
    assert answers["odd"]["detail"] == "env:odd holds no address for apprise: apprise knows no such address"
    assert len(web.got) == 1
    assert "secret" not in done.stdout + done.stderr


def test_without_a_receiver_it_says_what_to_write(tmp_path: Path) -> None:
    """Nobody to tell is wrong usage: status 2, with the name of the section."""
    done = tried(tmp_path)
    assert done.returncode == 2
    assert "[[alerts.receivers]]" in done.stderr


def test_blocks_of_prefect_need_a_prefect_server(tmp_path: Path) -> None:
    """A receiver that stands in Prefect cannot be told without it, and the command says how."""
    text = MAIN + '[alerts]\nto = ["prefect-block:slack-webhook/ops"]\n'
    (tmp_path / "remotesupport.toml").write_text(text)
    done = cli_here("alerts", "test", cwd=tmp_path, environ={"REMOTESUPPORT_HOME": str(tmp_path / "state")})
    assert done.returncode == 2
    assert "PREFECT_API_URL" in done.stderr


def run_with(*states: BillingState) -> RunReport:
    """A run in which connections came out so."""
    lines = [BillingResult(f"b{n}", state=state, side=Side.EXTERNAL) for n, state in enumerate(states)]
    return RunReport("r1", RunKind.SYNC, START, lines)


def context(folder: Path, url: str) -> Any:
    """As much of a context as a heartbeat needs."""
    (folder / "remotesupport.toml").write_text(MAIN + f'[alerts]\nheartbeat_url = "{url}"\n')
    settings = load_settings(folder / "remotesupport.toml", {"REMOTESUPPORT_HOME": str(folder)})
    return SimpleNamespace(settings=settings, log=logging.getLogger("remotesupport"))


async def test_a_good_minute_is_one_heartbeat(tmp_path: Path, web: Hook) -> None:
    """The address is asked for once after a run in which some connection was in order, or had no turn."""
    ctx: Context = context(tmp_path, web.url)
    await beat(ctx, run_with(BillingState.OK, BillingState.FAILED))
    await beat(ctx, run_with(BillingState.SKIPPED))
    assert web.asked == ["GET /hook", "GET /hook"]


async def test_a_minute_in_which_everything_failed_is_none(tmp_path: Path, web: Hook) -> None:
    """The heartbeat stops while no connection works, so that whoever watches it calls; a paused one is none."""
    await beat(context(tmp_path, web.url), run_with(BillingState.STOPPED, BillingState.FAILED))
    await beat(context(tmp_path, web.url), run_with(BillingState.SKIPPED, BillingState.FAILED))
    assert web.asked == []


async def test_a_minute_that_left_something_waiting_is_one_heartbeat(tmp_path: Path, web: Hook) -> None:
    """Both sides were read and compared: what waits has alerts of its own."""
    done = run_with(BillingState.FAILED)
    done.billings[0].failure = Failure.PARKED
    await beat(context(tmp_path, web.url), done)
    assert web.asked == ["GET /hook"]


@pytest.mark.parametrize("status", [500, 0])
async def test_a_heartbeat_that_fails_is_one_line_and_harms_nothing(
    tmp_path: Path, web: Hook, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """An error or nobody there is a line in the log that names the host and not the address, and no exception."""
    web.status = status or 200
    url = web.url if status else f"http://127.0.0.1:{free_port()}/invented-secret-path"
    await beat(context(tmp_path, url), run_with(BillingState.OK))
    (line,) = [record.getMessage() for record in caplog.records if record.name == "remotesupport"]
    assert line.startswith("alerts: the heartbeat was not taken: 127.0.0.1 ")
    assert "secret" not in line
