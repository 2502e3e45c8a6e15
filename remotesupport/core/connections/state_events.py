"""Previous states and present ones → one event for each change, none where nothing changed.

Pure. The names of events are a contract: people build automations on them. What must stay out: who is called
(``alerts``), how an event is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from remotesupport.core.connections.board import Row
from remotesupport.core.connections.connection_state import RUNS_WITHIN, State
from remotesupport.core.connections.seen import Seen
from remotesupport.core.records import ParkedChange

BILLING, MAIN, TICKET, RUN = (f"remotesupport.{what}" for what in ("billing", "main", "ticket", "run"))
MISSED, RESUMED = f"{RUN}.missed", f"{RUN}.resumed"
_NAMES = {state: f"{BILLING}.{state}" for state in State} | {State.OK: f"{BILLING}.recovered"}
_NAMED = 20  # tickets that one event names; the rest is counted


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``about``: the id of its resource, ``title`` that resource's name for people. ``since``: when what it
    tells began, which together with its name and resource makes it one and the same event however often it is sent."""

    name: str
    about: str
    title: str
    since: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """All that events have told so far. ``parked``: the highest id of a parked change; None: nothing was ever told.

    ``certificates``: the ends, as text, of those that were told of.
    """

    states: Mapping[str, State] = field(default_factory=dict)
    main_since: datetime | None = None
    parked: int | None = None
    certificates: frozenset[str] = frozenset()
    began: datetime | None = None


def changes(known: Known, seen: Seen, certificate_days: int) -> tuple[list[Event], Known]:
    """The events of what is new in ``seen``, and what is known with them."""
    ends = _ending(seen, certificate_days)
    events = [*_main(known, seen), *_states(known, seen), *_parked(known, seen), *_runs(known, seen)]
    events += [event for end, event in ends.items() if end not in known.certificates]
    highest = max((p.id or 0 for p in seen.parked), default=0)
    return events, Known(
        {row.name: _state_to_tell(known, seen, row) or row.state for row in seen.board.rows},
        _main_since(known, seen),
        max(highest, known.parked or 0),
        frozenset(ends),
        seen.began,
    )


def _main_since(known: Known, seen: Seen) -> datetime | None:
    main = seen.board.main
    return None if main is None else known.main_since or main.since or seen.at


def _main(known: Known, seen: Seen) -> list[Event]:
    """One event for all connections that fail because of main."""
    main = seen.board.main
    if main is not None and known.main_since is None:
        told = {"why": main.why, "billings": list(main.names)}
        return [Event(f"{MAIN}.unreachable", MAIN, "main", main.since or seen.at, told)]
    if main is None and known.main_since is not None:
        return [Event(f"{MAIN}.recovered", MAIN, "main", seen.at, {"down_since": known.main_since.isoformat()})]
    return []


def _states(known: Known, seen: Seen) -> list[Event]:
    events = []
    for row in seen.board.rows:
        before, now = known.states.get(row.name), _state_to_tell(known, seen, row)
        if now is None or now is before or (before is None and now in (State.OK, State.NEVER_READ)):
            continue
        told = {"state": str(now), "before": str(before or ""), "why": row.why}
        events.append(_of_billing(_NAMES[now], row.name, row.since or seen.at, told))
    return events


def _state_to_tell(known: Known, seen: Seen, row: Row) -> State | None:
    """Return the state to tell; None: as it was told before. The trouble of main is no change of a connection's own."""
    return known.states.get(row.name) if seen.waits_for_main(row) else row.state


def _parked(known: Known, seen: Seen) -> list[Event]:
    if known.parked is None:
        return []
    new = [p for p in seen.parked if (p.id or 0) > (known.parked or 0)]
    talks = [p for p in new if p.id in seen.talks]
    return [
        _of_billing(f"{TICKET}.{name}", billing, min(p.since for p in some), _tickets(some))
        for name, all_new in (("parked", [p for p in new if p not in talks]), ("machine_talk", talks))
        for billing, some in _by_billing(all_new).items()
    ]


def _by_billing(parked: Iterable[ParkedChange]) -> dict[str, list[ParkedChange]]:
    found: dict[str, list[ParkedChange]] = {}
    for one in parked:
        found.setdefault(one.connection, []).append(one)
    return found


def _tickets(parked: list[ParkedChange]) -> dict[str, Any]:
    tickets = list(dict.fromkeys(p.ext_ticket for p in parked))
    return {"tickets": tickets[:_NAMED], "count": len(parked), "cause": parked[0].cause, "first": parked[0].id}


def _runs(known: Known, seen: Seen) -> list[Event]:
    """The end of a time without runs; its beginning is told by who watches from outside."""
    if known.began is None or seen.began is None or seen.began - known.began <= RUNS_WITHIN:
        return []
    told = {"last_run": known.began.isoformat(), "seconds": int((seen.began - known.began).total_seconds())}
    return [Event(RESUMED, RUN, "runs", seen.began, told)]


def _ending(seen: Seen, days: int) -> dict[str, Event]:
    """List by end and billing the certificates that end within ``days``."""
    found = {}
    for one in seen.certificates:
        left = (one.expires - seen.at).days
        if left < days:
            told = {"expires": one.expires.isoformat(), "days_left": left}
            event = _of_billing(f"{BILLING}.certificate", one.billing, one.expires, told)
            if not one.billing:
                event = replace(event, name=f"{MAIN}.certificate", about=MAIN, title="main")
            found[f"{one.billing} {one.expires.isoformat()}"] = event
    return found


def _of_billing(name: str, billing: str, since: datetime, told: Mapping[str, Any]) -> Event:
    return Event(name, f"{BILLING}.{billing}", billing, since, told)
