"""Where a flow run and the board are shown: addresses in the Prefect UI. Prefect is not imported.

They are made from the environment, or from what ``up`` wrote into its state folder when it began.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

API_VARIABLE = "PREFECT_API_URL"
ADDRESS_FILE = "prefect.address"


def publish(home: Path, api: str) -> None:
    """Write down where the API of this state folder's ``up`` is, for ``ui_environ``."""
    (home / ADDRESS_FILE).write_text(f"{api}\n", encoding="utf-8")


def ui_environ(home: Path, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment; where it names no API, with the one of the last ``up`` of this state folder."""
    known = dict(os.environ if environ is None else environ)
    file = home / ADDRESS_FILE
    if not known.get(API_VARIABLE) and file.is_file():
        known[API_VARIABLE] = file.read_text(encoding="utf-8").strip()
    return known


def flow_run_address(flow_run: str, environ: Mapping[str, str]) -> str | None:
    """The page of a flow run's id; None where no address of the UI is known."""
    ui = _ui(environ)
    return f"{ui}/runs/flow-run/{flow_run}" if ui else None


def artifact_address(artifact: str, environ: Mapping[str, str]) -> str | None:
    """Return the page of an artifact's id; None where no address of the UI is known."""
    ui = _ui(environ)
    return f"{ui}/artifacts/artifact/{artifact}" if ui else None


def board_address(environ: Mapping[str, str]) -> str | None:
    """Return the page that lists the versions of the live board; None where no address of the UI is known."""
    ui = _ui(environ)
    return f"{ui}/artifacts/key/board" if ui else None


def _ui(environ: Mapping[str, str]) -> str:
    """``PREFECT_UI_URL`` is the UI itself; a server of one's own has it where its API (``PREFECT_API_URL``) is, without
    ``/api`` behind it."""
    api = environ.get(API_VARIABLE, "").rstrip("/")
    own = api.removesuffix("/api") if api.endswith("/api") else ""
    return environ.get("PREFECT_UI_URL", "").rstrip("/") or own
