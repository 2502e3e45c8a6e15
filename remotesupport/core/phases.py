"""The truth table: what the facts of a pair mean (semantics section 4). One word per pair.

What must stay out: messages, texts, changes.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import pandas as pd

from remotesupport.core.model import TicketState
from remotesupport.core.told import DEPARTED


class Phase(StrEnum):
    """What a pair is in this run."""

    UNREADABLE = "unreadable"  # a side of its connection could not be read: nothing is known
    CONFLICT = "conflict"  # claims contradict, its main ticket is gone or another one, or what crossed vanished
    DEPARTED = "departed"  # it left earlier, main was told, and it is still away
    RETURNING = "returning"  # it left earlier and is in a remote department again
    DEPARTING = "departing"  # it is seen elsewhere, or is gone for certain
    OFF = "off"  # the correspondence of its department is switched off
    ACTIVE = "active"  # linked, and its messages cross
    ADOPTABLE = "adoptable"  # not linked, but a main ticket carries its origin
    OLD = "old"  # not linked, and closed before we ever saw it
    CREATABLE = "creatable"  # not linked, and to be created
    UNCLEAR = "unclear"  # not linked, and its department cannot be told
    ELSEWHERE = "elsewhere"  # in a department that is not remote


CROSSING = (Phase.ACTIVE, Phase.RETURNING)
ENTERING = (Phase.ADOPTABLE, Phase.CREATABLE)


def phases(pairs: pd.DataFrame, *, create_closed: bool) -> pd.Series:
    """Pairs (see ``pairs.pair_up``) → one Phase per row (str, same index). The first that fits counts."""
    linked, on = pairs["linked"], pairs["corr"].eq("on")
    closed, away = pairs["state"].eq(TicketState.CLOSED), _is_away(pairs)
    table: list[tuple[pd.Series, Phase]] = [
        (pairs["outcome"].ne("ok"), Phase.UNREADABLE),
        (pairs["claims"].notna() | pairs["strange"].notna(), Phase.CONFLICT),
        (linked & pairs["main_gone"].notna(), Phase.CONFLICT),
        (pairs["departed"] & pairs["seen"] & on & ~pairs["unplaced"], Phase.RETURNING),
        (pairs["departed"], Phase.DEPARTED),
        (linked & away & pairs["notice"].eq(DEPARTED), Phase.DEPARTED),
        (linked & away, Phase.DEPARTING),
        (linked & pairs["corr"].isin(["off", "none"]), Phase.OFF),
        (linked, Phase.ACTIVE),
        (on & pairs["main_ticket"].notna(), Phase.ADOPTABLE),
        (on & closed & (not create_closed), Phase.OLD),
        (on, Phase.CREATABLE),
        (pairs["corr"].eq("off"), Phase.OFF),
        (pairs["place"].isna() & closed & (not create_closed), Phase.OLD),
        (pairs["place"].isna() & pairs["seen"], Phase.UNCLEAR),
    ]
    found = np.select([c.to_numpy() for c, _ in table], [str(p) for _, p in table], str(Phase.ELSEWHERE))
    return pd.Series(found, index=pairs.index, dtype="str")


def _is_away(pairs: pd.DataFrame) -> pd.Series:
    return pairs["ext_gone"].notna() | (pairs["seen"] & _moved_out(pairs))


def _moved_out(pairs: pd.DataFrame) -> pd.Series:
    """Seen in a department without an enabled correspondence that is not the one where it last crossed.

    Where only the configuration changed, the ticket has not left: its correspondence is off.
    """
    elsewhere = pairs["department"].notna() & pairs["corr"].isin(["off", "none"])
    same = pairs["department"].eq(pairs["agreed_department"])
    unknown = pairs["agreed_department"].isna() & pairs["corr"].eq("off")
    return elsewhere & ~same & ~unknown
