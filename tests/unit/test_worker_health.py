"""A worker is well as long as Prefect has answered it lately."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployments.worker_health import PATIENCE_S, main
from deployments.worker_name import alive_file

NOW = 1_800_000_000.0


def answered(home: Path, name: str, ago: float) -> None:
    """A worker of that name has had an answer so many seconds ago."""
    file = alive_file(name, home)
    file.touch()
    os.utime(file, (NOW - ago, NOW - ago))


def test_a_worker_that_was_answered_lately_is_well(tmp_path: Path) -> None:
    """One of several in a state folder is enough; what another one left behind long ago does not count."""
    answered(tmp_path, "dead", 86_400)
    answered(tmp_path, "well", PATIENCE_S)
    assert main(tmp_path, NOW) == 0


def test_one_without_an_answer_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that never had an answer, or none for too long, says so, and ends with 1."""
    assert main(tmp_path, NOW) == 1
    answered(tmp_path, "dead", PATIENCE_S + 1)
    assert main(tmp_path, NOW) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert "never" in first
    assert "not for 61 s" in second
