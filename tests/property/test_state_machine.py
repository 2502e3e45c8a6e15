"""The judge of the semantics: generated histories through the whole product, then the laws."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machine import CONNECTIONS, Product
from tests.simulation.weather import MET

FEW, MANY = 40, 1000
LONG = pytest.mark.thorough("a thousand histories take two minutes of CPU time")
FATES = (
    "write done, then lost", "read fails", "write fails", "read garbage", "write late", "came late", "store lost",
    "store put back", "switched off",
)  # fmt: skip
DEATHS = ("read dies", "write dies", "write done, then dies")


# How many connections share a world, and the parts: each draws other histories, and several processes share them.
SMALL = (FEW, 20, 0)
LARGE = [pytest.param(MANY, CONNECTIONS, part, marks=LONG) for part in (0, 1)]


@pytest.mark.parametrize(("histories", "connections", "part"), [SMALL, *LARGE])
def test_nothing_twice_nothing_lost_nothing_leaked(histories: int, connections: int, part: int) -> None:
    """After any history with any weather: each message is there once and in order, and no secret was ever sent."""
    MET.clear()
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        type("Product", (Product,), {"part": part, "connections": connections}),
        settings=settings(
            max_examples=histories // connections,
            stateful_step_count=3,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert all(MET[fate] for fate in (FATES if histories >= MANY else FATES[:3])), MET
    assert histories < MANY or any(MET[death] for death in DEATHS), MET
