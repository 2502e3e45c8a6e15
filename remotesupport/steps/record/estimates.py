"""How long a plan would take to be written: by what the last runs took, else by how quickly both billings answer.

What must stay out: counting and words (``core.estimate``).
"""

from __future__ import annotations

from remotesupport.bootstrap import Context
from remotesupport.core.estimate import Estimate, estimate
from remotesupport.core.plan.plan import Plan
from remotesupport.steps.values import Snapshot
from remotesupport.store import Store

LAST_RUNS = 200
ENOUGH = 10  # writes, to tell how long one takes
REQUESTS = 3  # that a write needs, with what is read before and after it
IN_DOUBT = 1.0  # seconds, where nothing was asked either


def estimate_of(ctx: Context, snapshot: Snapshot, plan: Plan) -> Estimate | None:
    """Estimate what writing ``plan`` would do, and how long it would take with reading everything again."""
    name, rows = plan.connection, plan.changes
    measured = seconds_a_write(ctx.store, name)
    answers = snapshot.seconds / snapshot.requests if snapshot.requests else IN_DOUBT
    return estimate(
        zip(rows["kind"].tolist(), rows["ext_ticket"].tolist(), rows["covers"].tolist(), strict=True),
        ctx.connections[name].settings.main_login,
        snapshot.seconds,
        answers * REQUESTS if measured is None else measured,
        measured=measured is not None,
    )


def seconds_a_write(store: Store, name: str) -> float | None:
    """Tell how long a write took in the last runs of that connection; None where there were too few."""
    seconds, written = 0.0, 0
    for run in store.last_runs(LAST_RUNS, (name,)):
        made = sum(int(line.get("written", 0)) for line in run.summary.get("billings", []))
        if made:
            seconds += float(run.summary.get("step_seconds", {}).get("load", 0.0))
            written += made
    return seconds / written if written >= ENOUGH else None
