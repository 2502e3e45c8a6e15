"""``python -m tests.simulation.soak --examples N [--seed S] [--jobs J]``: as many histories as wanted, by seed.

``--over http [--pair 6/4] [--texts]``: emulated billings over real HTTP (main/first external; all pairs in turn by
default). Prints the seeds that break a law (one of them again: ``--examples 1 --seed THAT``, with the same
``--connections``) and what the histories have met.
Exit status 1: a law was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from tests.simulation import over_http
from tests.simulation.machine import BADNESS, CONNECTIONS, DISASTERS, KINDS, MOST_ACTS, Product
from tests.simulation.over_http import PAIRS, lived
from tests.simulation.weather import MET

MINUTES = (2, 6)


def world(seed: int, connections: int = CONNECTIONS) -> tuple[int, str, Counter[str]]:
    """One world of so many histories → its seed, what broke ("" for nothing), what it met."""
    chance = random.Random(seed)
    MET.clear()
    product, broken = type("Product", (Product,), {"connections": connections})(), ""
    try:
        product.begin(seed, [])
        for _ in range(chance.randint(*MINUTES)):
            most, badness = chance.randint(0, MOST_ACTS), chance.choice(BADNESS)
            product.minute(most=most, badness=badness, kind=chance.choice(KINDS), then=chance.choice(DISASTERS))
        product.teardown()
    except Exception as error:
        broken = f"{type(error).__name__}: {error}"
    return seed, broken, Counter(MET)


def history_over_http(pair: str, texts: bool, seed: int) -> tuple[int, str, Counter[str]]:
    """The same over real HTTP, for a pair or (``all``) for the one whose turn it is.

    ``texts``: main and the first external change what is written to them, each in a way that is drawn.
    """
    pair, chance = list(PAIRS)[seed % len(PAIRS)] if pair == "all" else pair, random.Random(seed)
    minutes = over_http.history(chance)
    main, acme = ({"stored_text": chance.choice(over_http.TEXTS)} if texts else {} for _ in range(2))
    try:
        wrong, met = asyncio.run(lived(pair, minutes, main, acme))
    except Exception as error:
        return seed, f"{pair} {main} {acme}: {type(error).__name__}: {error}", Counter()
    return seed, f"{pair} {main} {acme}: {'; '.join(wrong)}" if wrong else "", met


def main() -> int:
    """Run them and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="histories, each of one connection")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help="histories a world: more cost less each")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--over", choices=["memory", "http"], default="memory")
    parser.add_argument("--pair", choices=["all", *PAIRS], default="all", help="versions of main and first external")
    parser.add_argument("--texts", action="store_true", help="over http: servers change what is written to them")
    wanted = parser.parse_args()
    each, live = wanted.connections, partial(world, connections=wanted.connections)
    if wanted.over == "http":
        each, live = 1, partial(history_over_http, wanted.pair, wanted.texts)
    worlds = -(-wanted.examples // each)
    seeds = range(wanted.seed, wanted.seed + worlds)
    print(f"seeds {seeds[0]} to {seeds[-1]}, {each} histories each", flush=True)
    started, met, broken = time.monotonic(), Counter[str](), []
    with ProcessPoolExecutor(wanted.jobs, mp_context=get_context("spawn")) as pool:
        for seed, why, found in pool.map(live, seeds):
            met.update(found)
            if why:
                broken.append(seed)
                print(f"seed {seed}: {why}", flush=True)
    took = time.monotonic() - started
    histories = worlds * each
    print(f"{histories} histories in {took:.0f} s ({histories / took:.2f} a second)")
    print(f"{len(broken)} seeds broke a law: {broken}")
    print(", ".join(f"{name}: {count}" for name, count in met.most_common()))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
