"""100,000 tickets on one billing: what the first read, a quiet minute and a minute with 20 changes cost.

Against the same on a billing with 1,000 tickets: the cost of a minute must follow what changed, not what exists. The
20 changes are 10 new tickets and 10 new messages of customers in tickets that are linked. The billings run in a
process of their own; "peak" is how much this process' largest memory has grown since before the first read.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.fleet import DEPARTMENT, Fleet, configuration, running_fleet
from benchmarks.measure import Figures, Sample, figures, timed
from benchmarks.product import Product, Traffic, product
from benchmarks.table import Row, Table

HALF = 10


def run(*, quick: bool = False) -> Table:
    """Measure; ``quick``: 1,000 against 200 tickets and 1 round."""
    small, large, rounds = (200, 1_000, 1) if quick else (1_000, 100_000, 5)
    with ExitStack() as stack:
        billings = [stack.enter_context(_Billing.of(size)) for size in (small, large)]
        for turn in range(rounds + 1):
            for billing in billings:
                billing.quiet_minute(keep=turn > 0)
            for billing in billings:
                billing.busy_minute(turn, keep=turn > 0)
        rows = _rows(*billings)
    note = f"each {rounds} minutes, the two billings in turn; first read: every page of the ticket list, once"
    return Table(f"One billing with {large:,} tickets", f"{small:,} tickets", rows, (note,))


class _Billing:
    """One billing of a size with the product on it, and what its minutes have cost."""

    def __init__(self, size: int, fleet: Fleet, ours: Product) -> None:
        self.size, self._fleet, self._ours = size, fleet, ours
        self.first, self.quiet, self.busy = _Minutes(), _Minutes(), _Minutes()
        self._linked: list[str] = []
        self.first.add(ours)
        self.peak_mb = 0.0
        self._open(HALF, "linked")
        ours.settle()

    @classmethod
    def of(cls, size: int) -> _Running:
        """A context manager of one."""
        return _Running(size)

    def quiet_minute(self, *, keep: bool) -> None:
        """Nobody did anything."""
        self.quiet.add(self._ours, keep=keep)

    def busy_minute(self, turn: int, *, keep: bool) -> None:
        """10 new tickets, 10 new messages; then the peace that the next quiet minute needs."""
        for ticket in self._linked[:HALF]:
            self._fleet.act("acme", as_="ivan", do="reply", ticket=ticket, text=f"Und noch eine Frage, {turn}")
        self._open(HALF, f"turn {turn}")
        self.busy.add(self._ours, keep=keep)
        self._ours.settle()

    def _open(self, count: int, what: str) -> None:
        for n in range(count):
            done = self._fleet.act(
                "acme", as_="ivan", do="open", department=DEPARTMENT, subject=f"{what} {n}", text="Bitte ansehen"
            )
            self._linked.append(done["ticket"])


class _Running(ExitStack):
    """Starts the billings and the product of one size, and ends them."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def __enter__(self) -> _Billing:  # type: ignore[override]
        super().__enter__()
        fleet = self.enter_context(running_fleet(["acme"], tickets=self._size))
        folder = Path(self.enter_context(tempfile.TemporaryDirectory()))
        ours, _runner = self.enter_context(product(configuration(fleet, folder)[0]))
        before = _peak_mb()
        billing = _Billing(self._size, fleet, ours)
        billing.peak_mb = _peak_mb() - before
        return billing


class _Minutes:
    """Samples and traffic of one kind of minute."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.traffic = Traffic(0, 0)

    def add(self, ours: Product, *, keep: bool = True) -> None:
        """One cycle."""
        before = ours.traffic
        sample = timed(ours.cycle)()
        if keep:
            self.samples.append(sample)
            self.traffic = ours.traffic - before

    @property
    def figures(self) -> Figures:
        """Over all kept."""
        return figures(self.samples)


def _rows(small: _Billing, large: _Billing) -> tuple[Row, ...]:
    rows = []
    for billing in (small, large):
        peak = f"+{billing.peak_mb:.0f} MB"
        for name in ("first", "quiet", "busy"):
            kind: _Minutes = getattr(billing, name)
            base: _Minutes = getattr(small, name)
            more = {
                "requests": kind.traffic.requests,
                "received": f"{kind.traffic.received / 1e6:.3f} MB",
                "peak": peak if name == "first" else "-",
            }
            label = {"first": "first read", "quiet": "quiet minute", "busy": "20 changes"}[name]
            ratio = kind.figures.median / base.figures.median
            rows.append(Row(f"{label}, {billing.size:,} tickets", kind.figures, ratio, more))
    return tuple(rows)


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
