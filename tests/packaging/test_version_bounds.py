"""Versions of what runs: each library is bounded where the next series may break it, or it is said why it is not."""

from __future__ import annotations

import importlib.metadata
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.built_wheel import ROOT
from tests.versions.environment import environment
from tests.versions.minutes import scheduled_minutes

# Whose requirements are loaded when the product runs: Prefect's server is fastapi, its services run on pydocket.
LOADING = ("prefect", "great-expectations", "fastapi", "pydocket", "prefect-redis")
UPPER, LOWER = {"<", "<=", "==", "~=", "==="}, {">", ">=", "==", "~=", "==="}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def ours() -> list[Requirement]:
    """What we name, in optional groups, too."""
    groups = PROJECT["project"]["optional-dependencies"].values()
    return [Requirement(text) for texts in (PROJECT["project"]["dependencies"], *groups) for text in texts]


def required_by(name: str) -> list[Requirement]:
    """Of this installed library, on this machine and without extras."""
    found = (Requirement(text) for text in importlib.metadata.requires(name) or [])
    return [one for one in found if one.marker is None or one.marker.evaluate({"extra": ""})]


def loaded() -> Iterator[Requirement]:
    """All requirements of what runs: ours, and those of whom we load."""
    yield from ours()
    for name in LOADING:
        yield from required_by(name)


def bounded(requirements: Iterable[Requirement], operators: set[str]) -> set[str]:
    return {canonicalize_name(one.name) for one in requirements if any(s.operator in operators for s in one.specifier)}


def test_what_runs_has_an_upper_bound_or_a_reason() -> None:
    """Each library that runs is bounded by us or by who requires it; of the others it is said why, and of no more."""
    reasons = PROJECT["tool"]["version-bounds"]
    unbounded = {canonicalize_name(one.name) for one in loaded()} - bounded(loaded(), UPPER)
    assert set(reasons) == unbounded
    assert all(reasons.values())


def test_what_we_name_has_a_lowest_version() -> None:
    """Each dependency of ours names its lowest version; `make lock` tries them."""
    assert [one.name for one in ours() if not any(s.operator in LOWER for s in one.specifier)] == []


@pytest.mark.thorough("an environment is installed, and two minutes of the schedule are waited for")
def test_the_newest_allowed_versions_run(wheel: Path, tmp_path: Path) -> None:
    """What `pip install` of the wheel brings today completes two scheduled runs and carries a client's ticket."""
    assert len(scheduled_minutes(environment(tmp_path, wheel), tmp_path)) >= 2
