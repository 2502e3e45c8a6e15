"""The bell as a child of ``up``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deployments.processes import Child, python
from deployments.settings_env import client_env


class BellProcess(Child):
    """The bell of the state folder ``home``, for the Prefect server at ``api``. ``log``: None for our own output."""

    def __init__(self, home: Path, api: str, environ: Mapping[str, str], log: Path | None = None) -> None:
        super().__init__(python("deployments.bell.main"), client_env(home, api, environ), home.resolve(), log)
