"""``python -m tests.fuzz --examples N [--seed S] [--jobs J]``: foreign bytes before every parser and every view.

``--answers N``: instead of that, so many mutated answers over real HTTP against a running cycle, for one connection of
three. Prints figures and what breaks a law, with its seed (once more: ``--examples 1 --seed THAT``, or with
``--answers 1``: one whole life of that seed). Exit status 1: a law was broken.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count, islice
from multiprocessing import get_context

from tests.fuzz.batches import examples, life

BATCH = 50


def main() -> int:
    """Run them and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--answers", type=int, default=0, help="mutated answers over HTTP")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    wanted = parser.parse_args()
    started, met, broken = time.monotonic(), Counter[str](), 0
    with ProcessPoolExecutor(wanted.jobs, mp_context=get_context("spawn")) as pool:
        for wrong, found in _lives(pool, wanted) if wanted.answers else _examples(pool, wanted):
            met.update(found)
            broken += bool(wrong)
            for said in wrong:
                print(said, flush=True)
    done = f"{met['mutated']} mutated answers" if wanted.answers else f"{wanted.examples} examples"
    print(f"{done} in {time.monotonic() - started:.0f} s; {broken} seeds (or batches) broke a law")
    print(", ".join(f"{name}: {number}" for name, number in met.most_common()))
    return 1 if broken else 0


def _examples(pool: ProcessPoolExecutor, wanted: argparse.Namespace) -> Iterator[tuple[list[str], Counter[str]]]:
    starts = range(wanted.seed, wanted.seed + wanted.examples, BATCH)
    sizes = [min(BATCH, wanted.seed + wanted.examples - start) for start in starts]
    yield from pool.map(examples, starts, sizes)


def _lives(pool: ProcessPoolExecutor, wanted: argparse.Namespace) -> Iterator[tuple[list[str], Counter[str]]]:
    """Lives until their answers are enough; as many at a time as there are processes."""
    seeds, mutated = count(wanted.seed), 0
    while mutated < wanted.answers:
        for wrong, found in pool.map(life, list(islice(seeds, wanted.jobs))):
            mutated += found["mutated"]
            yield wrong, found
        print(f"{mutated} mutated answers so far", flush=True)


if __name__ == "__main__":
    sys.exit(main())
