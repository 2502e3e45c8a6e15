"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.built_wheel import ROOT

LONGEST = 400
# Hosts of package registries, in pieces, so that this file does not name them either.
REGISTRIES = [".".join(p) for p in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("debian", "org"))]


def files() -> list[Path]:
    """Every file that is, or is about to be, in the repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def test_no_registry_is_named() -> None:
    """No file names the host of a package registry, so every mirror serves."""
    named = re.compile("|".join(map(re.escape, REGISTRIES)))
    assert [str(f) for f in files() if named.search(text_of(f))] == []


def test_files_stay_short() -> None:
    """No source file is longer than four hundred lines."""
    sources = [f for f in files() if f.suffix == ".py"]
    assert [str(f) for f in sources if text_of(f).count("\n") > LONGEST] == []


def test_every_module_says_what_it_is_for() -> None:
    """Every module that holds code begins with a docstring."""
    parsed = ((f, ast.parse(text_of(f))) for f in files() if f.suffix == ".py")
    assert [str(f) for f, tree in parsed if tree.body and not ast.get_docstring(tree)] == []


def laws() -> Iterator[tuple[str, str | None]]:
    for file in files():
        if file.suffix == ".py" and "tests" in file.parts:
            for node in ast.walk(ast.parse(text_of(file))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
                    yield f"{file.name}:{node.lineno} {node.name}", ast.get_docstring(node)


def test_every_test_states_a_law() -> None:
    """Each test's docstring is there and is one sentence's length."""
    assert [where for where, law in laws() if not law] == []


def test_fakes_not_patches() -> None:
    """No test replaces our code under its feet, and none sleeps but to poll a process from end to end."""
    patches, sleeps = re.compile("mock" + r"\.patch|monkeypatch" + r"\.setattr"), re.compile("time" + r"\.sleep")
    tests = [
        f for f in files() if "tests" in f.parts and f.name.startswith(("test_", "conftest")) and f.suffix == ".py"
    ]
    assert [str(f) for f in tests if patches.search(text_of(f))] == []
    assert [str(f) for f in tests if "e2e" not in f.parts and sleeps.search(text_of(f))] == []
