"""``make demo ARGS="--cycles 2"`` as a person starts it: it shows what it promises and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.prefect_fixtures import test_environ

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.thorough("minutes of the clock in a process tree of its own; `make test` waits for `up` the same way"),
]

PATIENCE_S = 180
MARK = "TMPDIR"  # of all our variables the one that every child is given, the Prefect server too


def test_the_demo_ends_by_itself_and_leaves_nothing(tmp_path: Path) -> None:
    """From an empty folder two cycles end with status 0, and neither a process nor a file is left."""
    empty, temporary = tmp_path / "empty", tmp_path / "tmp"
    empty.mkdir()
    temporary.mkdir()
    environ = test_environ(**{MARK: str(temporary)})
    done = subprocess.run(
        [sys.executable, "-m", "remotesupport.demo", "--cycles", "2"],
        cwd=empty, env=environ, start_new_session=True, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "its answer is back with the client" in done.stdout + done.stderr
    assert descendants(str(temporary)) == []
    assert list(empty.iterdir()) == []
    assert [path.name for path in temporary.iterdir() if path.name.startswith("remotesupport")] == []


def descendants(mark: str) -> list[str]:
    """Processes that have the demo's environment, whatever session or parent they have by now."""
    return [" ".join(process.info["cmdline"]) for process in psutil.process_iter(["cmdline"]) if _has(process, mark)]


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark
    except psutil.Error:
        return False
