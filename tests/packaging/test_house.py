"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
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


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(text_of(file))


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
    parsed = ((f, tree_of(f)) for f in files() if f.suffix == ".py")
    assert [str(f) for f, tree in parsed if tree.body and not ast.get_docstring(tree)] == []


def laws() -> Iterator[tuple[str, str | None]]:
    for file in files():
        if file.suffix == ".py" and "tests" in file.parts:
            for node in ast.walk(tree_of(file)):
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


@cache
def calls() -> tuple[tuple[str, str, ast.Call], ...]:
    """Every call in the tests: where, its dotted name, itself. Commands that search (soak, chaos) may draw."""
    return tuple(
        (f"{file.name}:{node.lineno}", ast.unparse(node.func), node)
        for file in files()
        if file.suffix == ".py" and "tests" in file.parts and file.name not in ("__main__.py", "soak.py")
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Call)
    )


def test_nothing_is_drawn_without_a_seed() -> None:
    """No test draws at random but from a generator with a seed, and none changes what the profile fixes."""
    drawn = re.compile(r"(np\.|numpy\.)?random\.(?!Random$|default_rng$)\w+")
    unseeded = [w for w, name, call in calls() if name.endswith(("Random", "default_rng")) and not call.args]
    loose = [w for w, name, _ in calls() if drawn.fullmatch(name) or name.endswith("SystemRandom")]
    frames = [w for w, name, call in calls() if name.endswith(".sample") and "random_state" not in keywords(call)]
    fixed = {"derandomize", "database", "deadline", "print_blob"}
    changed = [w for w, name, call in calls() if name == "settings" and keywords(call) & fixed]
    assert unseeded + loose + frames + changed == []


def keywords(call: ast.Call) -> set[str]:
    return {word.arg for word in call.keywords if word.arg}


def test_what_is_slow_says_why() -> None:
    """Each use of the mark that leaves a test to `make test-all` gives one reason in words."""
    used = [(w, call.args) for w, name, call in calls() if name == "pytest.mark.thorough"]
    assert used
    assert [w for w, args in used if len(args) != 1 or not (isinstance(args[0], ast.Constant) and args[0].value)] == []
    bare = re.compile(r"mark\.thorough\b(?!\()")
    assert [str(f) for f in files() if f.suffix == ".py" and bare.search(text_of(f))] == [str(Path(__file__))]
