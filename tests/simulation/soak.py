"""``python -m tests.simulation.soak --examples N [--seed S] [--jobs J]``: as many histories as wanted, by seed.

Prints the seeds that break a law (one of them again: ``--examples 1 --seed THAT``) and what the histories have met.
Exit status 1: a law was broken.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.simulation.machine import ACTS, MET, NAMES, Product

MINUTES = 8


def history(seed: int) -> tuple[int, str, Counter[str]]:
    """One example → its seed, what broke ("" for nothing), what it met."""
    chance = random.Random(seed)
    MET.clear()
    world, broken = Product(), ""
    try:
        for _ in range(MINUTES):
            acts = [
                (chance.choice(NAMES), chance.choice(ACTS), chance.randint(0, 5)) for _ in range(chance.randint(0, 12))
            ]
            weather = chance.choice((0.0, 0.05, 0.1, 0.2))
            world.minute(acts=acts, seed=chance.randint(0, 2**16), badness=weather, audit=chance.randint(0, 5))
        world.teardown()
    except Exception as error:
        broken = f"{type(error).__name__}: {error}"
    return seed, broken, Counter(MET)


def main() -> int:
    """Run them and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    wanted = parser.parse_args()
    print(f"seeds {wanted.seed} to {wanted.seed + wanted.examples - 1}, {len(NAMES)} histories each", flush=True)
    started, met, broken = time.monotonic(), Counter[str](), []
    seeds = range(wanted.seed, wanted.seed + wanted.examples)
    with ProcessPoolExecutor(wanted.jobs, mp_context=get_context("spawn")) as pool:
        for seed, why, found in pool.map(history, seeds):
            met.update(found)
            if why:
                broken.append(seed)
                print(f"seed {seed}: {why}", flush=True)
    took = time.monotonic() - started
    histories = wanted.examples * len(NAMES)
    print(f"{histories} histories in {took:.0f} s ({histories / took:.2f} a second)")
    print(f"{len(broken)} seeds broke a law: {broken}")
    print(", ".join(f"{name}: {count}" for name, count in met.most_common()))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
