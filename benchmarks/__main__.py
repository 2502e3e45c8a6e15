"""``python -m benchmarks [NAME …] [--quick] [--json] [--rings N] [--connections N]``: run them, or those named.

Those in ``LONG`` run for half an hour or more, and only when they are named.

Status 0 when everything was measured, 1 when a benchmark failed (the others still run), 2 for a wrong name.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
import traceback
from collections.abc import Sequence
from typing import Any

from benchmarks.table import Table

NAMES = (
    "diff", "cycle", "cold", "schedule", "growth", "growth-postgres", "minute", "attachment", "bell", "neighbour",
    "fleet", "paper",
)  # fmt: skip
LONG = ("busy", "day")
MODULES = {"fleet": "fleet_aims", "growth-postgres": "growth_postgres"}  # where another one has the name


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what ``arguments`` name and print it."""
    options = _options(arguments)
    outcomes = [_one(name, _sizes(name, options), loud=not options.json) for name in options.names or NAMES]
    if options.json:
        print(json.dumps({"benchmarks": outcomes}, ensure_ascii=False, indent=2))
    return int(any("error" in outcome for outcome in outcomes))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks", description="The figures of this product against named peers.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; only when named: {', '.join(LONG)}"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs, not how fast")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument(
        "--rings", type=int, metavar="N", help="of the benchmark bell; 100 unless told, a quarter of an hour"
    )
    parser.add_argument(
        "--connections",
        type=int,
        metavar="N",
        help="of fleet (100 unless told; the aims are about 1000), busy (1000), growth and growth-postgres (3)",
    )
    _of_a_day(parser)
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in NAMES + LONG]
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(NAMES + LONG)}")
    return options


def _of_a_day(parser: argparse.ArgumentParser) -> None:
    day = parser.add_argument_group("of the benchmark day")
    day.add_argument("--runs", type=int, metavar="N", help="scheduled runs; 1440 unless told")
    day.add_argument("--every", type=float, metavar="SECONDS", help="a minute of that day; 2 unless told, 48 minutes")
    day.add_argument("--database", choices=("sqlite", "postgresql", "both"), help="sqlite unless told")


def _sizes(name: str, options: argparse.Namespace) -> dict[str, Any]:
    more = {
        "bell": {"rings": options.rings},
        "fleet": {"connections": options.connections},
        "busy": {"connections": options.connections},
        "growth": {"connections": options.connections},
        "growth-postgres": {"connections": options.connections},
        "day": {"runs": options.runs, "every": options.every, "database": options.database},
    }
    return {"quick": options.quick} | more.get(name, {})


def _one(name: str, sizes: dict[str, Any], *, loud: bool) -> dict[str, Any]:
    started = time.monotonic()
    try:
        table: Table = importlib.import_module(f"benchmarks.{MODULES.get(name, name)}").run(**sizes)
    except Exception as error:
        traceback.print_exc()
        return {"benchmark": name, "error": f"{type(error).__name__}: {error}"}
    took = time.monotonic() - started
    if loud:
        print(f"{table.text()}\n  ({name}: {took:.0f} s)\n", flush=True)
    return {"benchmark": name, "took_s": round(took, 1), **table.to_json()}


if __name__ == "__main__":
    sys.exit(main())
