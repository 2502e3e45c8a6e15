"""Send what a run has to tell as events of Prefect. Automations (``deployments.alerts``) make notifications of them.

The server has taken an event before it is remembered as told; one that is sent twice has the same id, which the server
knows. Must stay out: what is told (``steps.record.alerting``), and to whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from prefect.client.orchestration import get_client
from prefect.events.schemas.events import Event as PrefectEvent

from remotesupport.bootstrap import Context
from remotesupport.core.connections.state_events import Event
from remotesupport.steps.record.alerting import alone, remember_told, to_tell
from remotesupport.steps.record.certificates import look_at_certificates

_RUN = "prefect.flow-run."


async def tell(ctx: Context, *, certificates: bool = False) -> None:
    """Tell what is new. It never harms the run: what could not be told now is told after the next one.

    ``certificates``: look at those of the billings first.
    """
    try:
        if certificates:
            await look_at_certificates(ctx)
        with alone(ctx) as is_alone:
            if is_alone:
                await _tell(ctx)
    except Exception as error:
        ctx.log.warning("alerts: nothing was told (%s: %s); the next run tries again", type(error).__name__, error)


async def _tell(ctx: Context) -> None:
    told = to_tell(ctx)
    if told.events:
        await send([as_prefect(event, ctx.flow_run) for event in told.events])
    remember_told(ctx, told)


async def send(events: Sequence[PrefectEvent]) -> None:
    """Give events to the server, and return when it has taken them. Raises Prefect's and httpx's errors."""
    async with get_client() as client:
        await client.request("POST", "/events", json=[event.model_dump(mode="json") for event in events])


def as_prefect(event: Event, flow_run: str | None = None) -> PrefectEvent:
    """Put an event in Prefect's words. ``flow_run``: the run that has seen it."""
    related: list[Any] = []
    if flow_run:
        related.append({"prefect.resource.id": _RUN + flow_run, "prefect.resource.role": "flow-run"})
    return PrefectEvent(
        id=uuid5(NAMESPACE_URL, f"{event.name} {event.about} {event.since.isoformat()}"),
        event=event.name,
        resource={"prefect.resource.id": event.about, "prefect.resource.name": event.title},
        related=related,
        payload=dict(event.payload),
    )
