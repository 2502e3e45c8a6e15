"""The writing of messages under every fault that the machine knows, in simulated time."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.writing_machine.machine import MET, Writing, close_house, every_fate

FEW, MANY = 80, 2000
LONG = pytest.mark.thorough("two thousand histories take two minutes of CPU time")


@pytest.mark.parametrize("histories", [FEW, pytest.param(MANY, marks=LONG)])
def test_never_twice_never_lost_in_order(histories: int) -> None:
    """Whatever is lost, late, refused, stale or killed: each message arrives once and in order; every fault was met."""
    MET.clear()
    try:
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            Writing,
            settings=settings(
                max_examples=histories,
                stateful_step_count=8,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        close_house()
    assert all(MET.get(fate, 0) > histories / 200 for fate in every_fate()), MET
