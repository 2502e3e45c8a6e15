"""What people install: our five packages, whole, and nothing else."""

from __future__ import annotations

import importlib.metadata
import zipfile
from pathlib import Path

import pytest

from tests.built_wheel import OURS, ROOT
from tests.packaging.conftest import Command

pytestmark = pytest.mark.thorough("a wheel is built, and installed beside everything that it needs")


def sources() -> set[str]:
    files = (f for package in OURS for f in (ROOT / package).rglob("*") if f.is_file())
    return {f.relative_to(ROOT).as_posix() for f in files if "__pycache__" not in f.parts}


def test_wheel_holds_our_packages_whole(wheel: Path) -> None:
    """Every file of the five packages is in the wheel, and no test or other file is."""
    names = {n for n in zipfile.ZipFile(wheel).namelist() if not n.endswith("/")}
    assert {n for n in names if ".dist-info/" not in n} == sources()


def test_five_names_have_one_owner() -> None:
    """No other installed distribution brings a module of our generic names."""
    owners = importlib.metadata.packages_distributions()
    assert {name: set(owners.get(name, [])) for name in OURS if name in owners} == {
        name: {"remotesupport"} for name in OURS if name in owners
    }
    others = (d for d in importlib.metadata.distributions() if d.metadata["Name"] != "remotesupport")
    assert [f"{d.metadata['Name']}: {f}" for d in others for f in d.files or () if f.parts[0] in OURS] == []


def test_installed_code_is_the_wheel(installed: Command, empty_environment: Path) -> None:
    """In the empty environment each of the five names comes from the wheel, not from the sources."""
    code = f"import {', '.join(OURS)}; print(*(m.__file__ for m in ({', '.join(OURS)})), sep='\\n')"
    result = installed("python", "-c", code)
    assert result.returncode == 0, result.stderr
    assert all(line.startswith(str(empty_environment)) for line in result.stdout.splitlines())


def test_help_from_an_empty_folder(installed: Command) -> None:
    """The installed command lists its commands wherever it is called."""
    result = installed("remotesupport", "--help")
    assert result.returncode == 0, result.stderr
    assert "backfill" in result.stdout


def test_init_and_status_from_an_empty_folder(installed: Command) -> None:
    """init writes a file that status understands: never read. The store's migrations are in the wheel."""
    assert installed("remotesupport", "init").returncode == 0
    result = installed("remotesupport", "status", "--json")
    assert result.returncode == 1, result.stderr
    assert '"acme"' in result.stdout
    assert '"never_read"' in result.stdout
    made = installed("remotesupport", "parked", "--json")
    assert made.returncode == 0, made.stderr


def test_check_without_secrets_says_which(installed: Command) -> None:
    """A password that is not there is a row of check with its cure, and a person is needed."""
    assert installed("remotesupport", "init").returncode == 0
    result = installed("remotesupport", "check")
    assert result.returncode == 3, result.stderr
    assert "ACME_PASSWORD" in result.stdout
