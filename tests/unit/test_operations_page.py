"""What docs/operations.md names is there: commands with their options, and files of the state folder."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from typer.main import get_command

from remotesupport.cli.main import app
from tests.operations_page import PAGE, section

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("remotesupport", "deployments", "flows", "tasks")
NAMES = re.compile(r"(\w*_)?(FILE|FILE_NAME|FOLDER)")
NOT_STATE = {"remotesupport.toml"}


def commands_on_the_page() -> set[str]:
    """Each command as it is written, without what follows a pipe or a comment."""
    text = PAGE.read_text(encoding="utf-8")
    written = re.findall(r"`remotesupport ([a-z][^`]*)`", text) + re.findall(
        r"^    remotesupport (.*)", text, re.MULTILINE
    )
    return {words.partition("#")[0].strip() for words in written}


def test_every_command_on_the_page_is_there() -> None:
    """Each has its name and its options, so that it can be pasted."""
    top: Any = get_command(app)
    for words in commands_on_the_page():
        known, rest = top, words.split()
        while rest and rest[0] in getattr(known, "commands", {}):
            known = known.commands[rest.pop(0)]
        options = {name for param in known.params for name in param.opts}
        assert known.name not in (None, "remotesupport"), words
        assert {word for word in rest if word.startswith("--")} <= options, words
    assert len(commands_on_the_page()) > 20


def names_in_the_state_folder() -> set[str]:
    """The names that modules keep for what they put there."""
    found = set()
    for file in (file for package in PACKAGES for file in (ROOT / package).rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign):
                found |= {str(name) for name in _names(node)}
    return found - NOT_STATE


def _names(node: ast.Assign) -> set[str]:
    targets = node.targets[0].elts if isinstance(node.targets[0], ast.Tuple) else [node.targets[0]]
    values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    named = zip(targets, values, strict=False)
    return {
        str(value.value)
        for target, value in named
        if isinstance(target, ast.Name) and NAMES.fullmatch(target.id) and isinstance(value, ast.Constant)
    }


def test_every_file_of_the_state_folder_is_on_the_page() -> None:
    """Whatever a module puts there under a name of its own has a row that says whether it may be lost."""
    rows = "\n".join(line for line in section("## Where state lives") if line.startswith("|"))
    names = names_in_the_state_folder()
    assert {"remotesupport.sqlite3", "bell.token", "reports"} <= names
    assert [name for name in sorted(names) if name not in rows] == []
