"""The wheel, built once, and an environment with nothing of ours but that wheel."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.built_wheel import built_wheel

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is."""
    return built_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def empty_environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and, read from where they are, the libraries it needs."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = str(folder / "bin" / "python")
    # pip of this environment installs into that one; a path file names the libraries, whose own path files (and with
    # them the editable install of the sources) are not read there.
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True, text=True)
    site = next((folder / "lib").glob("python*/site-packages"))
    (site / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def installed(empty_environment: Path, tmp_path: Path) -> Command:
    """Run a command of the empty environment in an empty folder, with a state folder of its own."""
    empty = tmp_path / "empty"
    empty.mkdir()
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "REMOTESUPPORT_HOME": str(tmp_path / "state")}

    def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(empty_environment / "bin" / program), *arguments]
        return subprocess.run(command, check=False, cwd=empty, env=environ, capture_output=True, text=True, timeout=60)

    return run
