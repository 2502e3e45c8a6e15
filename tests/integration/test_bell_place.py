"""Where the bell is found, by whom, and what the command says when nobody would hear it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from deployments.bell.main import listening, url_of
from deployments.bell.place import ADDRESS_FILE, TOKEN_FILE, BellError, found, hold, token_of
from remotesupport.core.records import LinkRow
from remotesupport.settings import BellSettings
from tests.bell_fixtures import at_home, bell_process, ringing
from tests.fresh_store import store_at
from tests.prefect_fixtures import test_environ

COMMAND = [sys.executable, "-m", "remotesupport.cli.main"]


def mode(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_the_token_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    """It is long, stays over restarts, and is closed again where somebody opened it to others."""
    token = token_of(tmp_path)
    assert len(token) >= 40
    assert mode(tmp_path / TOKEN_FILE) == 0o600
    (tmp_path / TOKEN_FILE).chmod(0o644)
    assert token_of(tmp_path) == token
    assert mode(tmp_path / TOKEN_FILE) == 0o600


@pytest.mark.parametrize("text", ["", "short", "пароль-из-букв-кириллицы", "with\ttabs-and-\x07-more-of-it"])
def test_an_unusable_token_is_refused_with_the_cure(tmp_path: Path, text: str) -> None:
    """What is no token opens no bell."""
    (tmp_path / TOKEN_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(BellError, match="remove it, and the next start makes a new one"):
        token_of(tmp_path)


def test_one_bell_for_a_state_folder(tmp_path: Path) -> None:
    """A second one is refused while the first lives, and taken when that is gone."""
    held = hold(tmp_path)
    try:
        with pytest.raises(BellError, match="another `remotesupport up` has the bell"):
            hold(tmp_path)
    finally:
        os.close(held)
    os.close(hold(tmp_path))


def test_a_port_that_is_taken_is_refused_with_the_cure(tmp_path: Path) -> None:
    """Nothing is served, and the place to choose another is named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BellError, match=r"choose another address or port under \[bell\]"):
            listening(BellSettings(port=port))


def test_the_address_is_one_that_can_be_asked() -> None:
    """With a colon it stands in brackets."""
    with socket.socket(socket.AF_INET6) as six:
        six.bind(("::1", 0))
        assert url_of(six) == f"http://[::1]:{six.getsockname()[1]}"


def test_a_killed_bell_is_known_to_be_gone(tmp_path: Path) -> None:
    """While it lives it is found and listens on loopback; killed, it is not, whatever it left behind."""
    environ = at_home(tmp_path)
    with bell_process(tmp_path, environ) as process:
        place = found(tmp_path)
        assert place is not None
        assert place.url.startswith("http://127.0.0.1:")
        assert httpx.post(f"{place.url}/bell/acme/7").status_code == 401
        assert mode(tmp_path / ADDRESS_FILE) == mode(tmp_path / TOKEN_FILE) == 0o600
        assert place.token not in (tmp_path / ADDRESS_FILE).read_text()
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        assert (tmp_path / ADDRESS_FILE).read_text() == place.url
        assert found(tmp_path) is None
    with bell_process(tmp_path, environ):
        again = found(tmp_path)
        assert again is not None
        assert again.token == place.token


def command(home: Path, environ: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Ring as a person does → exit status, what was said."""
    done = subprocess.run(
        [*COMMAND, "bell", *arguments],
        env=test_environ(**environ),
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_without_up_the_command_says_so(tmp_path: Path) -> None:
    """Status 1, where it looked, and the command that looks now; the same for a bell that is switched off."""
    environ = at_home(tmp_path)
    status, said = command(tmp_path, environ, "acme", "7")
    assert status == 1
    assert f"no `remotesupport up` with a bell runs in the state folder {tmp_path}" in said
    assert "remotesupport sync --billing acme" in said
    file = tmp_path / "remotesupport.toml"
    file.write_text(file.read_text() + "\n[bell]\nenabled = false\n")
    status, said = command(tmp_path, environ, "acme", "7")
    assert (status, "enabled = false under [bell]" in said) == (1, True)


def test_a_billing_that_nobody_knows_is_wrong_usage(tmp_path: Path) -> None:
    """Status 2 with the names that there are, before anything is looked for."""
    status, said = command(tmp_path, at_home(tmp_path), "acmi", "7")
    assert status == 2
    assert "acme" in said


@pytest.mark.thorough("a process of its own; the command that rings is in `make test`")
def test_a_prefect_server_that_is_away_is_said(tmp_path: Path) -> None:
    """Status 1 with what the bell said: the ring is kept."""
    environ = at_home(tmp_path)
    with bell_process(tmp_path, environ):
        status, said = command(tmp_path, environ, "acme", "7")
        assert status == 1
        assert "acme 7: the Prefect server gives no answer" in said
        assert "The ring is kept and tried again" in said


async def test_the_command_rings(tmp_path: Path) -> None:
    """Status 0 with when it is looked at and how to see what came of it; with --json, the endpoint's own document."""
    async with ringing(tmp_path) as bell:
        ask = asyncio.to_thread
        assert await ask(command, tmp_path, bell.environ, "acme", "7") == (
            0,
            "acme 7: it is looked at now. What came of it: remotesupport why acme 7\n",
        )
        status, said = await ask(command, tmp_path, bell.environ, "acme", "8", "--json")
        assert (status, json.loads(said)["look"]) == (0, "soon")
        assert bell.runs.begun == [{"acme": ("7",)}]


@pytest.mark.thorough("five seconds of CPU time; the endpoint and its hints are in `make test`")
async def test_a_ticket_of_the_main_billing_rings_for_the_one_it_comes_from(tmp_path: Path) -> None:
    """The ledger knows which; one that it does not know is status 1, and no ticket or two at once are wrong usage."""
    async with ringing(tmp_path) as bell:
        with store_at(f"sqlite:///{tmp_path}/remotesupport.sqlite3") as store:
            store.link("acme", LinkRow("acme", "7", "500", "open", "open", None), [], "r")
        ask = asyncio.to_thread
        status, said = await ask(command, tmp_path, bell.environ, "--main", "500")
        assert (status, "acme 7: it is looked at now" in said) == (0, True)
        assert bell.runs.begun == [{"acme": ("7",)}]
        status, said = await ask(command, tmp_path, bell.environ, "--main", "501")
        assert (status, "the ticket 501 of the main billing is linked with no ticket" in said) == (1, True)
        for wrong in ((), ("acme",), ("acme", "7", "--main", "500")):
            status, said = await ask(command, tmp_path, bell.environ, *wrong)
            assert (status, "remotesupport bell --main TICKET" in said) == (2, True)


@pytest.mark.thorough("a process of its own; the command that rings is in `make test`")
async def test_a_token_that_was_changed_meanwhile_is_said(tmp_path: Path) -> None:
    """Status 1: the bell began with another one, and a new start takes it up."""
    async with ringing(tmp_path) as bell:
        (tmp_path / TOKEN_FILE).write_text("another-token-that-is-long-enough\n")
        status, said = await asyncio.to_thread(command, tmp_path, bell.environ, "acme", "7")
        assert (status, bell.runs.begun) == (1, [])
        assert "began with another token than bell.token holds now: start `remotesupport up` again" in said
