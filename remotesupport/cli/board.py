"""``board``: where the live board is. Asks the Prefect server alone, and no billing."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from deployments.prefect_api import NoAnswer, PrefectApi
from deployments.settings_env import own_login
from remotesupport.cli import output, session
from remotesupport.cli.errors import FAILED, Refusal
from remotesupport.cli.options import AsJson
from remotesupport.cli.prefect_ui import artifact_address, board_address, ui_environ

INSTEAD = "The same without it: remotesupport status"
Open = Annotated[bool, typer.Option("--open", help="Open it in this machine's browser, too.")]


def board(open_it: Open = False, as_json: AsJson = False) -> None:
    """The page of the live board in the Prefect UI: its newest version, which each run renews."""
    settings = session.configuration()
    environ = ui_environ(settings.home)
    url, address = environ.get("PREFECT_API_URL", ""), board_address(environ)
    if not url or address is None:
        raise Refusal(
            f"No Prefect server is known here: start `remotesupport up`, or set PREFECT_API_URL. {INSTEAD}", FAILED
        )
    try:
        api = PrefectApi(url, environ | own_login(settings.home, url, environ))
        found = api.post("/artifacts/latest/filter", {"artifacts": {"key": {"any_": ["board"]}}, "limit": 1})
    except NoAnswer as error:
        raise Refusal(f"{error}. Is `remotesupport up` running? {INSTEAD}", FAILED) from None
    if not found:
        raise Refusal(f"No run has made the board yet, the next one does. It will be at {address}. {INSTEAD}", FAILED)
    page = artifact_address(str(found[0]["latest_id"]), environ) or address
    if as_json:
        output.document({"board": address, "page": page, "updated": found[0].get("updated")})
    else:
        output.line(page)
    if open_it:
        webbrowser.open(page)
