"""BILLmanager over HTTP: ``connect_external``, ``connect_main`` and ``connect_watch`` give clients; all else here is
their inside."""

from __future__ import annotations

from connectors.billmanager.connect import Options, connect_external, connect_main, connect_watch
from connectors.billmanager.request import Limits

__all__ = ["Limits", "Options", "connect_external", "connect_main", "connect_watch"]
