"""Small frames for the core's tests: a connection "acme", its department 7 → 70, and whatever a test adds."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from remotesupport.core import frames
from remotesupport.core.reconcile import Inputs, Outcome, reconcile
from remotesupport.core.text.normalize import body_hash

READ_OK = {"outcome": "ok", "complete": True, "detail": ""}


def ticket(number: str, side: str = "external", **more: Any) -> dict[str, Any]:
    """A TICKETS row: open, in department 7, read in this run. Main ticket 900 carries the origin of 1."""
    row = {
        "connection": "acme", "side": side, "ticket": number, "subject": "Help", "department": "7", "state": "open",
        "status": "1", "author": "", "activity": "", "origin": None, "fresh": True,
    }  # fmt: skip
    if side == "main":
        row |= {"department": None, "origin": "1" if number == "900" else None}
    return row | more


def message(number: str, kind: str = "client", body: str | None = None, **more: Any) -> dict[str, Any]:
    """A MESSAGES row of external ticket 1; its ordinal is its number."""
    text = f"text {number}" if body is None else body
    row = {
        "connection": "acme", "side": "external", "ticket": "1", "message": number, "ordinal": int(number),
        "kind": kind, "author": "Ann", "at_text": "2026-11-20 10:15:00", "zone": "Europe/Moscow", "at": None,
        "body": text, "body_hash": body_hash(text), "files": "[]", "own": None,
    }  # fmt: skip
    return row | more


def reply(number: str, body: str | None = None, **more: Any) -> dict[str, Any]:
    """A MESSAGES row: a staff reply in main ticket 900."""
    return message(number, "staff", body, side="main", ticket="900") | more


def link(**more: Any) -> dict[str, Any]:
    """A LINKS row: 1 ↔ 900, open on both sides, in department 7."""
    row = {
        "connection": "acme", "ext_ticket": "1", "main_ticket": "900", "ext_state": "open", "main_state": "open",
        "department": "7", "departed": False,
    }  # fmt: skip
    return row | more


def carried(source: dict[str, Any], target: str | None = "m1", **more: Any) -> dict[str, Any]:
    """A CARRIED row of a MESSAGES row of ticket 1 or 900."""
    row = {
        "connection": source["connection"],
        "direction": "to_main" if source["side"] == "external" else "to_external",
        "ext_ticket": "1", "source_message": source["message"], "target_message": target,
        "body_hash": source["body_hash"],
    }  # fmt: skip
    return row | more


def read(side: str, connection: str = "acme", **more: Any) -> dict[str, Any]:
    """A READS row: complete and in order."""
    return {"connection": connection, "side": side, **READ_OK} | more


def blocked(
    direction: str, cause: str, ext_ticket: str = "1", kind: str = "", *, parked: bool = False
) -> dict[str, Any]:
    """A BLOCKED row."""
    where = {"connection": "acme", "ext_ticket": ext_ticket, "direction": direction}
    return where | {"cause": cause, "kind": kind, "parked": parked}


def gone(number: str, side: str = "external") -> dict[str, Any]:
    """A GONE row."""
    return {"connection": "acme", "side": side, "ticket": number, "detail": "not found by a direct look"}


CORRESPONDENCE = {"connection": "acme", "department": "7", "main_department": "70", "enabled": True}


def inputs(
    *,
    tickets: Iterable[dict[str, Any]] = (),
    messages: Iterable[dict[str, Any]] = (),
    links: Iterable[dict[str, Any]] = (),
    ledger: Iterable[dict[str, Any]] = (),
    correspondences: Iterable[dict[str, Any]] = (CORRESPONDENCE,),
    reads: Iterable[dict[str, Any]] | None = None,
    waits: Iterable[dict[str, Any]] = (),
    absent: Iterable[dict[str, Any]] = (),
    standing: bool = True,
    **more: Any,
) -> Inputs:
    """Inputs of rows; both sides of "acme" are read completely unless ``reads`` says otherwise.

    ``standing``: what the ledger has as carried and no row tells of stands in both threads, as it would.
    """
    messages, ledger = list(messages), list(ledger)
    if standing:
        messages = [*messages, *_standing(ledger, messages)]
    return Inputs(
        tickets=frames.build(frames.TICKETS, tickets),
        messages=frames.build(frames.MESSAGES, messages),
        links=frames.build(frames.LINKS, links),
        carried=frames.build(frames.CARRIED, ledger),
        correspondences=frames.build(frames.CORRESPONDENCES, correspondences),
        reads=frames.build(frames.READS, [read("external"), read("main")] if reads is None else reads),
        blocked=frames.build(frames.BLOCKED, waits),
        gone=frames.build(frames.GONE, absent),
        **more,
    )


def _standing(ledger: list[dict[str, Any]], messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages that ``ledger`` speaks of and ``messages`` does not have, before all others of their threads."""
    there = {(m["connection"], m["side"], m["message"]) for m in messages}
    more: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in ledger:
        inward = row["direction"] == "to_main"
        sides = ("external", "main") if inward else ("main", "external")
        kinds = ("client", "client") if inward else ("staff", "staff")
        for side, name, kind in zip(sides, (row["source_message"], row["target_message"]), kinds, strict=True):
            key = (row["connection"], side, name)
            if name is None or "/edit/" in name or key in there or key in more:
                continue
            number = row["ext_ticket"] if side == "external" else "900"
            own = "yes" if name == row["target_message"] else None
            more[key] = message("1", kind, "as it was", side=side, ticket=number, own=own) | {
                "message": name, "ordinal": len(more) - 1000, "body_hash": row["body_hash"], "connection": key[0],
            }  # fmt: skip
    return list(more.values())


def run(**rows: Any) -> Outcome:
    """Reconcile ``inputs(**rows)``."""
    return reconcile(inputs(**rows))


def planned(outcome: Outcome) -> list[tuple[str, str, str]]:
    """(kind, direction, act) of every change, in plan order."""
    rows = outcome.changes
    return list(zip(rows["kind"], rows["direction"], rows["act"], strict=True))


def kinds(outcome: Outcome) -> list[str]:
    """ "kind direction" of every change, in plan order."""
    return (outcome.changes["kind"] + " " + outcome.changes["direction"]).tolist()


def why(outcome: Outcome) -> dict[str, str]:
    """Ticket → reason."""
    return dict(zip(outcome.reasons["ticket"], outcome.reasons["reason"], strict=True))


def only(outcome: Outcome) -> pd.Series:
    """The one change."""
    assert len(outcome.changes) == 1, planned(outcome)
    return outcome.changes.iloc[0]
