"""Tell whether a warm worker of this state folder works: ``python -m deployments.worker_health``; exit status 0 or 1.

For the health checks of containers: it imports nothing of ours but a name, and takes some hundredths of a second.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from deployments.worker_name import ALIVE

PATIENCE_S = 60.0
"""A worker asks Prefect for runs every two seconds, and at least every thirty when that does not answer."""


def youngest(home: Path, now: float) -> float | None:
    """Find how many seconds ago a worker has last had an answer from Prefect; None: none ever had one."""
    ages = [now - found.stat().st_mtime for found in home.glob(f"worker-*{ALIVE}")]
    return min(ages, default=None)


def main(home: Path, now: float) -> int:
    """Say what is wrong, if anything is. → exit status."""
    age = youngest(home, now)
    if age is not None and age <= PATIENCE_S:
        return 0
    since = "never" if age is None else f"not for {age:.0f} s"
    sys.stderr.write(f"No worker of {home} has had an answer from Prefect: {since}. See its log and PREFECT_API_URL.\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(Path(os.environ.get("REMOTESUPPORT_HOME") or Path.cwd()), time.time()))
