"""The live board: one artifact, renewed in place by each run; a new version of it only when a state has changed.

Prefect's database does not grow by a minute in which nothing changes: what is renewed in place leaves no version, no
task run and no event behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from prefect.artifacts import acreate_markdown_artifact
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import ArtifactCollectionFilter, ArtifactCollectionFilterKey

from remotesupport.bootstrap import Context
from remotesupport.core.connections.board import Board
from remotesupport.core.run import RunReport
from remotesupport.steps.record.board import board_of, certificates_left
from tasks import artifacts

KEY = "board"
_REMEMBERED = "artifact/board"


async def renew(ctx: Context, done: RunReport) -> None:
    """Show how every connection is now. A Prefect server that does not take it fails no run: the log says so."""
    board, before = board_of(ctx), ctx.store.progress(_REMEMBERED) or {}
    names = {row.name for row in board.rows}
    answered = {n: words for n, words in (before.get("answered", {}) | _answered(done)).items() if n in names}
    certificates = certificates_left(ctx.store, names, ctx.clock())
    text = artifacts.board_markdown(board, ctx.clock(), ctx.store.parked(names), answered, certificates)
    states = _digest(board)
    try:
        await _put(text, new_version=before.get("digest") != states)
    except Exception as error:  # whatever a server or a network may do: the tickets are carried all the same
        ctx.log.warning("the board in the Prefect UI was not renewed: %s (run %s)", error, done.run)
        return
    ctx.store.save_progress(_REMEMBERED, {"digest": states, "answered": answered})


def _answered(done: RunReport) -> dict[str, str]:
    """Tell how long reading took, of each connection that was read in this run."""
    return {b.name: f"{b.seconds:.1f} s, {b.requests} requests" for b in done.billings if b.requests}


def _digest(board: Board) -> str:
    """Return the same as long as no connection's state changes."""
    lines: list[Any] = sorted((row.name, str(row.state)) for row in board.rows)
    return hashlib.sha256(repr([*lines, board.main is not None]).encode()).hexdigest()[:16]


async def _put(text: str, *, new_version: bool) -> None:
    async with get_client() as client:
        latest = None if new_version else await _latest(client)
        if latest is None:
            await acreate_markdown_artifact(text, key=KEY, description="Every connection, worst first")
        else:
            await _replace(client, latest, {"data": text})


async def _latest(client: PrefectClient) -> Any:
    """The id of the newest version; None where there is none (any more: Prefect forgets old runs with theirs)."""
    of_key = ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=[KEY]))
    found = await client.read_latest_artifacts(artifact_filter=of_key, limit=1)
    return found[0].latest_id if found else None


async def _replace(client: PrefectClient, artifact: Any, fields: Mapping[str, Any]) -> None:
    """Update an artifact without the event that ``client.update_artifact`` sends, which would keep the whole text once
    a minute."""
    answer = await client.request("PATCH", "/artifacts/{id}", path_params={"id": artifact}, json=dict(fields))
    answer.raise_for_status()
