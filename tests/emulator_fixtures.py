"""Emulated billings for tests: real HTTP on a free loopback port, in this process.

with running_emulator("acme") as acme:
    acme.url, acme.act(as_="ivan", do="open", department="Technical support", subject="…", text="…")
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from remotesupport.emulator.billing import CUSTOMERS, Billing
from remotesupport.emulator.running import RunningEmulator
from remotesupport.emulator.seed import password_of

__all__ = ["RunningEmulator", "password_of", "running_emulator"]


@contextmanager
def running_emulator(
    name: str = "acme",
    version: str = "6.94.1",
    *,
    seed: int = 0,
    tls: bool = False,
    state: Path | None = None,
    tickets: int = 0,
    tickets_of: str | None = None,
    customers: tuple[str, ...] = CUSTOMERS,
) -> Iterator[RunningEmulator]:
    """Serve one until the block ends. ``seed`` 0: people only; 1: a week. Log-ins: ``remotesupport.emulator.seed``."""
    billing = Billing(
        name, version, seed=seed, state=state, tickets=tickets, tickets_of=tickets_of, customers=customers
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        RunningEmulator(billing, tls_folder=Path(folder) if tls else None) as running,
    ):
        yield running
