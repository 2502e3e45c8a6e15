"""A map of states that does not lead back is refused when a connection is made (semantics, section 5)."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.billmanager import connect_external, connect_main
from connectors.contract import Capabilities
from remotesupport.core.model import TicketState
from remotesupport.core.run import BillingState
from tests.cycle_fixtures import Desk

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


WORDS, RAW = st.sampled_from(["open", "closed", "held"]), st.sampled_from(["0", "1", "2", "3", "10"])


@settings(max_examples=200)
@given(st.dictionaries(RAW, WORDS, max_size=5), st.dictionaries(st.sampled_from(["open", "closed"]), RAW))
def test_exactly_what_leads_back_is_accepted(states: dict[str, str], back: dict[str, str]) -> None:
    """A map is accepted exactly when it knows two states alone and each is led to by a status that means it."""
    sound = set(states.values()) <= {"open", "closed"} and all(states.get(back.get(s, "")) == s for s in TicketState)
    with nullcontext() if sound else pytest.raises(ValueError, match=r"lead back|neither open nor closed"):
        Capabilities("invented", True, True, ("list",), states, back)


class Crooked:
    """A billing whose close leads to a status that reads as open."""

    def __init__(self, view: object) -> None:
        self._view = view

    def __getattr__(self, name: str) -> object:
        return getattr(self._view, name)

    @property
    def capabilities(self) -> Capabilities:
        sound: Capabilities = self._view.capabilities  # type: ignore[attr-defined]
        return replace(sound, states_back={"open": "1", "closed": "2"})


@pytest.mark.parametrize("side", ["external", "main"])
async def test_a_connection_whose_states_do_not_lead_back_is_refused(tmp_path: Path, side: str) -> None:
    """Such a connection fails with what is wrong before a ticket is read."""
    desk = Desk(tmp_path, "acme")
    desk.externals["acme"].client_opens("ivan", "Technical support", "Q", "one")
    connection = desk.context.connections["acme"]
    setattr(connection, side, Crooked(getattr(connection, side)))
    lines = {b.name: b for b in (await desk.run()).billings}
    desk.store.close()
    assert lines["acme"].state is BillingState.FAILED
    assert "our own closed leads to '2', which reads as 'open'" in lines["acme"].reason
    assert f"{side} side" in lines["acme"].reason
    assert "unexpected" not in lines["acme"].reason
    assert not [c for c in desk.externals["acme"].calls if c.function in ("pages", "thread")]
