"""The one answer to "why?" for every external ticket that was read (semantics section 11).

What must stay out: deciding anything; this only names what was decided.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

import numpy as np
import pandas as pd

from remotesupport.core import frames
from remotesupport.core.changes.departures import conflict_in_words
from remotesupport.core.changes.states import CLOSE_EXTERNAL, billing_can
from remotesupport.core.model import MessageKind, Reason, Side, TicketState
from remotesupport.core.pairs.phases import CROSSING, Phase
from remotesupport.core.tables.joins import look_up
from remotesupport.core.text.remedies import no_department_advice

Text = TypeVar("Text", str, pd.Series)

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
NEVER_LINKED = "it was closed before it was ever linked; a backfill takes it over"
CLOSED_IN_MAIN_ONLY = "it is closed in main only: that billing gives us no way to close it"
_WAITS = (Phase.ADOPTABLE, Phase.CREATABLE, Phase.ACTIVE, Phase.RETURNING, Phase.DEPARTING)


def reasons(pairs: pd.DataFrame, messages: pd.DataFrame, unable: Collection[tuple[str, str]] = ()) -> pd.DataFrame:
    """Name the reason of each pair that the external side showed: pairs at the stage DECIDED → REASONS.

    ``unable``: as for ``states.plan_state_changes``.
    """
    rows = frames.only(pairs, pairs["seen"])
    detail = _detail(rows, unable)
    denied = _denied(messages, rows)
    detail = (detail + np.where(detail.ne("") & denied.ne(""), "; ", "") + denied).astype("str")
    no_speaker_known = rows["phase"].eq(Phase.CREATABLE) & ~rows["pending_main"] & denied.ne("")
    columns = {
        "connection": rows["connection"],
        "ticket": rows["ext_ticket"],
        "reason": _reason(rows).mask(no_speaker_known, str(Reason.NOT_UNDERSTOOD)),
        "detail": detail,
        "main_ticket": rows["main_ticket"],
    }
    typed = {c: columns[c].astype(t) for c, t in frames.REASONS.columns.items()}  # type: ignore[call-overload]
    return pd.DataFrame(typed).reset_index(drop=True)


def in_department(place: Text) -> Text:
    """Say where a ticket is that does not cross."""
    return "department " + place


def with_waiting(pairs: pd.DataFrame) -> pd.DataFrame:
    """Add ``waiting``, the cause that holds a pair back, in words (missing: it is free), and whether it is parked."""
    into, out, close = pairs["wait_to_main"], pairs["wait_to_external"], pairs["wait_close"]
    parked = pairs["wait_close_parked"].mask(out.notna(), pairs["wait_to_external_parked"])
    parked = parked.mask(into.notna(), pairs["wait_to_main_parked"])
    return pairs.assign(waiting=into.fillna(out).fillna(close), waiting_parked=parked)


def _reason(rows: pd.DataFrame) -> pd.Series:
    phase = rows["phase"]
    wait = rows["waiting"].where(phase.isin([*_WAITS])).fillna("")
    found = phase.map({str(p): str(r) for p, r in _BY_PHASE.items()}).astype("str")
    found = found.fillna(str(Reason.IN_SYNC))
    found = found.mask(phase.eq(Phase.ELSEWHERE) & rows["flagged"], str(Reason.DEPARTMENT_UNMAPPED))
    found = found.mask(rows["unfinished_reason"].ne("") | wait.ne(""), str(Reason.PENDING))
    found = found.mask(rows["planned"] & ~phase.isin([Phase.CONFLICT, Phase.DEPARTED]), str(Reason.PENDING))
    found = found.mask(
        rows["department_unseen"] & rows["pending_main"] & phase.isin(CROSSING), str(Reason.NOT_UNDERSTOOD)
    )
    found = found.mask(rows["waiting_parked"] & phase.isin([*_WAITS]), str(Reason.PARKED))
    outcomes = rows["outcome"].map({k: str(v) for k, v in _OUTCOMES.items()}).astype("str")
    return found.mask(phase.eq(Phase.UNREADABLE), outcomes.fillna(str(Reason.BILLING_UNREACHABLE)))


def _detail(rows: pd.DataFrame, unable: Collection[tuple[str, str]]) -> pd.Series:
    phase, here_only = rows["phase"], rows["now_main"].eq(TicketState.CLOSED) & rows["now_ext"].eq(TicketState.OPEN)
    words = np.select(
        [
            phase.eq(Phase.UNREADABLE),
            phase.eq(Phase.CONFLICT),
            phase.isin([*_WAITS]) & rows["waiting"].notna(),
            rows["unfinished_reason"].ne(""),
            rows["to_close"],
            phase.eq(Phase.OLD),
            phase.eq(Phase.OFF) & rows["correspondence"].eq("none"),
            phase.eq(Phase.UNCLEAR),
            phase.eq(Phase.ELSEWHERE),
            phase.eq(Phase.ACTIVE) & here_only & ~billing_can(rows, CLOSE_EXTERNAL, unable),
        ],
        [
            rows["detail"],
            conflict_in_words(frames.only(rows, phase.eq(Phase.CONFLICT))).reindex(rows.index).fillna(""),
            rows["waiting"].fillna(""),
            rows["unfinished_reason"],
            "its main ticket is still open",
            NEVER_LINKED,
            "department " + rows["department_now"].fillna("?") + " has no correspondence any more",
            rows["connection"].map(no_department_advice),
            in_department(rows["department_now"].fillna("?")),
            CLOSED_IN_MAIN_ONLY,
        ],
        "",
    )
    return pd.Series(words, index=rows.index, dtype="str").fillna("")


def _denied(messages: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """List messages of either side whose type is unknown: they did not cross."""
    unknown = messages[messages["kind"].eq(MessageKind.UNKNOWN)]
    said = pd.Series("", index=rows.index, dtype="str")
    for side, ticket, of_main in ((Side.EXTERNAL, "ext_ticket", ""), (Side.MAIN, "main_ticket", " of main")):
        there = unknown[unknown["side"].eq(side)]
        if there.empty:
            continue
        listed = there.sort_values("ordinal").groupby(["connection", "ticket"])["message"].agg(", ".join).reset_index()
        found = look_up(rows, listed, ["connection", ticket], {"denied": "message"}, ["connection", "ticket"])
        words = (f"messages{of_main} of an unknown type did not cross: " + found["denied"]).fillna("").astype("str")
        said = said + np.where(said.ne("") & words.ne(""), "; ", "") + words
    return said.astype("str")
