"""The one answer to "why?" for every external ticket that was read (semantics section 11).

What must stay out: deciding anything; this only names what was decided.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from remotesupport.core import frames
from remotesupport.core.cures import no_department
from remotesupport.core.departures import quarrel
from remotesupport.core.keys import look_up
from remotesupport.core.model import MessageKind, Reason, Side, TicketState
from remotesupport.core.phases import CROSSING, Phase
from remotesupport.core.status import CLOSE_EXTERNAL, can

_OUTCOMES = {
    "paused": Reason.CONNECTION_PAUSED,
    "access_denied": Reason.ACCESS_DENIED,
    "too_old": Reason.VERSION_TOO_OLD,
}
_BY_PHASE = {
    Phase.CONFLICT: Reason.CONFLICT,
    Phase.DEPARTED: Reason.DEPARTED,
    Phase.OFF: Reason.CORRESPONDENCE_OFF,
    Phase.OLD: Reason.TOO_OLD_FOR_WINDOW,
    Phase.UNCLEAR: Reason.NOT_UNDERSTOOD,
    Phase.ELSEWHERE: Reason.DEPARTMENT_NOT_REMOTE,
}
_WAITS = (Phase.ADOPTABLE, Phase.CREATABLE, Phase.ACTIVE, Phase.RETURNING, Phase.DEPARTING)


def reasons(pairs: pd.DataFrame, messages: pd.DataFrame, unable: Collection[tuple[str, str]] = ()) -> pd.DataFrame:
    """Pairs with phase, waiting, to_close, ``planned`` (bool: has changes) and ``open_why`` (what is left) → REASONS.

    One row per pair that the external side showed. ``unable``: as in ``status.weigh``.
    """
    rows = frames.only(pairs, pairs["seen"])
    detail = _detail(rows, unable)
    denied = _denied(messages, rows)
    detail = (detail + np.where(detail.ne("") & denied.ne(""), "; ", "") + denied).astype("str")
    columns = {
        "connection": rows["connection"],
        "ticket": rows["ext_ticket"],
        "reason": _reason(rows),
        "detail": detail,
        "main_ticket": rows["main_ticket"],
    }
    typed = {c: columns[c].astype(t) for c, t in frames.REASONS.columns.items()}  # type: ignore[call-overload]
    return pd.DataFrame(typed).reset_index(drop=True)


def waiting(rows: pd.DataFrame) -> pd.Series:
    """Why a pair has to wait, in words; missing where it is free. Parked ones say so."""
    return rows["wait_to_main"].fillna(rows["wait_to_external"]).fillna(rows["wait_close"])


def _reason(rows: pd.DataFrame) -> pd.Series:
    phase = rows["phase"]
    wait = rows["waiting"].where(phase.isin([*_WAITS])).fillna("")
    found = phase.map({str(p): str(r) for p, r in _BY_PHASE.items()}).astype("str")
    found = found.fillna(str(Reason.IN_SYNC))
    found = found.mask(phase.eq(Phase.ELSEWHERE) & rows["flagged"], str(Reason.DEPARTMENT_UNMAPPED))
    found = found.mask(rows["open_why"].ne("") | wait.ne(""), str(Reason.PENDING))
    found = found.mask(rows["planned"] & ~phase.isin([Phase.CONFLICT, Phase.DEPARTED]), str(Reason.PENDING))
    found = found.mask(rows["unplaced"] & rows["pending_main"] & phase.isin(CROSSING), str(Reason.NOT_UNDERSTOOD))
    found = found.mask(wait.str.startswith("parked"), str(Reason.PARKED))
    outcomes = rows["outcome"].map({k: str(v) for k, v in _OUTCOMES.items()}).astype("str")
    return found.mask(phase.eq(Phase.UNREADABLE), outcomes.fillna(str(Reason.BILLING_UNREACHABLE)))


def _detail(rows: pd.DataFrame, unable: Collection[tuple[str, str]]) -> pd.Series:
    phase, here_only = rows["phase"], rows["now_main"].eq(TicketState.CLOSED) & rows["now_ext"].eq(TicketState.OPEN)
    words = np.select(
        [
            phase.eq(Phase.UNREADABLE),
            phase.eq(Phase.CONFLICT),
            phase.isin([*_WAITS]) & rows["waiting"].notna(),
            rows["open_why"].ne(""),
            rows["to_close"],
            phase.eq(Phase.OLD),
            phase.eq(Phase.OFF) & rows["corr"].eq("none"),
            phase.eq(Phase.UNCLEAR),
            phase.eq(Phase.ELSEWHERE),
            phase.eq(Phase.ACTIVE) & here_only & ~can(rows, CLOSE_EXTERNAL, unable),
        ],
        [
            rows["detail"],
            quarrel(frames.only(rows, phase.eq(Phase.CONFLICT))).reindex(rows.index).fillna(""),
            rows["waiting"].fillna(""),
            rows["open_why"],
            "its main ticket is still open",
            "it was closed before it was ever linked; a backfill takes it over",
            "department " + rows["place"].fillna("?") + " has no correspondence any more",
            rows["connection"].map(no_department),
            "department " + rows["place"].fillna("?"),
            "it is closed in main only: that billing gives us no way to close it",
        ],
        "",
    )
    return pd.Series(words, index=rows.index, dtype="str").fillna("")


def _denied(messages: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """Messages of unknown type did not cross; they are listed here."""
    unknown = messages[messages["side"].eq(Side.EXTERNAL) & messages["kind"].eq(MessageKind.UNKNOWN)]
    if unknown.empty:
        return pd.Series("", index=rows.index, dtype="str")
    listed = unknown.sort_values("ordinal").groupby(["connection", "ticket"])["message"].agg(", ".join).reset_index()
    found = look_up(rows, listed, ["connection", "ext_ticket"], {"denied": "message"}, ["connection", "ticket"])
    return ("messages of an unknown type did not cross: " + found["denied"]).fillna("").astype("str")
