"""The wheel as people get it, built from a copy of the sources, so that nothing is left beside them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = ("connectors", "deployments", "flows", "remotesupport", "tasks")


def built_wheel(folder: Path) -> Path:
    """Build it in ``folder``, an empty one, and say where it is."""
    source, target = folder / "source", folder / "dist"
    for package in (*OURS, "tests"):
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, source)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return next(target.glob("*.whl"))
