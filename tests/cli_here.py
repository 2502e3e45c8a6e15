"""A command in the tests' own process, for laws in which neither the terminal, the encoding nor the process matters."""

from __future__ import annotations

import contextlib
import io
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from remotesupport import logs
from remotesupport.cli.main import main


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it wrote; the names are those of ``subprocess.CompletedProcess``."""

    returncode: int
    stdout: str
    stderr: str


def cli_here(*arguments: str, cwd: Path, environ: Mapping[str, str]) -> Ended:
    """Run ``remotesupport`` in ``cwd`` with ``environ`` alone, not in a terminal; leaves this process as it was."""
    out, err = io.StringIO(), io.StringIO()
    written = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    with contextlib.chdir(cwd), _environ(environ), _logging(), written[0], written[1]:
        status = main(arguments)
    return Ended(status, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _environ(environ: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    _become(environ)
    try:
        yield
    finally:
        _become(before)


def _become(environ: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environ)


@contextlib.contextmanager
def _logging() -> Iterator[None]:
    before = logging.getLogger().level
    try:
        yield
    finally:
        logs.tear_down()
        logging.getLogger().setLevel(before)
