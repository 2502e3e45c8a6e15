"""Our tabular diff of two snapshots of 100,000 rows, against the best plain polars join and against datacompy.

The same frames for all: 12 columns, mostly text, 0.1 % of the rows changed, new and gone each. All must find
the planted rows and say which columns changed. datacompy pins an older pandas, so it gets an environment of its own and
the frames through parquet files, read before the clock starts; polars gets them converted before it starts.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import polars as pl

from benchmarks.environment import NoEnvironment, python_with
from benchmarks.measure import Sample, interleaved, timed
from benchmarks.snapshots import KEY, Pair, pair
from benchmarks.table import Row, Table, against
from remotesupport.core.tables.snapshot_diff import diff

OURS, JOIN, LAZY, DATACOMPY = "remotesupport", "polars join", "polars join, lazy", "datacompy"


def run(*, quick: bool = False) -> Table:
    """Measure; ``quick``: 2,000 rows, and datacompy only where it is installed already."""
    rows, rounds = (2_000, 2) if quick else (100_000, 7)
    both, notes = pair(rows), []
    with ExitStack() as stack:
        candidates = _in_process(both)
        try:
            peer, version = stack.enter_context(_datacompy(both, build=not quick))
            candidates[DATACOMPY] = peer
            notes.append(version)
        except NoEnvironment as error:
            notes.append(f"no datacompy: {error}")
        figures = interleaved(candidates, rounds)
    best = min((JOIN, LAZY), key=lambda name: figures[name].median)
    if DATACOMPY in figures:
        notes.append(f"{OURS} takes {figures[OURS].median / figures[DATACOMPY].median:.3f} of datacompy's time")
    table = tuple(Row(r.name, r.figures, r.ratio) for r in against(best, figures))
    return Table(f"Difference of two snapshots of {rows:,} rows", f"best {JOIN}", table, tuple(notes))


def _in_process(both: Pair) -> dict[str, Callable[[], Sample]]:
    old, new = pl.from_pandas(both.old), pl.from_pandas(both.new)
    works: dict[str, Callable[[], tuple[int, int, int]]] = {
        OURS: lambda: ours(both),
        JOIN: lambda: joined(old, new, both.columns),
        LAZY: lambda: joined_lazily(old, new, both.columns),
    }
    for name, work in works.items():
        found = work()
        if found != both.planted:
            raise AssertionError(f"{name} found {found}, planted were {both.planted}")
    return {name: timed(work) for name, work in works.items()}


def ours(both: Pair) -> tuple[int, int, int]:
    """New, gone and changed rows by the product's diff, with the changed columns' names."""
    found = diff(both.old, both.new, [KEY], both.columns)
    return len(found.new_keys), len(found.gone_keys), len(found.names)


def joined(old: pl.DataFrame, new: pl.DataFrame, columns: list[str]) -> tuple[int, int, int]:
    """The same by an inner and two anti joins; the flags of the changed columns come with the changed rows."""
    both = old.join(new, on=KEY, how="inner", suffix="_new")
    changed = both.select(KEY, *_flags(columns)).filter(pl.any_horizontal(columns))
    return new.join(old, on=KEY, how="anti").height, old.join(new, on=KEY, how="anti").height, changed.height


def joined_lazily(old: pl.DataFrame, new: pl.DataFrame, columns: list[str]) -> tuple[int, int, int]:
    """The same, planned by polars' optimiser as one query."""
    left, right = old.lazy(), new.lazy()
    both = left.join(right, on=KEY, how="inner", suffix="_new")
    changed = both.select(KEY, *_flags(columns)).filter(pl.any_horizontal(columns))
    anti = (right.join(left, on=KEY, how="anti").select(KEY), left.join(right, on=KEY, how="anti").select(KEY))
    fresh, gone, hit = pl.collect_all([*anti, changed])
    return fresh.height, gone.height, hit.height


def _flags(columns: list[str]) -> list[pl.Expr]:
    return [pl.col(c).ne_missing(pl.col(f"{c}_new")).alias(c) for c in columns]


@contextmanager
def _datacompy(both: Pair, *, build: bool) -> Iterator[tuple[Callable[[], Sample], str]]:
    python = python_with("datacompy", build=build)
    script = Path(__file__).with_name("datacompy_peer.py")
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, name)) for name in ("old.parquet", "new.parquet")]
        for frame, path in zip((both.old, both.new), paths, strict=True):
            frame.to_parquet(path)
        command = [str(python), "-I", str(script), *paths, KEY]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
            versions = json.loads(_answer(peer))
            yield lambda: _ask(peer, both.planted), ", ".join(f"{k} {v}" for k, v in versions.items())
            peer.communicate()


def _ask(peer: subprocess.Popen[str], planted: tuple[int, int, int]) -> Sample:
    assert peer.stdin is not None
    peer.stdin.write("\n")
    peer.stdin.flush()
    answer = json.loads(_answer(peer))
    if tuple(answer["counts"]) != planted:
        raise AssertionError(f"datacompy found {answer['counts']}, planted were {planted}")
    return Sample(answer["wall"], answer["cpu"])


def _answer(peer: subprocess.Popen[str]) -> str:
    assert peer.stdout is not None
    line = peer.stdout.readline()
    if not line:
        raise NoEnvironment("datacompy's process ended without an answer")
    return line
