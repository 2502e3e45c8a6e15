"""Put receivers and automations into Prefect. May be done again at any time: each is found by its name and updated.

An automation that a person has switched off stays so. What the configuration does not have any more goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

from deployments.alerts.catalog import AUTOMATIONS, NO_RUN, PREFIX, Automation
from deployments.alerts.receivers import PREFIX as BLOCKS
from deployments.alerts.receivers import Receiver, receivers_of, troubles
from remotesupport.settings import AlertsSettings, BlockReader


async def register_alerts(alerts: AlertsSettings, blocks: BlockReader | None, *, watched: bool) -> list[str]:
    """Register what the configuration says. ``watched``: a running ``up`` tells by itself when no run begins.

    Returns a line for each receiver that is told nothing.
    """
    receivers = await receivers_of(alerts, blocks)
    async with get_client() as client:
        await _register(client, receivers, watched)
    return troubles(receivers)


async def _register(client: PrefectClient, receivers: Sequence[Receiver], watched: bool) -> None:
    told = [one for one in receivers if one.block is not None]
    documents = [await _document(client, one) for one in told]
    wanted = [*AUTOMATIONS, *(() if watched else NO_RUN)] if documents else []
    known = {one.name: one for one in await client.read_automations() if one.name.startswith(PREFIX)}
    for entry in wanted:
        found = known.pop(entry.name, None)
        core = automation_of(entry, documents, enabled=found is None or found.enabled)
        if found is None:
            await client.create_automation(core)
        else:
            await client.update_automation(found.id, core)
    for gone in known.values():
        await client.delete_automation(gone.id)
    await _forget(client, {one.document for one in told if one.ours})


async def _document(client: PrefectClient, receiver: Receiver) -> UUID:
    if not receiver.ours:
        return UUID(str(receiver.block._block_document_id))
    return UUID(str(await receiver.block.asave(receiver.document, overwrite=True, client=client)))


async def _forget(client: PrefectClient, wanted: set[str]) -> None:
    """Delete the blocks that we made for receivers which are in the configuration no more."""
    for document in await client.read_block_documents(include_secrets=False):
        if document.name and document.name.startswith(BLOCKS) and document.name not in wanted and _is_ours(document):
            await client.delete_block_document(document.id)


def _is_ours(document: Any) -> bool:
    kinds = ("custom-webhook", "slack-webhook", "ms-teams-webhook", "apprise-address")
    return document.block_type is not None and document.block_type.slug in kinds


def automation_of(entry: Automation, documents: Iterable[UUID], *, enabled: bool) -> AutomationCore:
    """A catalog entry in Prefect's words: it notifies each of ``documents``."""
    return AutomationCore(
        name=entry.name,
        description=entry.description,
        enabled=enabled,
        trigger=_trigger(entry),
        actions=[
            SendNotification(block_document_id=document, subject=entry.subject, body=entry.body)
            for document in documents
        ],
    )


def _trigger(entry: Automation) -> EventTrigger:
    if entry.absent_for is None:
        return EventTrigger(expect=set(entry.expect), posture=Posture.Reactive, threshold=1)
    of_deployment: Any = {"prefect.resource.role": "deployment", "prefect.resource.name": entry.deployment}
    return EventTrigger(
        after=set(entry.expect),
        expect=set(entry.expect),
        match_related=of_deployment,
        posture=Posture.Proactive,
        threshold=1,
        within=entry.absent_for,
    )
