"""``python -m tests.older_stores``: write the store of a new revision, lived by the program as it is now."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from remotesupport.store.migrate import HEAD
from tests.cycle_fixtures import Desk
from tests.older_stores.day import NO_SHARES, lived
from tests.older_stores.files import FOLDER, rows_of, written
from tests.older_stores.worlds import image


def main() -> int:
    """Write the file; refuse to write it again."""
    file = FOLDER / f"{HEAD}.json"
    if file.exists():
        print(f"{file} is there: it holds what the program of its time wrote, and stays as it is")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), "acme", "globex", extra=NO_SHARES)
        tickets = asyncio.run(lived(desk))
        worlds = {name: image(world) for name, world in (("main", desk.main), *desk.externals.items())}
        with desk.store._db.read() as conn:
            left = {"now": desk.clock.now, "tickets": tickets, "worlds": worlds, "rows": rows_of(conn)}
        file.write_text(written(left), encoding="utf-8")
        desk.store.close()
    print(f"wrote {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
