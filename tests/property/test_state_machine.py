"""The judge of the semantics: generated histories through the whole product, then the laws. 2,000 of them in CI."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machine import CONNECTIONS, Product
from tests.simulation.weather import MET

MANY, PARTS = 2000, 2
HISTORIES = MANY if "CI" in os.environ else 400
FATES = (
    "write done, then lost", "read fails", "write fails", "read garbage", "write late", "came late", "store lost",
    "store put back", "switched off",
)  # fmt: skip
DEATHS = ("read dies", "write dies", "write done, then dies")


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_twice_nothing_lost_nothing_leaked(part: int) -> None:
    """After any history with any weather: each message is there once and in order, and no secret was ever sent."""
    MET.clear()
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        type("Product", (Product,), {"part": part}),
        settings=settings(
            max_examples=HISTORIES // PARTS // CONNECTIONS,
            stateful_step_count=3,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
    assert all(MET[fate] for fate in (FATES if HISTORIES >= MANY else FATES[:3])), MET
    assert HISTORIES < MANY or any(MET[death] for death in DEATHS), MET
