"""The truth table: what the facts of a pair mean (semantics section 4). One word per pair.

What must stay out: messages, texts, changes.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import pandas as pd

from remotesupport.core.model import TicketState
from remotesupport.core.pairs.main_evidence import DEPARTED


class Phase(StrEnum):
    """The meaning of a pair's facts in this run."""

    UNREADABLE = "unreadable"  # a side of its connection could not be read: nothing is known
    CONFLICT = "conflict"  # claims contradict, its main ticket is gone or another one, or what crossed vanished
    DEPARTED = "departed"  # it left earlier, main was told (or had closed it), and it is still away
    RETURNING = "returning"  # it left earlier and is in a remote department again
    DEPARTING = "departing"  # it is seen elsewhere, or is gone for certain, and main is to be told
    OFF = "off"  # the correspondence of its department is switched off, or cannot be resolved now
    ACTIVE = "active"  # linked, and its messages cross
    ADOPTABLE = "adoptable"  # not linked, but a main ticket carries its origin
    OLD = "old"  # not linked, and closed before we ever saw it
    CREATABLE = "creatable"  # not linked, and to be created
    UNCLEAR = "unclear"  # not linked, and its department cannot be told
    ELSEWHERE = "elsewhere"  # in a department that is not remote


CROSSING = (Phase.ACTIVE, Phase.RETURNING)
ENTERING = (Phase.ADOPTABLE, Phase.CREATABLE)


def phases(pairs: pd.DataFrame, *, create_closed: bool) -> pd.Series:
    """Give each pair (WITH_ANOMALIES) its Phase (str, same index). The first row of the table that fits counts."""
    linked, on = pairs["linked"], pairs["correspondence"].eq("on")
    closed, away = pairs["state"].eq(TicketState.CLOSED), _is_away(pairs)
    table: list[tuple[pd.Series, Phase]] = [
        (pairs["outcome"].ne("ok"), Phase.UNREADABLE),
        (pairs["claims"].notna() | pairs["anomaly"].notna(), Phase.CONFLICT),
        (linked & pairs["main_gone"].notna(), Phase.CONFLICT),
        (pairs["departed"] & pairs["seen"] & on & ~pairs["department_unseen"], Phase.RETURNING),
        (_opened_untold(pairs), Phase.DEPARTING),
        (pairs["departed"], Phase.DEPARTED),
        (linked & away & pairs["notice"].eq(DEPARTED), Phase.DEPARTED),
        (linked & away, Phase.DEPARTING),
        (linked & pairs["correspondence"].isin(["off", "none"]), Phase.OFF),
        (linked, Phase.ACTIVE),
        (on & pairs["main_ticket"].notna(), Phase.ADOPTABLE),
        (on & closed & (not create_closed), Phase.OLD),
        (on, Phase.CREATABLE),
        (pairs["correspondence"].eq("off"), Phase.OFF),
        (pairs["department_now"].isna() & closed & (not create_closed), Phase.OLD),
        (pairs["department_now"].isna() & pairs["seen"], Phase.UNCLEAR),
    ]
    found = np.select([c.to_numpy() for c, _ in table], [str(p) for _, p in table], str(Phase.ELSEWHERE))
    return pd.Series(found, index=pairs.index, dtype="str")


def _opened_untold(pairs: pd.DataFrame) -> pd.Series:
    """Departed tickets of which main was not told, since it had closed them, and that staff there have opened since."""
    opened = pairs["agreed_main"].eq(TicketState.CLOSED) & pairs["now_main"].eq(TicketState.OPEN)
    return pairs["linked"] & pairs["departed"] & opened & pairs["main_fresh"] & pairs["notice"].ne(DEPARTED)


def _is_away(pairs: pd.DataFrame) -> pd.Series:
    return pairs["ext_gone"].notna() | (pairs["seen"] & _moved_out(pairs))


def _moved_out(pairs: pd.DataFrame) -> pd.Series:
    """Seen in a department without an enabled correspondence that is not the one where it last crossed.

    Where only the configuration changed, the ticket has not left: its correspondence is off.
    """
    elsewhere = pairs["department"].notna() & pairs["correspondence"].isin(["off", "none"])
    same = pairs["department"].eq(pairs["agreed_department"])
    unknown = pairs["agreed_department"].isna() & pairs["correspondence"].eq("off")
    return elsewhere & ~same & ~unknown
