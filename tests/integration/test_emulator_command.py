"""The command ``remotesupport emulator``: starts, says where it is, ends when told; refuses what is unsafe."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import typer
from typer.testing import CliRunner

from remotesupport.cli.emulator import emulator

_RUN = "import typer; from remotesupport.cli.emulator import emulator; typer.run(emulator)"


def test_it_serves_several_billings_until_told(tmp_path: Path) -> None:
    """Two names are two billings with files of their own; SIGTERM ends both with status 0."""
    options = ["--port", "0", "--name", "acme", "--name", "globex", "--seed", "0", "--state", str(tmp_path / "all.db")]
    with subprocess.Popen([sys.executable, "-c", _RUN, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        addresses = [line.split("API ")[1].split()[0] for line in lines]
        answers = [httpx.post(each, data={"func": "whoami", "out": "json"}).json() for each in addresses]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert [answer["doc"]["error"]["$type"] for answer in answers] == ["access", "access"]
    assert {path.name for path in tmp_path.glob("*.db")} == {"all-acme.db", "all-globex.db"}


@pytest.mark.parametrize(
    ("options", "word"), [(["--host", "0.0.0.0"], "--allow-remote"), (["--version", "7.0"], "6.94.1")]
)
def test_it_refuses_with_advice(options: list[str], word: str) -> None:
    """An address other than loopback and an unknown version end with status 2 and say what is possible."""
    app = typer.Typer()
    app.command()(emulator)
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 2
    assert word in result.output
