"""The fixtures of the contract suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.worlds import LIVE, WORLDS


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """A billing where the test may act as anybody."""
    with WORLDS[request.param]() as made:
        yield made
        await made.staff.aclose()
        await made.customer.aclose()


@pytest.fixture(params=[*WORLDS, *LIVE])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """A billing of which the test uses only the two connectors: a live one too, where it is named."""
    with (WORLDS | LIVE)[request.param]() as made:
        yield made
        await made.staff.aclose()
        await made.customer.aclose()
