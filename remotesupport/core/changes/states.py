"""Open and closed (semantics section 5): which state crosses, and what both sides agree on after each write.

A state crosses only when one side's differs from the ledger. A new message reopens; else open wins over closed; a
close never goes along with a post that reopens, it follows in the next run. A billing that has no way to close or to
reopen is left as it is, and the ledger agrees to the difference. What must stay out: messages, texts of people.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from remotesupport.core import frames
from remotesupport.core.model import ChangeKind, Direction, TicketState
from remotesupport.core.plan.change_keys import act_of
from remotesupport.core.plan.change_rows import Rank, bare, changes, none_from_none
from remotesupport.core.tables.snapshot_diff import diff
from remotesupport.core.text.compose import closed_notice, reopened_notice

_OPEN, _CLOSED = str(TicketState.OPEN), str(TicketState.CLOSED)
_STATES = {"ext_state": "now_ext", "main_state": "now_main", "department": "department_now"}
_LEDGER = {"ext_state": "agreed_ext", "main_state": "agreed_main", "department": "agreed_department"}
_KEY = ["connection", "ext_ticket"]
CLOSE_MAIN, CLOSE_EXTERNAL = f"close {Direction.TO_MAIN}", f"close {Direction.TO_EXTERNAL}"
REOPEN_MAIN, REOPEN_EXTERNAL = f"reopen {Direction.TO_MAIN}", f"reopen {Direction.TO_EXTERNAL}"
CROSSINGS = (CLOSE_MAIN, CLOSE_EXTERNAL, REOPEN_MAIN, REOPEN_EXTERNAL)
_BOTH_NOTE = "; both sides changed since they agreed"


def moved_states(pairs: pd.DataFrame) -> pd.DataFrame:
    """Tell which of ext_state, main_state, department differs from the ledger: bool columns, index of ``pairs``."""
    now = pairs[_KEY].assign(**{c: pairs[n] for c, n in _STATES.items()})
    agreed = pairs[_KEY].assign(**{c: pairs[a] for c, a in _LEDGER.items()})
    delta = diff(agreed, now, _KEY, list(_STATES))
    flags = np.zeros((len(pairs), len(_STATES)), dtype=bool)
    flags[delta.new_rows] = delta.flags.to_numpy(dtype=bool)
    return pd.DataFrame(flags, columns=list(_STATES), index=pairs.index)


def plan_state_changes(pairs: pd.DataFrame, unable: Collection[tuple[str, str]] = ()) -> pd.DataFrame:
    """Decide which state crosses: pairs at the stage MATCHED, with what is sent and pending → the columns of WEIGHED.

    ``unable``: (connection, one of ``CROSSINGS``) that the billing to be written to has no way to do.
    """
    flags = moved_states(pairs)
    ext, main = flags["ext_state"], flags["main_state"]
    to_main, to_external = pairs["sends_main"], pairs["sends_external"]
    pairs = pairs.assign(
        ext_close_deferred=_closed(pairs, "ext")
        & ~(main & ~_closed(pairs, "main"))
        & to_main
        & ~to_external
        & billing_can(pairs, CLOSE_MAIN, unable),
        main_close_deferred=_closed(pairs, "main")
        & ~(ext & ~_closed(pairs, "ext"))
        & to_external
        & ~to_main
        & billing_can(pairs, CLOSE_EXTERNAL, unable),
    )
    return pairs.assign(
        ext_moved=ext,
        main_moved=main,
        department_moved=flags["department"],
        note=pd.Series(np.where(ext & main, _BOTH_NOTE, ""), index=pairs.index, dtype="str"),
        close_deferred=pairs["ext_close_deferred"] | pairs["main_close_deferred"],
        state_change=_cross(pairs, ext, main, unable),
    )


def billing_can(pairs: pd.DataFrame, crossing: str, unable: Collection[tuple[str, str]]) -> pd.Series:
    """Tell for each pair (bool) whether the billing that would be written to has a way to do ``crossing``."""
    return ~pairs["connection"].isin([name for name, what in unable if what == crossing])


def _closed(pairs: pd.DataFrame, side: str) -> pd.Series:
    return pairs[f"now_{side}"].eq(_CLOSED)


def _cross(pairs: pd.DataFrame, ext: pd.Series, main: pd.Series, unable: Collection[tuple[str, str]]) -> pd.Series:
    open_in_ext_only = _closed(pairs, "main") & ~_closed(pairs, "ext")  # which side is open, where they differ
    open_in_main_only = _closed(pairs, "ext") & ~_closed(pairs, "main")
    silent = ~pairs["pending_main"] & ~pairs["pending_external"]
    table = {
        CLOSE_MAIN: silent & open_in_main_only & ext & ~main,
        CLOSE_EXTERNAL: silent & open_in_ext_only & main & ~ext,
        REOPEN_MAIN: open_in_ext_only & ext & ~pairs["pending_main"],
        REOPEN_EXTERNAL: open_in_main_only & main & ~pairs["pending_external"],
    }
    table = {crossing: wanted & billing_can(pairs, crossing, unable) for crossing, wanted in table.items()}
    words = np.select([c.to_numpy() for c in table.values()], list(table), "")
    return pd.Series(words, index=pairs.index, dtype="str")


def after_post_to_main(pairs: pd.DataFrame) -> pd.DataFrame:
    """ext_state, main_state after a post to main: main is open; a close over there is left for the next run."""
    ext_state = pairs["now_ext"].mask(pairs["ext_close_deferred"] | pairs["sends_external"], _OPEN)
    return pairs.assign(ext_state=ext_state, main_state=_OPEN)


def after_post_to_external(pairs: pd.DataFrame) -> pd.DataFrame:
    """ext_state, main_state after a reply: it waits for the client, which is open; main's close follows later."""
    return pairs.assign(ext_state=_OPEN, main_state=pairs["now_main"].mask(pairs["main_close_deferred"], _OPEN))


@none_from_none
def state_changes(pairs: pd.DataFrame) -> pd.DataFrame:
    """Build the CHANGES of pairs whose ``state_change`` is to be written."""
    words = pairs["state_change"].str.split(" ", n=1, expand=True).reindex(columns=[0, 1])
    state = words[0].map({str(ChangeKind.CLOSE): _CLOSED, str(ChangeKind.REOPEN): _OPEN})
    return changes(
        bare(pairs).assign(
            kind=words[0],
            direction=words[1],
            body=[
                _notice(*one) for one in zip(words[0], words[1], pairs["connection"], pairs["ext_ticket"], strict=True)
            ],
            act=_acts(pairs, words[0]),
            ext_state=state,
            main_state=state,
            detail="external is " + pairs["now_ext"] + ", main is " + pairs["now_main"] + pairs["note"],
        ),
        rank=int(Rank.STATUS),
    )


def _acts(pairs: pd.DataFrame, kinds: pd.Series) -> pd.Series:
    digest = act_of(pairs, "").str.lstrip("/")
    return kinds + "/" + digest


def _notice(kind: str, direction: str, connection: str, ticket: str) -> str:
    if direction == Direction.TO_EXTERNAL:
        return ""
    return (closed_notice if kind == ChangeKind.CLOSE else reopened_notice)(connection, ticket)


def settled_states(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return LINKS rows with the states of now, of those pairs (nothing is written to them) whose states have moved."""
    rows = frames.only(
        pairs, pairs["ext_moved"] | pairs["main_moved"] | pairs["department_moved"] | pairs["told_by_main"]
    )
    return rows.assign(
        ext_state=rows["now_ext"], main_state=rows["now_main"], department=rows["department_now"], departed=False
    )
