"""Plan a past run again: what today's code makes of what that run's plans were made from. Nothing is asked or written.

What must stay out: keeping inputs (``record.kept_inputs``), words for a terminal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from remotesupport.core import frames
from remotesupport.core.plan.guard import Verdict, judge
from remotesupport.core.plan.plan import Plan
from remotesupport.core.replay.comparison import Difference, differences, without_texts
from remotesupport.core.replay.kept import LET_THROUGH, Kept, from_document
from remotesupport.sealing import BadKey, NotReadable, opened
from remotesupport.steps.decide.reconcile import planned
from remotesupport.store.inputs import KeptInputs


class Result(StrEnum):
    """How today's plan compares. ``WITHOUT_TEXTS``: the same as far as can be told, but the ids cannot be compared."""

    SAME = "same"
    OTHER = "other"
    WITHOUT_TEXTS = "texts not kept"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Replayed:
    """One connection of a run. ``then``, ``now``: the plans' ids, "" for nothing to do; ``now`` is None where the texts
    were not kept.

    ``kept``: the row of the store. ``guard_then``, ``guard_now``: its verdicts. ``why``: why it cannot be read.
    """

    kept: KeptInputs
    result: Result
    then: str = ""
    now: str | None = None
    rows: tuple[Difference, ...] = ()
    guard_then: Verdict = LET_THROUGH
    guard_now: Verdict = LET_THROUGH
    why: str = ""

    @property
    def guard_differs(self) -> bool:
        """Tell whether the guard lets through now what it stopped then, or the other way round."""
        return self.guard_then.ok != self.guard_now.ok


def replay(kept: KeptInputs, key: str = "") -> Replayed:
    """Make the plan of one connection of a past run again, and compare. ``key``: of `[keep]`, where there is one."""
    try:
        return _compared(kept, _opened(kept, key))
    except (BadKey, NotReadable, ValueError) as error:
        return Replayed(kept, Result.UNREADABLE, kept.plan, why=str(error))


def _opened(kept: KeptInputs, key: str) -> Kept:
    if kept.body is None:
        raise NotReadable(f"it is that of run {kept.same_as}, which is not kept any more")
    if kept.sealed and not key:
        raise NotReadable("it is encrypted, and [keep] names no key (`key`): name the one that it was kept with")
    return from_document(opened(kept.body, key if kept.sealed else ""))


def _compared(kept: KeptInputs, before: Kept) -> Replayed:
    name = before.connection
    plan = planned(before.inputs, dict(before.dropped))[1].get(name)
    guard = judge({name: plan} if plan else {}, {name: before.facts}, {name: before.limits})[name]
    now = plan.id if plan is not None else ""
    rows = _differences(before, plan)
    same_id = now == before.plan_id
    known = before.whole or same_id
    verdicts = (before.guard, guard)
    if rows or before.guard.ok != guard.ok or (before.whole and not same_id):
        result = Result.OTHER
    else:
        result = Result.SAME if same_id else Result.WITHOUT_TEXTS
    return Replayed(kept, result, before.plan_id, now if known else None, rows, *verdicts)


def _differences(before: Kept, plan: Plan | None) -> tuple[Difference, ...]:
    now = frames.records(plan.changes) if plan is not None else []
    return tuple(differences(before.rows, now if before.whole else without_texts(now)))
