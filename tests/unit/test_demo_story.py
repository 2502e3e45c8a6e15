"""When the demo's story goes on, and when it gives up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from deployments.prefect_api import RunSeen
from deployments.supervise import Stopping
from remotesupport.demo_story import Story
from tests.emulator_fixtures import RunningEmulator, running_emulator

LATER = timedelta(minutes=1)
FAR = 1e12


@pytest.fixture
def billings() -> Iterator[dict[str, RunningEmulator]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(running_emulator(name)) for name in ("main", "acme")}


def run(state: str = "Completed", start: datetime | None = None) -> RunSeen:
    """A scheduled run that began after all that was said so far, or at ``start``."""
    at = start or datetime.now(UTC) + LATER
    return RunSeen("id", "sync 10:42", state, "2 of 2 billings in order", True, at, at, at)


def carry(billings: dict[str, RunningEmulator]) -> None:
    """What a run does with the ticket that was opened last."""
    ticket = billings["acme"].state()["tickets"][-1]
    said = {"department": "Outsourced support", "subject": f"[acme #{ticket['id']}] s", "text": "…"}
    billings["main"].act(as_="acme", do="open", **said)


def answer(billings: dict[str, RunningEmulator]) -> None:
    """What the next run does with the answer."""
    ticket = billings["acme"].state()["tickets"][-1]["id"]
    text = billings["main"].state()["messages"][-1]["text"]
    billings["acme"].act(as_="olga", do="reply", ticket=ticket, text=text)


def test_the_ticket_and_its_answer_take_a_run_each(billings: dict[str, RunningEmulator]) -> None:
    """With the second run that carried something an end is wanted, and the status is 0."""
    stopping = Stopping()
    story = Story(billings, 2, stopping)
    story.begin()
    carry(billings)
    story.goes_on(run())
    assert (story.done, stopping.wanted, story.status) == (1, False, 1)
    answer(billings)
    story.goes_on(run(start=datetime.now(UTC) + 2 * LATER))
    assert (story.done, stopping.wanted, story.status) == (2, True, 0)


@pytest.mark.parametrize("other", ["Failed", "Skipped", "Crashed"])
def test_only_a_run_that_completed_counts(billings: dict[str, RunningEmulator], other: str) -> None:
    """The ticket may be there, but a run that ended otherwise is none of those that were asked for."""
    story = Story(billings, 1, Stopping())
    story.begin()
    carry(billings)
    story.goes_on(run(other))
    assert (story.done, story.status) == (0, 1)


def test_a_run_from_before_the_ticket_does_not_count(billings: dict[str, RunningEmulator]) -> None:
    """A run that began before the client wrote proves nothing about the ticket."""
    before = datetime.now(UTC)
    story = Story(billings, 1, Stopping())
    story.begin()
    carry(billings)
    story.goes_on(run(start=before))
    assert (story.done, story.status) == (0, 1)


def test_a_run_that_brought_nothing_does_not_count(billings: dict[str, RunningEmulator]) -> None:
    """A completed run without the ticket is no step of the story."""
    story = Story(billings, 1, Stopping())
    story.begin()
    story.goes_on(run())
    assert (story.done, story.status) == (0, 1)


def test_what_does_not_come_in_time_ends_the_demo_with_status_1(billings: dict[str, RunningEmulator]) -> None:
    """Without a run an end is wanted once the patience is over, not before, and the status stays 1."""
    stopping = Stopping()
    story = Story(billings, 1, stopping)
    story.begin()
    story.tend(0.0)
    assert not stopping.wanted
    story.tend(FAR)
    assert (stopping.wanted, story.status) == (True, 1)
