"""Where a flow run is shown: addresses in the Prefect UI, made from the environment alone. Prefect is not imported."""

from __future__ import annotations

from collections.abc import Mapping


def flow_run_address(flow_run: str, environ: Mapping[str, str]) -> str | None:
    """The page of a flow run's id; None where no address of the UI is known.

    ``PREFECT_UI_URL`` is the UI itself; a server of one's own has it where its API (``PREFECT_API_URL``) is, without
    ``/api`` behind it.
    """
    api = environ.get("PREFECT_API_URL", "").rstrip("/")
    ui = environ.get("PREFECT_UI_URL", "").rstrip("/") or (api.removesuffix("/api") if api.endswith("/api") else "")
    return f"{ui}/runs/flow-run/{flow_run}" if ui else None
