"""An environment of its own for a peer that cannot live beside the product, kept in the user's cache folder."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

PACKAGES = {"datacompy": ("datacompy==1.1.*", "pyarrow")}
PATIENCE_S = 240


class NoEnvironment(RuntimeError):
    """The peer could not be installed; the message says why."""


def python_with(peer: str, *, build: bool = True) -> Path:
    """The interpreter of ``peer``'s environment, made on first use. Raises NoEnvironment."""
    home = _cache() / f"{peer}-py{sys.version_info.major}{sys.version_info.minor}"
    python, done = home / "bin" / "python", home / ".complete"
    if done.exists():
        return python
    if not build:
        raise NoEnvironment(f"{peer} is not installed in {home}")
    venv.create(home, clear=True, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES[peer]]
    try:
        subprocess.run(install, check=True, capture_output=True, text=True, timeout=PATIENCE_S)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise NoEnvironment(f"{peer} could not be installed: {said[-1] if said else error}") from error
    done.touch()
    return python


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "remotesupport-benchmarks"
