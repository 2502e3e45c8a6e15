"""Keep which version each server says that it is, and a line of the history when it says another one."""

from __future__ import annotations

from collections.abc import Mapping

from remotesupport.core.model import Side
from remotesupport.store import Changed, HistoryLine, Store


def note_versions(store: Store, connection: str, versions: Mapping[Side, str]) -> None:
    """``versions``: as the servers have just said; an empty one says nothing. The first one ever is no change."""
    keys = {side: f"version/{connection}/{side}" for side in versions}
    known = store.progress_of(keys.values())
    for side, now in versions.items():
        before = known.get(keys[side], {}).get("version", "")
        if not now or now == before:
            continue
        with store.together():
            store.save_progress(keys[side], {"version": now})
            if before:
                store.add_history([HistoryLine(connection, Changed.VERSION, f"{side} billing", before, now)])
