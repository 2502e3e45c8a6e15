"""A throw-away environment: our wheel, and its libraries chosen anew without the lock, as ``pip install`` does it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from uv import find_uv_bin

from tests.built_wheel import ROOT

PATIENCE_S = 900


class Refused(RuntimeError):
    """There is no such environment. The message is what the installer said."""


def environment(folder: Path, wheel: Path, *, lowest: bool = False, forced: Sequence[str] = ()) -> Path:
    """Make one in ``folder`` and return its folder of programs.

    The newest versions that ``pyproject.toml`` allows, or with ``lowest`` the lowest of what it names; ``forced``
    (``sqlalchemy==2.1.9``) goes before what anybody asks for.
    """
    venv = folder / "venv"
    _uv("venv", "--python", sys.executable, str(venv))
    chosen = [f"--constraint={_lowest(folder)}"] if lowest else []
    if forced:
        overrides = folder / "forced.txt"
        overrides.write_text("\n".join(forced), encoding="utf-8")
        chosen.append(f"--override={overrides}")
    _uv("pip", "install", "--python", str(venv / "bin" / "python"), "--compile-bytecode", *chosen, str(wheel))
    return venv / "bin"


def versions(programs: Path) -> list[str]:
    """What is installed there, ``name==version`` each."""
    return _uv("pip", "freeze", "--python", str(programs / "python")).splitlines()


def _lowest(folder: Path) -> Path:
    """The lowest versions of all that we name; what only others name is new."""
    found = folder / "lowest.txt"
    python = f"--python={sys.executable}"
    _uv(
        "pip",
        "compile",
        str(ROOT / "pyproject.toml"),
        python,
        "--resolution=lowest-direct",
        "--output-file",
        str(found),
    )
    return found


def _uv(*arguments: str) -> str:
    command = [find_uv_bin(), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE_S)
    if done.returncode:
        raise Refused(f"uv {' '.join(arguments[:2])}: {done.stderr.strip()}")
    return done.stdout
