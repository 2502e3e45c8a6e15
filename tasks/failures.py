"""Red task runs: a connection that was stopped, or whose answers could not be used, is seen in the run's graph.

Only one that gave no answer has one already: its reading is tried again under its own name (``extract``). The others
of the run are not touched by any of this.
"""

from __future__ import annotations

from contextlib import suppress

from prefect import task

from remotesupport.core.connections.connection_state import Failure
from remotesupport.core.run import BillingResult, RunReport
from remotesupport.core.text.expected_errors import Foreseen
from tasks.policy import ONCE

MOST = 20  # of one run: more are in its summary, and nobody looks at more circles than that
_STEPS = {
    Failure.GUARD: "guard",
    Failure.REJECTED: "validate",
    Failure.UNREADABLE: "extract",
    Failure.ACCESS: "extract",
    Failure.VERSION: "extract",
    Failure.FATAL: "extract",
    Failure.SECRET: "extract",
}


class OutOfOrder(Foreseen):
    """A connection came to no good end in this run; the words are those of its line."""

    def __repr__(self) -> str:
        """The words alone: this is what Prefect puts into a run's log."""
        return str(self)


@task(name="stopped", task_run_name="{step} {name}", **ONCE)
async def stopped(step: str, name: str, why: str) -> None:  # noqa: ARG001 - both are in the task run's name
    """Ends as Failed, with the words of the run's line of ``name``. Raises OutOfOrder."""
    raise OutOfOrder(why)


async def show(done: RunReport) -> None:
    """One red task run for each connection that a person has to look at, the first ``MOST``."""
    for line in [line for line in done.bad if line.failure in _STEPS][:MOST]:
        with suppress(OutOfOrder):
            await stopped(step_of(line), line.name, line.reason)


def step_of(line: BillingResult) -> str:
    """The step at which the connection's way ended: with a plan it had been read."""
    step = _STEPS[line.failure]
    return "load" if line.plan_id and step == "extract" else step
