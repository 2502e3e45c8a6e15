"""How a run's report becomes the state that the Prefect UI shows, and when a late run ends at once."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.schemas.objects import FlowRun

from connectors.errors import AccessDenied, Retriable
from flows.running import final_state, too_late
from flows.sync import TOO_LATE
from remotesupport.core.run import BillingResult, BillingState, RunKind, RunReport
from tasks.policy import LEAST_S, may_pass, reading_within

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def report(*states: BillingState, skipped: str = "") -> RunReport:
    """A run whose billings ended so."""
    lines = [BillingResult(f"b{n}", state=s, reason=str(s)) for n, s in enumerate(states)]
    return RunReport("r", RunKind.SYNC, NOW, lines, skipped)


@pytest.mark.parametrize(
    ("states", "name"),
    [
        ((BillingState.OK, BillingState.OK), "Completed"),
        ((BillingState.OK, BillingState.SKIPPED), "Completed"),
        ((BillingState.OK, BillingState.FAILED), "Failed"),
        ((BillingState.STOPPED,), "Failed"),
        ((), "Completed"),
    ],
)
def test_the_state_follows_the_worst_billing(states: tuple[BillingState, ...], name: str) -> None:
    """Failed when a billing failed or was stopped, else Completed; the message is the report's headline."""
    done = report(*states)
    state = final_state(done)
    assert (state.name, state.message, state.data) == (name, done.headline, done)


def test_a_run_that_did_nothing_says_so() -> None:
    """A run that found the lease taken is Completed under the name Skipped, with the reason."""
    state = final_state(report(skipped="another run holds the lease"))
    assert (state.is_completed(), state.name, state.message) == (True, "Skipped", "another run holds the lease")


def flow_run(seconds_late: float, auto: bool = True) -> FlowRun:
    """A run that was due so long before NOW."""
    due = NOW - timedelta(seconds=seconds_late)
    return FlowRun(flow_id=uuid.uuid4(), auto_scheduled=auto, expected_start_time=due)


def test_a_scheduled_run_later_than_a_minute_is_skipped() -> None:
    """After downtime only the newest scheduled run works; a run by hand always does."""
    assert "61 s late" in too_late(flow_run(61), TOO_LATE, NOW)
    assert too_late(flow_run(59), TOO_LATE, NOW) == ""
    assert too_late(flow_run(3600, auto=False), TOO_LATE, NOW) == ""


class Failure:
    """A failed task's state as the retry predicate sees it."""

    def __init__(self, data: object) -> None:
        self.data = data


def test_only_what_may_pass_by_itself_is_retried() -> None:
    """The retry predicate names one class: not access problems, not our own errors."""
    assert may_pass(None, None, Failure(Retriable("refused", billing="acme")))
    assert not may_pass(None, None, Failure(AccessDenied("wrong password", billing="acme")))
    assert not may_pass(None, None, Failure(ValueError("ours")))


def test_no_retry_begins_that_would_not_end_in_the_minute() -> None:
    """When reading has used up its time, even what may pass is left to the next minute."""
    error = Failure(Retriable("refused", billing="acme"))
    with reading_within(LEAST_S):
        assert not may_pass(None, None, error)
    with reading_within(40):
        assert may_pass(None, None, error)
