"""References to secrets: looked up late, shown never."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from remotesupport.settings import SecretRef, SettingsError
from remotesupport.settings_secrets import resolve_all

SECRET = "invented-secret-77"


async def block(name: str) -> str:
    return f"{SECRET}-{name}"


async def test_from_environment() -> None:
    """env: reads the variable when it is asked, not before."""
    assert await SecretRef("env:INVENTED").resolve(environ={"INVENTED": SECRET}) == SECRET


async def test_unset_variable_names_itself() -> None:
    """A variable that is not set is named, with the cure."""
    with pytest.raises(SettingsError, match="export INVENTED="):
        await SecretRef("env:INVENTED").resolve(environ={})


async def test_from_file(tmp_path: Path) -> None:
    """file: reads the file without its last line end."""
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n", encoding="utf-8")
    file.chmod(0o600)
    ref = SecretRef(f"file:{file}")
    assert await ref.resolve() == SECRET
    assert ref.warning() == ""


async def test_file_that_others_can_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A secret's file that others can read is used, with a warning that names the cure and not the secret."""
    file = tmp_path / "secret"
    file.write_text(SECRET, encoding="utf-8")
    file.chmod(0o644)
    assert await SecretRef(f"file:{file}").resolve() == SECRET
    assert "chmod 600" in caplog.text
    assert SECRET not in caplog.text


async def test_missing_or_empty_file(tmp_path: Path) -> None:
    """A file that is missing or empty is an error that names the file."""
    with pytest.raises(SettingsError, match="cannot be read"):
        await SecretRef(f"file:{tmp_path}/none").resolve()
    (tmp_path / "empty").touch(0o600)
    with pytest.raises(SettingsError, match="is empty"):
        await SecretRef(f"file:{tmp_path}/empty").resolve()


async def test_from_block() -> None:
    """prefect: asks the function that the caller hands over."""
    assert await SecretRef("prefect:acme").resolve(block) == f"{SECRET}-acme"


async def test_block_without_prefect() -> None:
    """Where Prefect is not at hand, the message says what to use."""
    with pytest.raises(SettingsError, match="PREFECT_API_URL"):
        await SecretRef("prefect:acme").resolve()


def test_repr_shows_the_place_only() -> None:
    """A reference prints as the place, and equal places are equal."""
    assert repr(SecretRef("env:INVENTED")) == "SecretRef('env:INVENTED')"
    assert SecretRef("env:INVENTED") == SecretRef("env:INVENTED")
    assert len({SecretRef("env:INVENTED"), SecretRef("env:INVENTED")}) == 1


async def test_all_that_are_not_there_are_named() -> None:
    """Of several references every one that cannot be had is a problem of one error, a shared one once."""
    wanted = [
        SecretRef("env:NOT_THERE_1"),
        SecretRef("env:PATH"),
        SecretRef("file:/not/there"),
        SecretRef("env:NOT_THERE_1"),
    ]
    with pytest.raises(SettingsError) as caught:
        await resolve_all(wanted, None)
    assert [p.where for p in caught.value.problems] == ["env:NOT_THERE_1", "file:/not/there"]
    assert await resolve_all([SecretRef("env:PATH")], None) == [os.environ["PATH"]]
