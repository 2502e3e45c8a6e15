"""The judge of the semantics: 2,000 generated histories through the whole product, then the laws."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machine import CONNECTIONS, Product

HISTORIES = 2000


def test_nothing_twice_nothing_lost_nothing_leaked() -> None:
    """After any history with any weather: each message is there once and in order, and no secret was ever sent."""
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Product,
        settings=settings(
            max_examples=HISTORIES // CONNECTIONS,
            stateful_step_count=5,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
