"""``check --record`` and the emulator that serves what it wrote."""

from __future__ import annotations

import asyncio
import json
import signal
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from remotesupport.emulator.recorded import NoRecording, load
from remotesupport.emulator.replaying import RunningReplay
from tests.cli_here import Ended, cli_here
from tests.emulator_fixtures import password_of
from tests.http_desk import http_desk
from tests.main_job import MainJob
from tests.three_billings import ThreeBillings, three_billings

CONFIG = """
[main]
url = "{main}"

[[external]]
name = "connection-1"
url = "{external}"
login = "anybody"
password = "env:ANY"
main_login = "somebody"
main_password = "env:ANY"
timezone = "UTC"

[[external.departments]]
remote = "{departments[external]}"
main = "{departments[main]}"
"""
_RUN = "import typer; from remotesupport.cli.emulator import emulator; typer.run(emulator)"
PERSONAL = "Иван Петров, ул. Ленина 5, +7 916 123-45-67, PLANTED-SECRET-8841"


def check(home: Path, environ: dict[str, str], *options: str) -> Ended:
    return cli_here("check", "--json", "--billing", *options, cwd=home, environ=environ)


def habits_in(ended: Ended) -> dict[str, str]:
    """Each habit's row: its answers without counts and examples."""
    (connection,) = json.loads(ended.stdout)["connections"]
    rows = {row["check"]: row for row in connection["checks"] if " habit " in row["check"]}
    assert rows, ended
    return {check: f"{row['ok']} {answers(row['detail'])}" for check, row in rows.items()}


def answers(detail: str) -> str:
    """``one (seen 3 times …); several (seen …)`` → ``one; several``."""
    return "; ".join(part.partition(" (seen")[0].partition(": ticket")[0] for part in detail.split("; "))


def served(home: Path, file: Path) -> tuple[Ended, dict[str, Any]]:
    """``check`` of a configuration that points to the emulator with this recording."""
    connection = json.loads(file.read_text())["connections"][0]
    home.mkdir()
    with ExitStack() as stack:
        external, main = (stack.enter_context(RunningReplay(side)) for side in load(file))
        (departments,) = connection["departments"]
        text = CONFIG.format(main=main.url, external=external.url, departments=departments)
        (home / "remotesupport.toml").write_text(text)
        environ = {
            "REMOTESUPPORT_HOME": str(home),
            "REMOTESUPPORT_CONFIG": str(home / "remotesupport.toml"),
            "ANY": "x",
        }
        return check(home, environ, "connection-1", "--record", str(home / "again.json")), connection


def record(world: ThreeBillings, file: Path) -> Ended:
    """With a state folder of its own, so that nothing was learned before."""
    fresh = file.parent / "fresh"
    fresh.mkdir()
    return check(world.home, world.environ | {"REMOTESUPPORT_HOME": str(fresh)}, "acme", "--record", str(file))


OTHER_HABITS = pytest.mark.thorough("the same law for other habits, a second of CPU time each")


@pytest.mark.parametrize(
    ("acme", "main", "shown"),
    [
        ({"responsible": "name"}, {}, ("external habit responsible", "True name")),
        pytest.param({"state": "words"}, {"state": "words"}, ("main habit state", "True words"), marks=OTHER_HABITS),
        pytest.param({}, {"types": "by_direction"}, ("main habit types", "True by_direction"), marks=OTHER_HABITS),
    ],
)
async def test_the_served_recording_has_the_same_habits(
    tmp_path: Path, acme: dict[str, str], main: dict[str, str], shown: tuple[str, str]
) -> None:
    """``check`` says of the emulator that serves a recording the habits that it says of the recorded servers."""
    (tmp_path / "desk").mkdir()
    with three_billings(tmp_path / "desk", acme_habits=acme, main_habits=main) as world:
        async with http_desk(world) as desk:
            await MainJob(desk).to_main()
        before, after = await in_thread(world, tmp_path)
    assert shown in habits_in(before).items()
    assert habits_in(after) == habits_in(before)


async def in_thread(world: ThreeBillings, folder: Path) -> tuple[Ended, Ended]:
    file = folder / "recording.json"
    before = await asyncio.to_thread(record, world, file)
    after, _ = await asyncio.to_thread(served, folder / "served", file)
    return before, after


