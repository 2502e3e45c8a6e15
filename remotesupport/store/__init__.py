"""The store: everything that must outlive a run, on SQLite or PostgreSQL. Imports neither connectors nor Prefect."""

from remotesupport.core.connections.connection_state import ConnectionState
from remotesupport.store.errors import (
    AlreadyIntended,
    LeaseLost,
    LinkConflict,
    StoreError,
    StoreUnavailable,
    WriteBlocked,
)
from remotesupport.store.states import Changed, HistoryLine, PlanState, RunRecord, SavedPlan
from remotesupport.store.store import Store

__all__ = [
    "AlreadyIntended",
    "Changed",
    "ConnectionState",
    "HistoryLine",
    "LeaseLost",
    "LinkConflict",
    "PlanState",
    "RunRecord",
    "SavedPlan",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "WriteBlocked",
]
