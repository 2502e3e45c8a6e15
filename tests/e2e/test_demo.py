"""``make demo ARGS="--cycles 2"`` as a person starts it: it shows what it promises and leaves nothing behind."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.prefect_fixtures import test_environ

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.thorough("minutes of the clock in a process tree of its own; `make test` waits for `up` the same way"),
]

PATIENCE_S = 420  # a first sync, two runs of the schedule, and what a busy machine takes to start
MARK = "TMPDIR"  # of all our variables the one that every child is given, the Prefect server too


@contextmanager
def demo(tmp_path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The demo, started in an empty folder; killed at the end whatever happened."""
    for name in ("empty", "tmp"):
        (tmp_path / name).mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "remotesupport.demo", *arguments],
        cwd=tmp_path / "empty", env=test_environ(**{MARK: str(tmp_path / "tmp")}), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            process.kill()


def assert_nothing_is_left(tmp_path: Path) -> None:
    """Neither a process nor a file."""
    assert descendants(str(tmp_path / "tmp")) == []
    assert list((tmp_path / "empty").iterdir()) == []
    assert [path.name for path in (tmp_path / "tmp").iterdir() if path.name.startswith("remotesupport")] == []


def test_the_demo_ends_by_itself_and_leaves_nothing(tmp_path: Path) -> None:
    """Two runs of the schedule carry a ticket there and its answer back, a line for each; the status is 0."""
    with demo(tmp_path, "--cycles", "2") as process:
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert len(re.findall(r"^sync \d\d:\d\d  Completed  2 of 2 billings", said, re.MULTILINE)) >= 2, said
    assert "Scheduled run 1 of 2: [acme #" in said
    assert "Scheduled run 2 of 2: its answer is back with the client" in said
    assert_nothing_is_left(tmp_path)


def test_ctrl_c_ends_the_demo_and_leaves_nothing(tmp_path: Path) -> None:
    """A person who has seen the addresses and presses Ctrl-C gets status 0, and everything is gone."""
    with demo(tmp_path) as process:
        assert process.stdout is not None
        begun = ""
        while "Prefect UI" not in begun:
            line = process.stdout.readline()
            assert line, begun
            begun += line
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert_nothing_is_left(tmp_path)


def descendants(mark: str) -> list[str]:
    """Processes that have the demo's environment, whatever session or parent they have by now."""
    return [" ".join(process.info["cmdline"]) for process in psutil.process_iter(["cmdline"]) if _has(process, mark)]


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark
    except psutil.Error:
        return False
