"""``make try-versions``: the wheel with versions that the lock does not name, until two scheduled runs are done.

By itself the newest that pyproject.toml allows, with ``--lowest`` the lowest. ``--with sqlalchemy==2.1.9`` puts one in
by force. Exit status 1: they do not work together, or cannot be installed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.built_wheel import built_wheel
from tests.versions.environment import Refused, environment, versions
from tests.versions.minutes import StoodStill, scheduled_minutes


def main() -> int:
    """Install, start, wait, say what was found."""
    parser = argparse.ArgumentParser(prog="make try-versions ARGS=", description="Other versions than the lock's.")
    parser.add_argument("--lowest", action="store_true", help="the lowest that pyproject.toml allows, not the newest")
    parser.add_argument("--with", dest="forced", action="append", default=[], metavar="NAME==VERSION", help="by force")
    parser.add_argument("--list", action="store_true", help="show what was installed")
    chosen, began = parser.parse_args(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="remotesupport-versions-") as name:
        folder = Path(name)
        try:
            programs = environment(folder, built_wheel(folder), lowest=chosen.lowest, forced=chosen.forced)
            if chosen.list:
                print("\n".join(versions(programs)))
            print("Installed; now two scheduled runs are waited for.", flush=True)
            runs = scheduled_minutes(programs, folder)
        except (Refused, StoodStill) as error:
            print(error, file=sys.stderr)
            return 1
    print(f"Scheduled by the server and completed: {', '.join(runs)} ({time.monotonic() - began:.0f} s in all)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
