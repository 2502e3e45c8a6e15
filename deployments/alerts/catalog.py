"""The automations that are shipped, as data: which event of ours becomes a notification. Nothing is done in here.

What is told, when, how often and in which words is decided before (``remotesupport.core.connections.alerts``); each of
these only hands it on, so that a person may pause one of them in Prefect, or build others on the same events.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from deployments.prefect_api import DEPLOYMENT
from remotesupport.core.connections.alert_words import name_of
from remotesupport.core.connections.alerts import Cause, Phase
from remotesupport.core.connections.connection_state import RUNS_WITHIN
from remotesupport.core.connections.state_events import RESUMED

PREFIX = "remotesupport: "
SUBJECT, BODY = "{{ event.payload.subject }}", "{{ event.payload.text }}"


@dataclass(frozen=True, slots=True)
class Automation:
    """One automation. ``expect``: the events that it hands on. ``absent_for``: instead, it fires once when none of
    ``expect`` has come for so long after the last one; then ``deployment`` is whose runs they are of."""

    name: str
    description: str
    expect: tuple[str, ...]
    subject: str = SUBJECT
    body: str = BODY
    absent_for: timedelta | None = None
    deployment: str = ""


_WORDS = {
    Cause.MAIN: ("main is down", "The main billing fails every connection."),
    Cause.ACCESS: ("access", "A login was refused."),
    Cause.STOPPED: ("stopped", "A connection is stopped and waits for a person."),
    Cause.BEHIND: ("behind", "A billing is unreachable or behind for longer than behind_minutes."),
    Cause.MACHINE_TALK: ("machine talk", "Two machines may be answering each other in a ticket."),
    Cause.PARKED: ("parked", "Changes wait for longer than parked_minutes."),
    Cause.CERTIFICATE: ("certificate", "The certificate of a billing ends within certificate_days."),
}

AUTOMATIONS = tuple(
    Automation(PREFIX + short, words, tuple(name_of(cause, phase) for phase in Phase))
    for cause, (short, words) in _WORDS.items()
)

_MINUTES = int(RUNS_WITHIN.total_seconds() // 60)

NO_RUN = (
    Automation(
        f"{PREFIX}no run",
        f"No run of every-minute has begun for {_MINUTES} minutes.",
        ("prefect.flow-run.Running",),
        "remotesupport: no run begins, nothing is carried over",
        f"No run of sync/every-minute has begun for {_MINUTES} minutes. What to do: `remotesupport status`, then the "
        "log of the worker: is one running?",
        RUNS_WITHIN,
        DEPLOYMENT,
    ),
    Automation(
        f"{PREFIX}runs again",
        "Runs have begun again after a time without any.",
        (RESUMED,),
        "remotesupport: over: runs begin again",
        "Runs begin again; none had begun since {{ event.payload.last_run }}. What was missed is carried over now.",
    ),
)
"""For servers without a `remotesupport up`, which watches by itself that runs begin, even if its server is gone."""
