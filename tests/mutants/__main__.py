"""``python -m tests.mutants [NAME…]``: each protection is taken out of a copy of the tree; a test must turn red.

Prints a Markdown table. Exit status 1: a mutant survived.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.mutants import MUTANTS, Mutant

HERE = Path(__file__).resolve().parents[2]
COPIED = ("connectors", "deployments", "flows", "remotesupport", "tasks", "tests", "pyproject.toml")
LONGEST_S = 600
_RED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


def mutated(text: str, mutant: Mutant) -> str:
    """The file's text without that protection. Raises ValueError when it is not there exactly once."""
    for old, new in ((mutant.old, mutant.new), *mutant.also):
        if text.count(old) != 1:
            raise ValueError(f"{mutant.name}: {mutant.file} has its text {text.count(old)} times, not once")
        text = text.replace(old, new)
    return text


def first_red(mutant: Mutant) -> tuple[str, float]:
    """The first test that notices ("" for none), and how long that took."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="remotesupport-mutant-") as folder:
        copy = Path(folder)
        for name in COPIED:
            source = HERE / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        file = copy / mutant.file
        file.write_text(mutated(file.read_text(), mutant))
        for tests in mutant.tests:
            red = _red(copy, tests.split())
            if red:
                return red, time.monotonic() - started
    return "", time.monotonic() - started


def _red(copy: Path, tests: list[str]) -> str:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", *tests]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    if done.returncode in (0, 5):
        return ""
    found = _RED.search(done.stdout)
    if found is None:
        raise RuntimeError(f"{' '.join(tests)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return found[1]


def main() -> int:
    """Every mutant, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--jobs", type=int, default=2)
    wanted = parser.parse_args()
    chosen = [m for m in MUTANTS if not wanted.names or m.name in wanted.names]
    with ThreadPoolExecutor(wanted.jobs) as pool:
        found = list(pool.map(first_red, chosen))
    print("| taken out | where | first red test | s |\n|---|---|---|---|")
    for mutant, (red, seconds) in zip(chosen, found, strict=True):
        print(f"| {mutant.name} | {mutant.file} | {red or '**survived**'} | {seconds:.0f} |")
    survivors = [m.name for m, (red, _) in zip(chosen, found, strict=True) if not red]
    print(f"\n{len(chosen)} mutants, {len(survivors)} survived: {', '.join(survivors) or 'none'}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
