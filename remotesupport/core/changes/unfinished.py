"""Lists what a plan leaves: tickets to look at again, and ledger states to record although nothing is written.

What must stay out: changes.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import pandas as pd

from remotesupport.core import frames
from remotesupport.core.changes.departures import ended_by_people
from remotesupport.core.changes.states import settled_states
from remotesupport.core.model import Direction, TicketState
from remotesupport.core.pairs.phases import CROSSING, Phase
from remotesupport.core.plan.change_rows import bare
from remotesupport.core.reconcile_io import UNFINISHED


class Unfinished(StrEnum):
    """Something that a plan leaves to do in a ticket, in the words for people."""

    DEPARTMENT = "its department is asked for in one of the next runs"
    UNSEEN = "what was said there waits: the billing does not say any more in which department this ticket is"
    THREAD = "its thread has to be read first"
    NOTHING_YET = "nothing in it may cross yet"
    SUSPECT = (
        "states wait: other tickets here look as if a billing had been restored; `remotesupport parked` names them"
    )
    CLOSE = "its close follows in the next run"
    QUIET = "replies wait: this run writes nothing to the external side"
    EARLIER_WRITE = "a message waits until an earlier write is settled"


_LEDGER = [
    *("connection", "ext_ticket", "main_ticket", "department_now", "now_ext", "now_main", "main_state"),
    *("agreed_main", "agreed_department", "ext_moved", "main_moved", "department_moved", "told_by_main"),
]  # what the ledger's states are made of


def unfinished_reason(pairs: pd.DataFrame, *, quiet: bool) -> pd.Series:
    """Name what is still to do after this plan (``Unfinished``), "" where nothing is; parked changes have a cause."""
    phase, fresh = pairs["phase"], pairs["fresh"]
    entering = phase.isin([Phase.ADOPTABLE, Phase.CREATABLE])
    unsent = (pairs["pending_main"] & ~pairs["sends_main"]) | (pairs["pending_external"] & ~pairs["sends_external"])
    table: dict[Unfinished, pd.Series] = {
        Unfinished.DEPARTMENT: phase.eq(Phase.UNCLEAR) & pairs["department_unasked"],
        Unfinished.UNSEEN: pairs["department_unseen"] & pairs["pending_main"],
        Unfinished.THREAD: (entering & ~fresh) | (phase.eq(Phase.ADOPTABLE) & ~pairs["main_fresh"]),
        Unfinished.NOTHING_YET: phase.eq(Phase.CREATABLE) & ~pairs["pending_main"],
        Unfinished.SUSPECT: pairs["suspect"]
        & ~pairs["written"]
        & (pairs["state_change"].ne("") & phase.eq(Phase.ACTIVE) | _moving(pairs) | pairs["to_close"]),
        Unfinished.CLOSE: phase.isin(CROSSING) & pairs["close_deferred"],
        Unfinished.QUIET: phase.isin(CROSSING)
        & (pairs["pending_external"] | pairs["state_change"].str.endswith(Direction.TO_EXTERNAL))
        & quiet,
        Unfinished.EARLIER_WRITE: phase.isin(CROSSING) & unsent,
    }
    words = np.select([c.to_numpy(dtype=bool) for c in table.values()], [str(todo) for todo in table], "")
    return pd.Series(words, index=pairs.index, dtype="str")


def _moving(pairs: pd.DataFrame) -> pd.Series:
    return pairs["phase"].eq(Phase.DEPARTING) | (
        pairs["phase"].eq(Phase.RETURNING) & pairs["now_ext"].eq(TicketState.OPEN)
    )


def ledger_updates(pairs: pd.DataFrame) -> pd.DataFrame:
    """LINKS rows to record as they are: pairs to which nothing is written, and without anything that still waits.

    Also of departed pairs that people in main have dealt with, whether their states have moved or not.
    """
    idle = ~pairs["written"] & pairs["unfinished_reason"].eq("") & pairs["waiting"].isna()
    near = pairs[_LEDGER]
    same = settled_states(frames.only(near, idle & pairs["phase"].eq(Phase.ACTIVE)))
    back = _as_now(frames.only(near, idle & pairs["phase"].eq(Phase.RETURNING)), departed=False)
    left = pairs["phase"].eq(Phase.DEPARTING) | (
        pairs["phase"].eq(Phase.DEPARTED) & pairs["linked"] & ~pairs["departed"]
    )
    # Nothing more is closed of what was told before the ledger knew: it may have been closed then, and opened since.
    gone = _as_now(frames.only(near, idle & left), departed=True).assign(main_state=str(TicketState.CLOSED))
    ended = _as_now(frames.only(near, idle & ended_by_people(pairs)), departed=True)
    columns = list(frames.LINKS.columns)
    return frames.concat(frames.LINKS, [part[columns] for part in (same, back, gone, ended)])


def _as_now(pairs: pd.DataFrame, *, departed: bool) -> pd.DataFrame:
    """Pairs as they are now, departed or not."""
    main = pairs["main_state"].fillna(pairs["agreed_main"])
    place = pairs["agreed_department"].fillna(pairs["department_now"]) if departed else pairs["department_now"]
    return pairs.assign(ext_state=pairs["now_ext"], main_state=main, department=place, departed=departed)


def unfinished(pairs: pd.DataFrame) -> pd.DataFrame:
    """Build UNFINISHED: what waits for a later run, and why in words; nothing of connections that could not be read."""
    waits = pairs["waiting"].fillna("")
    why = pairs["unfinished_reason"].where(pairs["unfinished_reason"].ne(""), waits)
    rows = frames.only(bare(pairs).assign(why=why), why.ne("") & pairs["outcome"].eq("ok"))
    return rows[list(UNFINISHED.columns)].astype(dict(UNFINISHED.columns)).reset_index(drop=True)
