"""A run's name says what is out of order, in few words; where something is, and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from remotesupport.cli.errors import WRONG, Refusal
from remotesupport.cli.since import moment_of
from remotesupport.core.connections.connection_state import Failure
from remotesupport.core.model import Side
from remotesupport.core.run import NAMED, BillingResult, BillingState, RunKind, RunReport

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def line(name: str, failure: Failure, **more: Any) -> BillingResult:
    """A connection that failed in a run."""
    state = BillingState.STOPPED if failure is Failure.GUARD else BillingState.FAILED
    return BillingResult(name, state=state, failure=failure, **more)


def ailing(*lines: BillingResult) -> str:
    return RunReport("r", RunKind.SYNC, NOW, list(lines)).ailing


def test_a_run_without_trouble_keeps_its_name() -> None:
    """Connections in order, paused or without a turn are nothing to name."""
    assert ailing(BillingResult("acme"), BillingResult("beta", state=BillingState.SKIPPED, no_turn=True)) == ""


def test_each_billing_is_named_with_the_word_of_its_state() -> None:
    """The words are those of `status`."""
    found = ailing(line("acme", Failure.UNREACHABLE), BillingResult("beta"), line("globex", Failure.GUARD))
    assert found == "acme unreachable, globex stopped"
    assert ailing(line("acme", Failure.SECRET), line("beta", Failure.INCOMPLETE)) == "acme access, beta behind"
    assert ailing(line("acme", Failure.NONE)) == "acme failed"


def test_the_main_billing_is_named_once_for_all_that_wait_for_it() -> None:
    """Where main fails several connections they are not listed; one whose own login main refuses is."""
    down = [line(name, Failure.UNREACHABLE, side=Side.MAIN) for name in ("acme", "beta", "globex")]
    assert ailing(*down) == "main unreachable"
    assert ailing(*down, line("delta", Failure.GUARD)) == "main unreachable, delta stopped"
    assert ailing(down[0], line("delta", Failure.ACCESS, side=Side.MAIN, access=True)) == (
        "acme unreachable, delta access"
    )


def test_more_than_a_few_are_counted() -> None:
    """A name stays short, however many are out of order."""
    found = ailing(*(line(f"b{n}", Failure.UNREACHABLE) for n in range(NAMED + 4)))
    assert found == "b0 unreachable, b1 unreachable, b2 unreachable, 4 more"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("today", datetime(2026, 11, 23, tzinfo=UTC)),
        ("Yesterday", datetime(2026, 11, 22, tzinfo=UTC)),
        ("90min", datetime(2026, 11, 23, 8, 0, tzinfo=UTC)),
        ("2h", datetime(2026, 11, 23, 7, 30, tzinfo=UTC)),
        ("3d", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T10:00+03:00", datetime(2026, 11, 1, 7, 0, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_as_people_write_it(text: str, meant: datetime) -> None:
    """Days, spans, dates and moments mean one moment each, in UTC."""
    assert moment_of(text, NOW) == meant


@pytest.mark.parametrize("text", ["", "soon", "2w", "-1h", "1e9d", "999999d"])
def test_what_means_no_moment_is_refused(text: str) -> None:
    """Everything else is wrong usage, with what is understood."""
    with pytest.raises(Refusal, match="yesterday") as refused:
        moment_of(text, NOW)
    assert refused.value.status == WRONG
