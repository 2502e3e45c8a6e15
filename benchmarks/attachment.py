"""A large file from one billing to the other: by how much the product's process grows, against the file's size.

The billings and the product are processes of their own. Growth is that of the largest memory the process has ever had,
in the one run that carries the file, after a run that has carried a small one. ``python -m benchmarks.attachment`` is
the product's process: it waits for a line on its standard input between the two runs.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fleet import DEPARTMENT, Fleet, configuration, running_fleet
from benchmarks.measure import Sample, figures, timed
from benchmarks.product import product
from benchmarks.table import Row, Table
from remotesupport.settings import load_settings

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Carried:
    """A file of ``size`` bytes was carried: ``grown`` bytes of memory, wall and CPU time of the run."""

    size: int
    grown: int
    sample: Sample


def run(*, quick: bool = False) -> Table:
    """Measure; ``quick``: smaller files."""
    sizes = (4 * MB, 16 * MB) if quick else (10 * MB, 100 * MB)
    rows = tuple(_row(carried(size)) for size in sizes)
    note = "the run reads both sides, fetches the file, writes it, and reads it back to compare its SHA-256"
    return Table("A file from an external billing to the main one", "the file's size", rows, (note,))


def carried(size: int) -> Carried:
    """One file from acme to main. Raises RuntimeError when it is not there to the byte afterwards."""
    with tempfile.TemporaryDirectory() as folder, running_fleet(["acme"]) as fleet:
        _, environ = configuration(fleet, Path(folder), f"attachment_limit_mb = {size // 2**20 + 1}")
        _open(fleet, 1 * MB)
        command = [sys.executable, "-m", "benchmarks.attachment"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=os.environ | environ) as process:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise RuntimeError(f"the product did not start (status {process.wait()})")
            _open(fleet, size)
            said, _ = process.communicate("go\n")
        _compare(fleet, size)
    found = json.loads(said)
    return Carried(size, found["grown"], Sample(found["wall"], found["cpu"]))


def _open(fleet: Fleet, size: int) -> None:
    files = [{"name": "file.bin", "size": size}]
    fleet.act("acme", as_="ivan", do="open", department=DEPARTMENT, subject=str(size), text="Siehe Datei", files=files)


def _compare(fleet: Fleet, size: int) -> None:
    there, here = ([(f["size"], f["sha256"]) for f in fleet.state(name, "files")] for name in ("acme", "main"))
    if there != here or there[-1][0] != size:
        raise RuntimeError(f"the file is not there as it was sent: {there} {here}")


def _row(one: Carried) -> Row:
    more = {"grown": f"+{one.grown / MB:.1f} MB", "MB/s": f"{one.size / MB / one.sample.wall:.0f}"}
    return Row(f"{one.size // MB} MB", figures([one.sample]), one.grown / one.size, more)


def _peak() -> int:
    """The largest memory of this process in bytes. What ``getrusage`` says begins with that of the parent on Linux."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Carry what is there, wait for a line, carry what has come since."""
    with product(load_settings()) as (ours, _runner):
        ours.cycle()
        before = _peak()
        print("warm", flush=True)
        sys.stdin.readline()
        sample = timed(ours.cycle)()
        print(json.dumps({"grown": _peak() - before, "wall": sample.wall, "cpu": sample.cpu}))


if __name__ == "__main__":
    main()
