"""BILLmanager over HTTP: ``connect_external`` and ``connect_main`` give clients; all else here is their inside."""

from __future__ import annotations

from connectors.billmanager.call import Limits
from connectors.billmanager.connect import connect_external, connect_main

__all__ = ["Limits", "connect_external", "connect_main"]
