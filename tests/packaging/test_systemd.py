"""The units and the command beside them, by their text: no systemd runs here."""

from __future__ import annotations

import subprocess
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "deployments" / "systemd"
SHARED = {
    "DynamicUser", "User", "StateDirectory", "StateDirectoryMode", "WorkingDirectory", "Environment", "EnvironmentFile",
}  # fmt: skip
STAND_IN = '#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done\n'


def settings_of(unit: str) -> set[tuple[str, str]]:
    """What a unit says of user, folders and environment."""
    lines = (line.partition("=") for line in (FOLDER / unit).read_text().splitlines() if "=" in line)
    return {(name, value) for name, _, value in lines if name in SHARED}


def asked_of_systemd(folder: Path, *words: str) -> list[str]:
    """What the command asks systemd-run for, which a stand-in prints."""
    (folder / "systemd-run").write_text(STAND_IN)
    (folder / "systemd-run").chmod(0o755)
    command = ["/bin/sh", FOLDER / "remotesupport.sh", *words]
    return subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )


def test_the_command_runs_as_the_service_does(tmp_path: Path) -> None:
    """User, folders, configuration and secrets are those of the unit, so that both see one state and may write it."""
    given = {tuple(w.removeprefix("--property=").split("=", 1)) for w in asked_of_systemd(tmp_path) if "property" in w}
    assert given == settings_of("remotesupport.service")
    assert {name for name, _ in given} == SHARED


def test_the_command_passes_its_words_on(tmp_path: Path) -> None:
    """The program is the unit's, and its words arrive as they were given."""
    words = asked_of_systemd(tmp_path, "parked", "drop", "7", "--why", "two words")
    program = words.index("parked") - 1
    unit = (FOLDER / "remotesupport.service").read_text()
    assert f"ExecStart={words[program]} up\n" in unit
    assert words[program + 1 : -1] == ["parked", "drop", "7", "--why", "two words"]
