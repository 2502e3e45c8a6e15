"""The list of log lines in docs/operations.md is that of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.operations_page import table

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("remotesupport", "connectors", "deployments", "flows", "tasks")
ELSEWHERE = (ROOT / "remotesupport" / "emulator", ROOT / "remotesupport" / "demo.py")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def logged() -> Iterator[tuple[str, str]]:
    """The level and the words of every call that logs, with … for what is put in."""
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    for file in files:
        if not any(file.is_relative_to(other) for other in ELSEWHERE):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _logs(node.func):
                    yield _level(node), _words(node.args[0])


def _logs(called: ast.expr) -> bool:
    return (
        isinstance(called, ast.Attribute)
        and called.attr in LEVELS
        and re.search(r"(log|logger)(\(.*\))?$", ast.unparse(called.value)) is not None
    )


def _level(call: ast.Call) -> str:
    assert isinstance(call.func, ast.Attribute)
    return "error" if call.func.attr == "exception" else call.func.attr


def _words(text: ast.expr) -> str:
    assert isinstance(text, ast.Constant), f"a line of the log whose words are not in the code: {ast.unparse(text)}"
    return re.sub(r"%(\.\d)?[sdf]", "…", str(text.value))


def test_the_page_lists_every_line_that_is_logged() -> None:
    """Each line of the code is a row of the page with its level, and each row is a line of the code."""
    page = {(level.lower(), line.strip("`")) for level, line, *_ in table("### What is logged")}
    assert page == set(logged())
