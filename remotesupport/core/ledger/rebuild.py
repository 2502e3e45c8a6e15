"""The ledger made anew from what both sides show: origins in main's subjects, header lines, equal texts in order.

What the ledger has and what still holds stays as it is; what does not hold is named. Pure: frames in, frames out. What
must stay out: reading, storing, and anything that is written to a billing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from remotesupport.core import frames
from remotesupport.core.messages.match_existing import match_existing
from remotesupport.core.messages.pending import pending_messages
from remotesupport.core.model import Side, TicketState
from remotesupport.core.pairs.anomalies import missing_targets, reused_ids
from remotesupport.core.pairs.claims import unlinked_claims
from remotesupport.core.pairs.main_evidence import add_last_notice, apply_main_evidence
from remotesupport.core.pairs.pairs import EXT, pair_up, tickets_of_side
from remotesupport.core.pairs.phases import Phase
from remotesupport.core.reconcile import altered_texts
from remotesupport.core.reconcile_io import Inputs
from remotesupport.core.tables.joins import is_in, look_up
from remotesupport.core.text.altered import AlteredText

_CARRIED = list(frames.CARRIED.key)


@dataclass(frozen=True)
class Rebuilt:
    """``links``/``carried``: LINKS and CARRIED rows to add. ``removed``: links that do not hold (with ``why``).

    ``restated``: kept LINKS with both states as they are now: where main was told already, and where a billing was
    restored, since what it forgot is no person's doing. ``forgotten``: CARRIED rows whose message is not there any
    more, so that it may be sent again. ``ambiguous``: connection, ext_ticket, why: left as they are, a person decides.
    ``alone``: main_ticket, ext_ticket, why: origins without a partner. ``kept``: how many links stay as they are.
    ``altered``: as in ``Outcome``.
    """

    links: pd.DataFrame
    carried: pd.DataFrame
    removed: pd.DataFrame
    restated: pd.DataFrame
    forgotten: pd.DataFrame
    ambiguous: pd.DataFrame
    alone: pd.DataFrame
    kept: int
    altered: dict[str, list[AlteredText]]


def rebuild(inputs: Inputs) -> Rebuilt:
    """``inputs``: complete reads of both sides, the threads of every claimed and linked ticket, the ledger as is."""
    removed = _removed(inputs)
    inputs = replace(inputs, links=inputs.links[~is_in(inputs.links, removed, EXT)].reset_index(drop=True))
    pairs = _pairs(inputs)
    forgotten = pd.concat(missing_targets(pairs[pairs["why"].isna()], inputs).values())
    kept = inputs.carried[is_in(inputs.carried, inputs.links, EXT) & ~is_in(inputs.carried, forgotten, _CARRIED)]
    inputs = replace(inputs, carried=kept.reset_index(drop=True))
    _, known, shown = match_existing(pending_messages(inputs, pairs), pairs)
    new = pairs[pairs["phase"].eq(Phase.ADOPTABLE)]
    return Rebuilt(
        links=_links(new),
        carried=_carried(known, pairs),
        removed=removed,
        restated=_restated(pairs, restored=bool(len(removed) or len(forgotten))),
        forgotten=forgotten[list(frames.CARRIED.columns)],
        ambiguous=pairs.loc[pairs["why"].notna(), [*EXT, "why"]].reset_index(drop=True),
        alone=_alone(inputs, pairs),
        kept=len(inputs.links),
        altered=altered_texts(shown, pairs),
    )


def _pairs(inputs: Inputs) -> pd.DataFrame:
    """Pairs with ``why`` (a person decides; missing where not) and the phase that recognising needs."""
    pairs = apply_main_evidence(add_last_notice(pair_up(inputs), inputs.messages))
    other = {one.pair: one.words for one in reused_ids(pairs, inputs) if not one.unsure}
    claims = "more than one claim: " + pairs["claims"]
    pairs["why"] = claims.fillna(pd.Series(other, dtype="str").reindex(pairs.index)).astype("str")
    both = pairs["main_fresh"] & pairs["seen"] & pairs["why"].isna()
    unlinked = ~pairs["linked"] & pairs["main_ticket"].notna() & both
    enters = unlinked & ((pairs["correspondence"].isin(["on", "off"]) & pairs["fresh"]) | pairs["departed"])
    table = [enters, pairs["linked"] & both & pairs["fresh"]]
    pairs["phase"] = pd.Series(
        np.select(table, [str(Phase.ADOPTABLE), str(Phase.ACTIVE)], str(Phase.ELSEWHERE)), pairs.index, dtype="str"
    )
    return pairs


def _removed(inputs: Inputs) -> pd.DataFrame:
    """LINKS whose main ticket is gone, or does not carry their origin any more."""
    mains = tickets_of_side(inputs.tickets, Side.MAIN)
    links = look_up(inputs.links, mains, ["connection", "main_ticket"], {"there": "seen", "origin": "origin"})
    gone = inputs.gone[inputs.gone["side"].eq(Side.MAIN)]
    lost = is_in(links, gone, ["connection", "main_ticket"], ["connection", "ticket"]) & ~links["there"]
    other = links["there"] & links["origin"].ne(links["ext_ticket"])
    words = np.select([lost, other], ["main ticket is gone", "main ticket does not carry this origin any more"], "")
    return links.assign(why=words)[lost | other][[*EXT, "main_ticket", "why"]].reset_index(drop=True)


def _links(pairs: pd.DataFrame) -> pd.DataFrame:
    """Build LINKS: both states as they are. One that was told to have left keeps no department: it crosses no more, and
    nobody knows whether its main ticket was closed after that and opened again, so it counts as closed."""
    rows = pairs.assign(
        ext_state=pairs["now_ext"],
        main_state=pairs["now_main"].mask(pairs["departed"], str(TicketState.CLOSED)),
        department=pairs["department_now"].where(~pairs["departed"]),
    )
    columns = {c: rows[c].astype(t) for c, t in frames.LINKS.columns.items()}  # type: ignore[call-overload]
    return pd.DataFrame(columns).reset_index(drop=True)


def _restated(pairs: pd.DataFrame, *, restored: bool) -> pd.DataFrame:
    both = pairs["linked"] & pairs["seen"] & pairs["main_seen"] & ~pairs["departed"]
    moved = pairs["now_ext"].ne(pairs["agreed_ext"]) | pairs["now_main"].ne(pairs["agreed_main"])
    rows = pairs[both & ((moved & restored) | pairs["told_by_main"])]
    return _links(rows.assign(department_now=rows["agreed_department"]))


def _carried(known: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    rows = known.rename(columns={"message": "source_message", "target": "target_message"})
    of = pairs.loc[rows["pair"], EXT].reset_index(drop=True)
    rows = rows.reset_index(drop=True).assign(connection=of["connection"], ext_ticket=of["ext_ticket"])
    columns = {c: rows[c].astype(t) for c, t in frames.CARRIED.columns.items()}  # type: ignore[call-overload]
    return pd.DataFrame(columns)


def _alone(inputs: Inputs, pairs: pd.DataFrame) -> pd.DataFrame:
    """Origins that were not linked, and why; the ambiguous ones are listed as such."""
    mains = tickets_of_side(inputs.tickets, Side.MAIN)
    claimed = unlinked_claims(inputs.links, mains)
    claimed = look_up(
        claimed, pairs, EXT, {"seen": "seen", "department_now": "department_now", "quarrel": "why", "phase": "phase"}
    )
    claimed = claimed[claimed["quarrel"].isna() & claimed["phase"].ne(Phase.ADOPTABLE).fillna(value=True)]
    elsewhere = (
        "external ticket is in department " + claimed["department_now"].fillna("?") + ", which has no correspondence"
    )
    words = elsewhere.where(claimed["seen"], "external ticket is not there, or this login does not see it")
    return claimed.assign(why=words)[[*EXT, "main_ticket", "why"]].reset_index(drop=True)
