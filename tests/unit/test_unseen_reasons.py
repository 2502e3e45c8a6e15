"""Reasons of tickets that the external side did not show in a run that had something to write to them."""

import pytest

from remotesupport.core import frames
from remotesupport.core.plan.guard import Verdict
from remotesupport.core.reconcile_io import UNFINISHED
from remotesupport.steps.record.record import unseen_reasons
from remotesupport.steps.values import Loaded, Proposal

WHY = "a post was sent and is not seen there yet"


def proposal() -> Proposal:
    """Nothing more to write to, nothing refused."""
    reasons, links, unfinished = (frames.empty(schema) for schema in (frames.REASONS, frames.LINKS, UNFINISHED))
    return Proposal({}, {"acme": Verdict(ok=True)}, reasons, links, unfinished)


@pytest.mark.parametrize(("parked", "reason"), [(set(), "pending"), ({"7"}, "parked")])
def test_only_what_is_on_the_list_of_parked_changes_is_called_parked(parked: set[str], reason: str) -> None:
    """An answer with an unknown outcome is pending until it is on the list that `remotesupport parked` shows."""
    loaded = Loaded("acme", failed={"7": WHY})
    (row,) = unseen_reasons("acme", [], proposal(), loaded, False, parked)
    assert (row["ticket"], row["reason"], row["detail"]) == ("7", reason, WHY)
