"""Two minutes of the chaos run; `make chaos` runs half an hour."""

from __future__ import annotations

import pytest

from tests.chaos.run import chaos

pytestmark = [pytest.mark.e2e, pytest.mark.thorough("two minutes of faults and kills, by the clock")]
SEED = 20261124


async def test_two_minutes_of_chaos_break_no_law() -> None:
    """Whatever is killed and whatever fails, each message crosses once and in order, and no secret ever does."""
    report = await chaos(minutes=2, seed=SEED)
    assert report.violations == [], str(report)
    # How much fits into two minutes depends on the machine; this much does everywhere.
    assert sum(report.killed.values()) >= 3, str(report)
    assert sum(report.struck.values()) >= 3, str(report)
    assert report.messages >= 20, str(report)
