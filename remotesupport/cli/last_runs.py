"""``runs``: the last runs, how they ended, how long they took, what they wrote. From the store alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from remotesupport.cli import output, session
from remotesupport.cli.options import AsJson, Billings
from remotesupport.cli.prefect_ui import flow_run_address, ui_environ
from remotesupport.core.run import BillingState, RunKind
from remotesupport.core.text.durations import span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from remotesupport.store import RunRecord

LONGEST = timedelta(hours=12)  # the longest deadline of a run: one that has no end by then has died
LONGEST_SYNC = timedelta(minutes=70)  # a first read may take an hour
GOING_ON, DIED, DONE = "running", "died", "ok"
_WORST = (BillingState.STOPPED, BillingState.FAILED)

Last = Annotated[int, typer.Option("--last", min=1, max=1000, metavar="N", help="So many, the newest first.")]


def runs(last: Last = 20, billing: Billings = None, as_json: AsJson = False) -> None:
    """The last runs: kind, result, duration, what was written, and the address in the Prefect UI."""
    settings, now = session.configuration(), datetime.now(UTC)
    names = session.chosen(settings, billing)
    with session.store_if_any(settings) as (_, store):
        found = store.last_runs(last, names) if store is not None else []
    environ = ui_environ(settings.home)
    if as_json:
        output.document({"runs": [to_json(run, now, environ) for run in found]})
        return
    if not found:
        output.line("No run yet: `remotesupport up` runs one every minute, `remotesupport sync` one now.")
        return
    columns = ("Began", "Kind", "Result", "Took", "Written", "Run", "Prefect", "What it said")
    output.table("Runs, the newest first", columns, [_row(run, now, environ) for run in found])


def to_json(run: RunRecord, now: datetime, environ: Mapping[str, str]) -> dict[str, Any]:
    """The documented shape."""
    return {
        "run": run.run,
        "kind": run.kind,
        "result": result(run, now),
        "began": run.started,
        "finished": run.finished,
        "seconds": round((run.finished - run.started).total_seconds(), 3) if run.finished else None,
        "written": written(run),
        "said": run.state,
        "billings": {line["name"]: line.get("state") for line in run.summary.get("billings", [])},
        "flow_run": run.flow_run,
        "url": flow_run_address(run.flow_run, environ) if run.flow_run else None,
    }


def result(run: RunRecord, now: datetime) -> str:
    """One word: running, died, skipped; else the worst that became of one of its connections, or ok."""
    if run.finished is None:
        longest = LONGEST_SYNC if run.kind == RunKind.SYNC else LONGEST
        return DIED if now - run.started > longest else GOING_ON
    if run.summary.get("skipped"):
        return str(BillingState.SKIPPED)
    states = {line.get("state") for line in run.summary.get("billings", [])}
    return next((str(state) for state in _WORST if state in states), DONE)


def written(run: RunRecord) -> int:
    """Tell how much it wrote, of all connections."""
    return sum(int(line.get("written", 0)) for line in run.summary.get("billings", []))


def _row(run: RunRecord, now: datetime, environ: Mapping[str, str]) -> tuple[object, ...]:
    took = span((run.finished - run.started).total_seconds()) if run.finished else None
    page = flow_run_address(run.flow_run, environ) if run.flow_run else None
    return (run.started, run.kind, result(run, now), took, written(run), run.run, page, run.state or "")