@pytest.mark.parametrize("version", ["6.94.1", "4.0.68"])
def test_nothing_personal_is_in_the_file(tmp_path: Path, version: str) -> None:
    """Texts, names, logins, passwords and subjects of the billings are not in the file, which only its owner reads."""
    with three_billings(tmp_path, acme_version=version) as world:
        world.acme.act(as_="ivan", do="open", department="Technical support", subject=PERSONAL, text=PERSONAL)
        ended = record(world, file := tmp_path / "recording.json")
        people = world.acme.state()["users"] + world.main.state()["users"]
    written = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "ids and numbers" in ended.stderr
    assert "names of departments" in ended.stderr
    known = {PERSONAL, "support-robot", password_of("support-robot"), "acme", "Technical support", "Outsourced support"}
    known |= {str(person[key]) for person in people for key in ("login", "realname", "password") if person.get(key)}
    assert [one for one in known if one in written] == []
    assert [PERSONAL[n : n + 5] for n in range(len(PERSONAL) - 4) if PERSONAL[n : n + 5] in written] == []


def test_no_ticket_of_another_department_is_opened(tmp_path: Path) -> None:
    """Conversations are read in corresponding departments alone; a ticket of another one is not even asked for."""
    with three_billings(tmp_path) as world:
        order = {"as_": "ivan", "do": "open", "subject": "s", "text": "t"}
        other, ours = (world.acme.act(department=name, **order)["ticket"] for name in ("Sales", "Technical support"))
        record(world, tmp_path / "recording.json")
        asked = {request["params"].get("elid") for request in world.acme.requests()}
    assert str(ours) in asked
    assert str(other) not in asked


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    """``--record`` overwrites nothing, says so with status 2, and asks no billing."""
    with three_billings(tmp_path) as world:
        (file := tmp_path / "recording.json").write_text("mine")
        ended = record(world, file)
        assert (ended.returncode, file.read_text(), world.acme.requests()) == (2, "mine", [])
        assert "Name another file after --record" in ended.stderr


def test_nothing_is_left_where_nobody_answers(tmp_path: Path) -> None:
    """Where no billing has answered there is no file, and a word on it."""
    with three_billings(tmp_path) as world:
        pass
    ended = record(world, file := tmp_path / "recording.json")
    assert not file.exists()
    assert "Nothing was recorded" in ended.stderr


def test_what_was_not_recorded_is_missed(tmp_path: Path) -> None:
    """Another function, another page and a write are ``missed``, whoever logs in; the rest is as recorded."""
    with three_billings(tmp_path) as world:
        record(world, file := tmp_path / "recording.json")
    (external, _) = load(file)
    with RunningReplay(external) as replay:
        asked = [
            {"func": "whoami"},
            {"func": "user"},
            {"func": "department", "p_num": "9"},
            {"func": "ticket.edit", "sok": "ok"},
        ]
        docs = [httpx.post(replay.url, data={"out": "json", **each}).json()["doc"] for each in asked]
        login = httpx.post(replay.url, data={"func": "auth", "out": "json", "username": "a", "password": "b"}).json()
    assert "user" in docs[0]
    assert [doc["error"]["$type"] for doc in docs[1:]] == ["missed"] * 3
    assert login["doc"]["auth"]["$id"]


def test_the_command_serves_a_recording_until_told(tmp_path: Path) -> None:
    """``emulator --recording`` says where it serves which side, serves it, and ends with status 0 when told."""
    with three_billings(tmp_path) as world:
        record(world, file := tmp_path / "recording.json")
    options = ["--recording", str(file), "--side", "main", "--port", "0"]
    with subprocess.Popen([sys.executable, "-c", _RUN, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name, _, url = process.stdout.readline().partition(": API ")
        answer = httpx.post(url.strip(), data={"func": "whoami", "out": "json"}).json()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert name == "connection-1 main"
    assert "user" in answer["doc"]


@pytest.mark.parametrize(
    ("content", "says"),
    [("no", "no JSON"), ("{}", "no recording"), ('{"format": "remotesupport recording", "version": 2}', "version 2")],
)
def test_another_file_is_refused(tmp_path: Path, content: str, says: str) -> None:
    """What is no recording, or one of another version, is refused with the reason."""
    (file := tmp_path / "some.json").write_text(content)
    with pytest.raises(NoRecording, match=says):
        load(file)
