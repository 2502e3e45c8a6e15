"""``python -m tests.chaos --minutes 30 --seed 1``: prints the report; status 1 when a law was broken."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys

from tests.chaos.run import chaos


def main() -> int:
    """One chaos run."""
    parser = argparse.ArgumentParser(prog="make chaos ARGS=", description="Everything breaks at random; the laws hold.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    report = asyncio.run(chaos(chosen.minutes, chosen.seed))
    print(report)
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
