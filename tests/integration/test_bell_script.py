"""The script for background plugins: a real sh and curl against the endpoint, and whatever is wrong, status 0."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployments.processes import free_port
from tests.bell_fixtures import Bell, ringing

FOLDER = Path(__file__).resolve().parents[2] / "deployments" / "bell" / "plugin"
SAVED = {"PARAM_func": "clientticket.edit", "PARAM_elid": "7", "PARAM_sok": "ok"}


@dataclass
class Installed:
    """The script with its settings on a billing's server."""

    folder: Path
    bell: Bell

    def settings(self, **lines: str) -> None:
        """Write the settings: right ones but for ``lines``."""
        right = {"url": self.bell.url, "billing": "acme", "token": self.bell.token}
        text = "".join(f"{name}={value}\n" for name, value in (right | lines).items())
        (self.folder / "remotesupport-bell.conf").write_text(text)

    async def event(self, **parameters: str) -> str:
        """The panel runs it for an event; it must end with status 0 and say nothing else. → its standard error."""
        return await self.run({"PATH": os.environ["PATH"], **parameters})

    async def run(self, environ: dict[str, str]) -> str:
        process = await asyncio.create_subprocess_exec(
            "sh",
            str(self.folder / "remotesupport-bell.sh"),
            env=environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complaint = await process.communicate(b"<doc/>")
        assert (process.returncode, said) == (0, b"")
        return complaint.decode()


@pytest.fixture
async def installed(tmp_path: Path) -> AsyncIterator[Installed]:
    """A bell of acme and the script with the right settings, in another folder."""
    async with ringing(tmp_path / "state") as bell:
        folder = Path(shutil.copytree(FOLDER, tmp_path / "addon"))
        there = Installed(folder, bell)
        there.settings()
        yield there


async def test_a_saved_form_rings(installed: Installed) -> None:
    """The client's save rings for its ticket, and nothing is said."""
    assert await installed.event(**SAVED) == ""
    assert installed.bell.runs.begun == [{"acme": ("7",)}]


async def test_an_opened_form_does_not_ring(installed: Installed) -> None:
    """Without the parameter of a save nothing is sent."""
    assert await installed.event(PARAM_func="clientticket.edit", PARAM_elid="7") == ""
    assert await installed.event(PARAM_func="clientticket.edit", PARAM_elid="7", PARAM_sok="") == ""
    assert installed.bell.runs.begun == []


async def test_the_form_of_an_assignment_rings_for_its_ticket(installed: Installed) -> None:
    """There the id is the assignment's and the ticket is the parent."""
    assert await installed.event(PARAM_func="ticket.edit", PARAM_elid="99", PARAM_plid="7", PARAM_sok="ok") == ""
    assert installed.bell.runs.begun == [{"acme": ("7",)}]


@pytest.mark.parametrize("given", ["", "1, 2", "../../api", "7\nx", "$(id)", "`id`", '7" -o /tmp/x "', "-o", "я"])
async def test_what_is_no_number_asks_for_the_list(installed: Installed, given: str) -> None:
    """A new ticket has no id yet, and nothing that a client sends becomes a part of the address or a command."""
    assert await installed.event(**SAVED | {"PARAM_elid": given}) == ""
    assert installed.bell.runs.begun == [{"acme": ("any",)}]


async def test_a_wrong_token_is_one_line(installed: Installed) -> None:
    """It names billing and ticket, says what the endpoint said, and keeps the token to itself."""
    installed.settings(token="not-the-token-of-this-bell")
    said = await installed.event(**SAVED)
    assert said.startswith("remotesupport-bell: billing acme, ticket 7: not rung: ")
    assert "the token is missing or wrong" in said
    assert "(HTTP 401)" in said
    assert said.count("\n") == 1
    assert "not-the-token" not in said
    assert installed.bell.runs.begun == []


async def test_an_endpoint_that_is_away_is_one_line(installed: Installed) -> None:
    """Nobody listens: the panel is not held up, and the line says that the minute looks all the same."""
    installed.settings(url=f"http://127.0.0.1:{free_port()}")
    said = await installed.event(**SAVED)
    assert "not rung: curl: (7)" in said
    assert said.endswith("remotesupport looks within a minute all the same\n")
    assert said.count("\n") == 1


async def test_an_endpoint_that_never_answers_is_given_up(installed: Installed) -> None:
    """Somebody takes the connection and is silent: the script ends by itself."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        installed.settings(url=f"http://127.0.0.1:{silent.getsockname()[1]}", seconds="1")
        assert "not rung: curl: (28)" in await installed.event(**SAVED)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": "http://support.example"}, "must begin with https://"),
        ({"url": "http://127.0.0.1.support.example"}, "must begin with https://"),
        ({"url": "file:///etc/passwd"}, "must begin with https://"),
        ({"url": ""}, "must begin with https://"),
        ({"token": ""}, "copy what bell.token in the state folder holds"),
        ({"token": 'x"'}, "copy what bell.token in the state folder holds"),
        ({"billing": "unknown"}, "no billing of that name in remotesupport.toml"),
    ],
)
async def test_wrong_settings_are_said(installed: Installed, wrong: dict[str, str], words: str) -> None:
    """One line with the cure; the token goes nowhere in the clear."""
    installed.settings(**wrong)
    said = await installed.event(**SAVED)
    assert words in said
    assert said.count("\n") == 1
    assert installed.bell.runs.begun == []


async def test_missing_settings_and_a_missing_curl_are_said(installed: Installed, tmp_path: Path) -> None:
    """What is not installed right is one line and no failure either."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "sed", "tail", "tr"):
        (tools / name).symlink_to(str(shutil.which(name)))
    assert "curl" in await installed.run({"PATH": str(tools), **SAVED})
    (installed.folder / "remotesupport-bell.conf").unlink()
    assert "remotesupport-bell.conf cannot be read" in await installed.event(**SAVED)


async def test_settings_of_curl_and_proxies_of_the_panel_do_not_count(installed: Installed, tmp_path: Path) -> None:
    """A .curlrc and a proxy in the environment neither hinder a ring nor see its token."""
    (tmp_path / ".curlrc").write_text("proxy = http://127.0.0.1:9\n")
    proxies = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "HOME": str(tmp_path)}
    assert await installed.event(**SAVED, **proxies) == ""
    assert installed.bell.runs.begun == [{"acme": ("7",)}]


async def test_the_token_is_on_no_command_line(installed: Installed, tmp_path: Path) -> None:
    """What everybody on the billing's server can read of a process does not have it."""
    seen = tmp_path / "arguments"
    tools = tmp_path / "bin"
    tools.mkdir()
    spy = tools / "curl"
    spy.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{seen}\nexec {shutil.which("curl")} "$@"\n')
    spy.chmod(0o700)
    assert await installed.run({"PATH": f"{tools}:{os.environ['PATH']}", **SAVED}) == ""
    assert f"{installed.bell.url}/bell/acme/7" in seen.read_text()
    assert installed.bell.token not in seen.read_text()


def test_the_script_can_be_run_and_its_settings_hold_no_token() -> None:
    """As it comes it is executable, and the example of its settings is filled in by its reader."""
    assert (FOLDER / "remotesupport-bell.sh").stat().st_mode & stat.S_IXUSR
    assert "\ntoken=\n" in (FOLDER / "remotesupport-bell.conf").read_text()
