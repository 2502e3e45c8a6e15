"""Records the scheduled looks at a billing that gave no answer: how many in a row, and when the next one is.

Only a fault of the billing's own counts. Where nobody answered in a run, or it was the main side that did not, the
fault may be everybody's (main, our network), and then everybody is looked at again with the next run.
"""

from __future__ import annotations

from collections.abc import Iterable

from remotesupport.bootstrap import Context
from remotesupport.core.connections.backoff import pause_after
from remotesupport.core.connections.connection_state import NO_ANSWER, Failure
from remotesupport.core.model import Side
from remotesupport.core.run import BillingResult, RunReport, RunRequest

_TELLS_NOTHING = (*NO_ANSWER, Failure.STORE, Failure.SECRET)


def note_looks_in_vain(ctx: Context, request: RunRequest, done: RunReport, names: Iterable[str]) -> None:
    """Count, and lengthen the pause. ``names``: the connections that the run looked at."""
    looked_at = set(names)
    lines = [line for line in done.billings if line.name in looked_at and not line.no_turn]
    silent = [line.name for line in lines if _gave_no_answer(line)]
    if not request.may_rest or not silent or all(line.failure in _TELLS_NOTHING for line in lines):
        return
    before = {state.name: state.in_vain for state in ctx.store.connection_states()}
    with ctx.store.together():
        for name in silent:
            count = before.get(name, 0) + 1
            ctx.store.set_connection(name, in_vain=count, next_look=done.started + pause_after(count))


def _gave_no_answer(line: BillingResult) -> bool:
    return line.failure in NO_ANSWER and line.side is not Side.MAIN
