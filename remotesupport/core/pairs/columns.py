"""The columns of pairs: one row per external ticket, more columns after each stage of a reconcile.

Each stage lists what it adds, with dtypes (``str`` may be missing where the comment says so). What must stay out: how
a column is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

_STR, _BOOL = "str", "bool"


@dataclass(frozen=True)
class Stage:
    """A point of a reconcile. ``adds``: column → dtype of what is new there; ``after``: the stage before it."""

    name: str
    adds: Mapping[str, str]
    after: Stage | None = None

    @cached_property
    def columns(self) -> dict[str, str]:
        """Every column that pairs have at this stage, with its dtype."""
        return {**(self.after.columns if self.after else {}), **self.adds}


PAIRED = Stage(
    "paired",
    {
        "connection": _STR,
        "ext_ticket": _STR,
        "main_ticket": _STR,  # of the link, else of the one peaceful claim; missing: none
        # from the ledger
        "linked": _BOOL,
        "departed": _BOOL,  # the ledger says that it has left its remote department
        "agreed_ext": _STR,  # states and department that both sides agreed on last; missing where not linked
        "agreed_main": _STR,
        "agreed_department": _STR,
        # from the external side; missing where it was not shown
        "seen": _BOOL,
        "fresh": _BOOL,  # its thread was read in this run
        "subject": _STR,
        "department": _STR,
        "state": _STR,
        "status": _STR,
        "activity": _STR,
        # from the main side; missing where it was not shown
        "main_seen": _BOOL,
        "main_fresh": _BOOL,
        "main_state": _STR,
        "main_activity": _STR,
        "main_subject": _STR,
        "main_origin": _STR,  # the external ticket that its subject names
        # both together
        "now_ext": _STR,  # the state as shown, else as agreed
        "now_main": _STR,
        "department_now": _STR,  # as shown, else as agreed; missing: unknown
        "department_unseen": _BOOL,  # linked, and shown without a word on its department
        # of that department: on; off (switched off, or a name that cannot be resolved now); none; unknown
        "correspondence": _STR,
        "main_department": _STR,  # where it goes to; missing: nowhere
        "flagged": _BOOL,  # the external billing marks the department as remote
        "claims": _STR,  # who contests the pair, in words; missing: nobody
        # how reading went
        "outcome": _STR,  # "ok" where both sides were read, else as in READS
        "detail": _STR,
        "complete": _BOOL,  # the external lists were read to their end
        "main_complete": _BOOL,
        "ext_gone": _STR,  # a direct look did not find it, in words; missing: not gone
        "main_gone": _STR,
        # why nothing, or no close, may be written in a direction now, in words; missing: it may
        "wait_to_main": _STR,
        "wait_to_external": _STR,
        "close_to_main": _STR,
        "close_to_external": _STR,
        # such a cause is a parked change
        "wait_to_main_parked": _BOOL,
        "wait_to_external_parked": _BOOL,
        "close_to_main_parked": _BOOL,
        "close_to_external_parked": _BOOL,
    },
)
WITH_MAIN_EVIDENCE = Stage(
    "with main evidence",
    {
        "notice": _STR,  # our last notice in main's thread: closed, reopened, returned, departed, or ""
        "last_word": _BOOL,  # nobody has said anything in main after it
        "told_by_main": _BOOL,  # main's notice was put in place of what the ledger says
        "was_away": _BOOL,  # the ledger says departed, and main's notice says that it is back
    },
    PAIRED,
)
WITH_ANOMALIES = Stage(
    "with anomalies",
    {
        "anomaly": _STR,  # a billing may have been restored, or an id given again, in words; missing: nothing is odd
        "suspect": _BOOL,  # its connection has anomalies: a changed state may be no person's doing
    },
    WITH_MAIN_EVIDENCE,
)
PHASED = Stage("phased", {"phase": _STR}, WITH_ANOMALIES)  # one of ``phases.Phase``
MATCHED = Stage(
    "matched",
    {
        "adopted_now": _BOOL,  # linked by this run to a main ticket that is there already
        "may_write_main": _BOOL,  # messages may be written there now
        "may_write_external": _BOOL,
    },
    PHASED,
)
WEIGHED = Stage(
    "weighed",
    {
        "sends_main": _BOOL,  # messages are written to that side by this plan
        "sends_external": _BOOL,
        "pending_main": _BOOL,  # messages for that side are there, written now or later
        "pending_external": _BOOL,
        "ext_moved": _BOOL,  # differs from what was agreed
        "main_moved": _BOOL,
        "department_moved": _BOOL,
        "ext_close_deferred": _BOOL,  # closed on that side, though what is sent opens the other one
        "main_close_deferred": _BOOL,
        "close_deferred": _BOOL,  # to the next run
        "state_change": _STR,  # which state crosses now, one of ``states.CROSSINGS``, or ""
        "note": _STR,  # for people, beside a state change
        "wait_close": _STR,  # why that close has to wait, in words; missing: it need not
        "wait_close_parked": _BOOL,
    },
    MATCHED,
)
DECIDED = Stage(
    "decided",
    {
        "waiting": _STR,  # the cause that holds the pair back, in words; missing: it is free
        "waiting_parked": _BOOL,  # that cause is a parked change
        "to_close": _BOOL,  # it has left, and its main ticket is still open with our note as the last word
        "planned": _BOOL,  # the plan has changes of it
        "written": _BOOL,  # the plan has changes that are written to a billing
        "department_unasked": _BOOL,  # a direct look for its department comes in one of the next runs
        "unfinished_reason": _STR,  # what is still to do after this plan, in words, or ""
    },
    WEIGHED,
)
STAGES = (PAIRED, WITH_MAIN_EVIDENCE, WITH_ANOMALIES, PHASED, MATCHED, WEIGHED, DECIDED)


def at(stage: Stage, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return ``pairs`` as they are.

    Raises AssertionError where their columns or dtypes are not those that the stage declares (not under ``python -O``).
    """
    assert _kinds(pairs) == stage.columns, (
        f"pairs at the stage {stage.name!r} are not as it declares: "
        f"{sorted(set(_kinds(pairs).items()) ^ set(stage.columns.items()))}"
    )
    return pairs


def _kinds(pairs: pd.DataFrame) -> dict[str, str]:
    """Name each column's dtype: ``str(dtype)`` for the two that pairs have would cost as much as a stage."""
    types = zip(pairs.columns, pairs.dtypes, strict=True)
    return {c: _STR if isinstance(t, pd.StringDtype) else _BOOL if t.kind == "b" else str(t) for c, t in types}
