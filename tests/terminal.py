"""Commands in a terminal of a certain width, as a person sees them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

# A line that was erased again (a spinner's), and every other control sequence.
_CONTROL = re.compile(r"[^\n]*\x1b\[2K|\x1b\[[0-9;?]*[A-Za-z]")


# One process for all of them: each would import the same again.
_ONE_BY_ONE = """
import sys
from remotesupport.cli.main import main
for command in sys.argv[1:]:
    print("\x1e", main(command.split()), "\x1e", sep="", end="", flush=True)
"""


def in_a_terminal(
    *commands: str, cwd: Path, environ: Mapping[str, str], columns: int = 80
) -> list[tuple[int, list[str]]]:
    """Run ``remotesupport`` for each command: its exit status and the lines that it printed, without colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    program = [sys.executable, "-c", _ONE_BY_ONE, *commands]
    env = {**environ, "TERM": "xterm"}
    with subprocess.Popen(program, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = _read(ours)
        assert process.wait(90) == 0, shown
    os.close(ours)
    pieces = shown.split("\x1e")
    return [(int(status), _lines(text)) for text, status in zip(pieces[:-1:2], pieces[1::2], strict=True)]


def _lines(shown: str) -> list[str]:
    return [line.rstrip() for line in _CONTROL.sub("", shown).replace("\r\n", "\n").split("\n")]


def _read(terminal: int) -> str:
    pieces = []
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces).decode()
