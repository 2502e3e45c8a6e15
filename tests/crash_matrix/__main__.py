"""``python -m tests.crash_matrix``: the whole matrix on both databases, as a table. Exit status 1: a cell is wrong."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from contextlib import nullcontext

from tests.crash_matrix.child import POINTS
from tests.crash_matrix.matrix import Cell, Versions, column, yardstick
from tests.crash_matrix.situations import SITUATIONS
from tests.postgres_server import PostgresServer, postgres_server


async def matrix(databases: list[str], server: PostgresServer | None, versions: Versions) -> dict[str, list[Cell]]:
    """Database → its cells."""
    right = await yardstick(versions)
    found: dict[str, list[Cell]] = {}
    for database in databases:
        for point in POINTS:
            url = server.new_database() if database == "postgresql" and server else None
            found.setdefault(database, []).extend(await column(point, right, url, versions))
            print(f"{database}: {point}", file=sys.stderr, flush=True)
    return found


def table(found: dict[str, list[Cell]]) -> str:
    """Markdown: one row per kind of write, one column per point; ok, or what was wrong."""
    lines = ["| write | " + " | ".join(POINTS) + " |", "|---" * (len(POINTS) + 1) + "|"]
    for situation in SITUATIONS:
        cells = []
        for point in POINTS:
            here = [c for cs in found.values() for c in cs if (c.kind, c.point) == (situation.name, point)]
            good = sum(not c.wrong and c.killed for c in here)
            cells.append(f"{good} of {len(here)}" if here else "refused")
        lines.append(f"| {situation.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    """Run, print, and say how many cells were wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--main", default="6.94.1", help="version of the main billing")
    parser.add_argument("--external", default="6.94.1", help="version of the external billing")
    chosen = parser.parse_args()
    wanted, versions = chosen.database, Versions(chosen.main, chosen.external)
    databases = ["sqlite", "postgresql"] if wanted == "both" else [wanted]
    started = time.monotonic()
    with postgres_server() if "postgresql" in databases else nullcontext() as server:
        found = asyncio.run(matrix(databases, server, versions))
    cells = [cell for cs in found.values() for cell in cs]
    bad = [(d, c) for d, cs in found.items() for c in cs if c.wrong or not c.killed]
    print(table(found))
    for database, cell in bad:
        print(f"\n{database}: {cell.kind}, {cell.point}: {cell.wrong or 'the process was not killed'}")
    print(f"\n{len(cells)} cells on {', '.join(databases)}, {len(bad)} wrong, {time.monotonic() - started:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
