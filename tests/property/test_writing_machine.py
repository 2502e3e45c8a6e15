"""The writing of messages under every fault that the machine knows: 2,000 histories in simulated time."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.writing_machine.machine import MET, Writing, close_house, every_fate

EXAMPLES = 2000


def test_never_twice_never_lost_in_order() -> None:
    """Whatever is lost, late, refused, stale or killed: each message arrives once and in order; every fault was met."""
    try:
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            Writing,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=8,
                deadline=None,
                database=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
                print_blob=True,
            ),
        )
    finally:
        close_house()
    assert all(MET.get(fate, 0) > EXAMPLES / 200 for fate in every_fate()), MET
