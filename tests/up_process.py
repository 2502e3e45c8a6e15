"""``remotesupport up`` as a process that a test starts, as a person would, and that never outlives the test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def up_process(home: Path, port: int, environ: Mapping[str, str]) -> Iterator[psutil.Popen]:
    """``up`` on ``port``, its lines in ``up.log`` of ``home``; killed at the end whatever happened."""
    command = [sys.executable, "-m", "remotesupport.cli.main", "up", "--port", str(port)]
    with (home / "up.log").open("wb") as log:
        process = psutil.Popen(command, env=dict(environ), cwd=home, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        if process.is_running():
            process.kill()
        process.wait(10)
