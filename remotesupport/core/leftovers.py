"""What a plan leaves: tickets to look at again, and ledger states to record although nothing is written.

What must stay out: changes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from remotesupport.core import frames
from remotesupport.core.departures import ended_by_people
from remotesupport.core.inputs import UNFINISHED
from remotesupport.core.model import Direction, TicketState
from remotesupport.core.phases import CROSSING, Phase
from remotesupport.core.rows import bare
from remotesupport.core.status import settled

DOUBTFUL = "states wait: other tickets here look as if a billing had been restored; `remotesupport parked` names them"
UNPLACED = "what was said there waits: the billing does not say any more in which department this ticket is"
_THREAD = "its thread has to be read first"
_LEDGER = [
    *("connection", "ext_ticket", "main_ticket", "place", "now_ext", "now_main", "main_state"),
    *("agreed_main", "agreed_department", "ext_moved", "main_moved", "place_moved", "told"),
]  # what the ledger's states are made of


def left(pairs: pd.DataFrame, *, quiet: bool) -> pd.Series:
    """What is still to do after this plan, in words, "" where nothing is; what is parked has a cause of its own."""
    phase, fresh = pairs["phase"], pairs["fresh"]
    entering = phase.isin([Phase.ADOPTABLE, Phase.CREATABLE])
    unsent = (pairs["pending_main"] & ~pairs["sends_main"]) | (pairs["pending_external"] & ~pairs["sends_external"])
    table: dict[str, pd.Series] = {
        "its department is asked for in one of the next runs": phase.eq(Phase.UNCLEAR) & pairs["unasked"],
        UNPLACED: pairs["unplaced"] & pairs["pending_main"],
        _THREAD: (entering & ~fresh) | (phase.eq(Phase.ADOPTABLE) & ~pairs["main_fresh"]),
        "nothing in it may cross yet": phase.eq(Phase.CREATABLE) & ~pairs["pending_main"],
        DOUBTFUL: pairs["doubtful"]
        & ~pairs["written"]
        & (pairs["cross"].ne("") & phase.eq(Phase.ACTIVE) | _moving(pairs) | pairs["to_close"]),
        "its close follows in the next run": phase.isin(CROSSING) & pairs["deferred"],
        "replies wait: this run writes nothing to the external side": phase.isin(CROSSING)
        & (pairs["pending_external"] | pairs["cross"].str.endswith(Direction.TO_EXTERNAL))
        & quiet,
        "a message waits until an earlier write is settled": phase.isin(CROSSING) & unsent,
    }
    words = np.select([c.to_numpy(dtype=bool) for c in table.values()], list(table), "")
    return pd.Series(words, index=pairs.index, dtype="str")


def _moving(pairs: pd.DataFrame) -> pd.Series:
    return pairs["phase"].eq(Phase.DEPARTING) | (
        pairs["phase"].eq(Phase.RETURNING) & pairs["now_ext"].eq(TicketState.OPEN)
    )


def agreed(pairs: pd.DataFrame) -> pd.DataFrame:
    """LINKS rows to record as they are: pairs to which nothing is written, and without anything that still waits.

    Also of departed pairs that people in main have dealt with, whether their states have moved or not.
    """
    idle = ~pairs["written"] & pairs["open_why"].eq("") & pairs["waiting"].isna()
    near = pairs[_LEDGER]
    same = settled(frames.only(near, idle & pairs["phase"].eq(Phase.ACTIVE)))
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
    place = pairs["agreed_department"].fillna(pairs["place"]) if departed else pairs["place"]
    return pairs.assign(ext_state=pairs["now_ext"], main_state=main, department=place, departed=departed)


def unfinished(pairs: pd.DataFrame) -> pd.DataFrame:
    """→ UNFINISHED."""
    waits = pairs["waiting"].fillna("")
    why = pairs["open_why"].where(pairs["open_why"].ne(""), waits)
    rows = frames.only(bare(pairs).assign(why=why), why.ne("") & pairs["outcome"].eq("ok"))
    rows = rows.assign(needs=np.where(rows["why"].eq(_THREAD), "thread", "next_run"))
    return rows[list(UNFINISHED.columns)].astype(dict(UNFINISHED.columns)).reset_index(drop=True)
