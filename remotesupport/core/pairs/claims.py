"""Finds the external ticket that a main one belongs to by its origin, and where such claims contradict each other.

A claim is a link of the ledger or the origin in a main ticket's subject. What must stay out: what to do about it.
"""

from __future__ import annotations

import pandas as pd

from remotesupport.core.tables.joins import is_in

_PAIR = ["connection", "ext_ticket", "main_ticket"]
_EXT = ["connection", "ext_ticket"]
_MAIN = ["connection", "main_ticket"]


def unlinked_claims(links: pd.DataFrame, mains: pd.DataFrame) -> pd.DataFrame:
    """Origins that the ledger does not know: connection, ext_ticket, main_ticket. ``mains`` has ``origin``."""
    claimed = mains.loc[mains["origin"].notna(), ["connection", "origin", "main_ticket"]]
    claimed = claimed.rename(columns={"origin": "ext_ticket"})
    return claimed[~is_in(claimed, links, _PAIR)].reset_index(drop=True)


def contested_tickets(links: pd.DataFrame, stray: pd.DataFrame) -> pd.DataFrame:
    """External tickets whose claims contradict: connection, ext_ticket, ``claims`` (in words). One row each."""
    double = links.duplicated(_MAIN, keep=False)
    if stray.empty and not double.any():
        return stray[_EXT].assign(claims=stray["main_ticket"])
    near = links[double | is_in(links, stray, _EXT) | is_in(links, stray, _MAIN)]
    every = pd.concat([near[_PAIR], stray[_PAIR]]).drop_duplicates()
    mains = every.groupby(_EXT)["main_ticket"].transform("size")
    owners = every.groupby(_MAIN)["ext_ticket"].transform("size")
    bad = every[(mains > 1) | (owners > 1)]
    return _in_words(bad, every)


def _in_words(bad: pd.DataFrame, every: pd.DataFrame) -> pd.DataFrame:
    """Each contested ticket once, with every claim on it or on a main ticket that it claims."""
    rivals = bad[_PAIR].merge(every, on=_MAIN, suffixes=("", "_rival"), validate="m:m")
    rivals = rivals.sort_values([*_PAIR, "ext_ticket_rival"])
    words = "main ticket " + rivals["main_ticket"] + " for " + rivals["ext_ticket_rival"]
    said = rivals[_EXT].assign(claims=words).drop_duplicates()
    joined = said.groupby(_EXT)["claims"].agg(", ".join)
    return joined.astype("str").reset_index()
