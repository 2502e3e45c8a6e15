"""A map of states that does not lead back is refused when a connection is made (semantics, section 5)."""

from __future__ import annotations

import pytest

from connectors.billmanager import connect_external, connect_main
from connectors.contract import Capabilities

GOOD = {"1": "open", "2": "open", "3": "closed"}


@pytest.mark.parametrize(
    ("states", "back"),
    [
        (GOOD, {"open": "1"}),
        (GOOD, {"open": "1", "closed": "2"}),
        (GOOD, {"open": "9", "closed": "3"}),
        (GOOD | {"4": "waiting"}, {"open": "1", "closed": "3"}),
    ],
)
def test_what_does_not_lead_back_is_refused(states: dict[str, str], back: dict[str, str]) -> None:
    """A missing way back, one that reads as the other state, one that is unknown, and a third state."""
    with pytest.raises(ValueError, match=r"lead back|neither open nor closed"):
        Capabilities("invented", True, True, ("list",), states, back)


@pytest.mark.parametrize("version", ["auto", "4", "6"])
def test_every_dialect_leads_back(version: str) -> None:
    """Each version's own map is accepted, on both sides."""
    for connect in (connect_external, connect_main):
        billing = connect("acme", "https://127.0.0.1/billmgr", "a", "b", version=version)
        assert billing.capabilities.dialect
