"""The store: everything that must outlive a run, on SQLite or PostgreSQL. Imports neither connectors nor Prefect."""

from remotesupport.core.connection_state import ConnectionState
from remotesupport.store.errors import (
    AlreadyIntended,
    LeaseLost,
    LinkConflict,
    StoreError,
    StoreUnavailable,
    WriteBlocked,
)
from remotesupport.store.states import PlanState, RunRecord, SavedPlan, intent_key
from remotesupport.store.store import Store

__all__ = [
    "AlreadyIntended",
    "ConnectionState",
    "LeaseLost",
    "LinkConflict",
    "PlanState",
    "RunRecord",
    "SavedPlan",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "WriteBlocked",
    "intent_key",
]
