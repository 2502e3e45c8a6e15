"""Collect what a run has to tell: events of what changed, and alerts, from what the store knows and was told before.

Must stay out: sending (Prefect's part, ``tasks.alerts``), the decisions (``core.connections``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from remotesupport.bootstrap import Context
from remotesupport.core.connections.alert_memory import Memory
from remotesupport.core.connections.alert_words import event_of
from remotesupport.core.connections.alerts import Limits, decide, problems
from remotesupport.core.connections.seen import Seen
from remotesupport.core.connections.state_events import Event, changes
from remotesupport.core.run import READING
from remotesupport.settings import AlertsSettings
from remotesupport.steps.record.board import board_of
from remotesupport.steps.record.brake import is_braked
from remotesupport.steps.record.certificates import known_certificates

MEMORY = "alerts"
_LEASE, _LEASE_S = "#alerts", 30.0  # no connection can be called so


@dataclass(frozen=True, slots=True)
class ToTell:
    """Events to send, in their order, and what is told once they are out."""

    events: Sequence[Event]
    memory: Memory


@contextmanager
def alone(ctx: Context) -> Iterator[bool]:
    """True inside where no other run tells at the same time, so that nothing is told twice or forgotten; a run that is
    not alone leaves it to the next one."""
    lease = ctx.store.acquire_lease(_LEASE, ctx.holder, _LEASE_S)
    try:
        yield lease is not None
    finally:
        if lease is not None:
            ctx.store.release_lease(lease)


def to_tell(ctx: Context) -> ToTell:
    """Decide what is to be told now. Nothing is stored."""
    memory, seen, alerts = Memory.of_json(ctx.store.progress(MEMORY)), look(ctx), ctx.settings.alerts
    limits = limits_of(alerts)
    events, known = changes(memory.known, seen, limits.certificate_days)
    found = problems(seen, limits, memory.open)
    called, left = decide(memory.open, found, seen.at, alerts.is_quiet(seen.at))
    return ToTell([*events, *(event_of(alert, seen) for alert in called)], Memory(known, tuple(left)))


def remember_told(ctx: Context, told: ToTell) -> None:
    """Remember that it has been told."""
    ctx.store.save_progress(MEMORY, told.memory.to_json())


def look(ctx: Context) -> Seen:
    """Everything that there may be something to tell of."""
    names = sorted({*ctx.connections, *ctx.broken})
    parked = tuple(ctx.store.parked(names))
    newest = ctx.store.newest_run(*READING)
    return Seen(
        board_of(ctx),
        ctx.clock(),
        newest.started if newest is not None else None,
        parked,
        frozenset(p.id for p in parked if p.id is not None and is_braked(p)),
        known_certificates(ctx.store, names),
    )


def limits_of(alerts: AlertsSettings) -> Limits:
    """The configuration's limits."""
    behind, parked = timedelta(minutes=alerts.behind_minutes), timedelta(minutes=alerts.parked_minutes)
    return Limits(behind, parked, alerts.certificate_days)
