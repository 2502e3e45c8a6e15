"""``bell``: tell the running ``up`` that a ticket has changed, so that it looks at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from deployments.bell.place import BellError, Place, found
from remotesupport.cli import output, session
from remotesupport.cli.errors import FAILED, Refusal
from remotesupport.cli.options import AsJson, BillingName

if TYPE_CHECKING:
    import httpx

    from remotesupport.settings import Settings

TIMEOUT_S = 15.0
_RUNG, _WRONG_TOKEN = 202, 401


def bell(
    billing: BillingName,
    ticket: Annotated[str, typer.Argument(metavar="TICKET", help="The ticket's id in that external billing.")],
    as_json: AsJson = False,
) -> None:
    """Look at this ticket now, not at the next minute: rings the bell of the `remotesupport up` that is running."""
    settings = session.configuration()
    session.chosen(settings, [billing])
    answer = _ring(_place(settings, billing), billing, ticket)
    if as_json:
        output.document(answer)
    else:
        output.line(f"{billing} {ticket}: {answer['detail']}. What came of it: remotesupport why {billing} {ticket}")


def _place(settings: Settings, billing: str) -> Place:
    """Where to ring. Raises Refusal where nobody would hear it."""
    instead = f"To look at {billing} now: remotesupport sync --billing {billing}"
    if not settings.bell.enabled:
        raise Refusal(f"Nothing was rung: enabled = false under [bell] in {settings.config_path}. {instead}", FAILED)
    try:
        place = found(settings.home)
    except BellError as error:
        raise Refusal(f"Nothing was rung: {error}", FAILED) from None
    if place is None:
        raise Refusal(
            f"Nothing was rung: no `remotesupport up` with a bell runs in the state folder {settings.home}. {instead}",
            FAILED,
        )
    return place


def _ring(place: Place, billing: str, ticket: str) -> dict[str, Any]:
    import httpx

    path = f"{place.url}/bell/{billing}/{quote(ticket, safe='')}"
    try:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.post(path, headers={"Authorization": f"Bearer {place.token}"})
    except httpx.HTTPError as error:
        raise Refusal(
            f"The bell at {place.url} does not answer ({error}): is `remotesupport up` well?", FAILED
        ) from None
    return _taken(place, answer, f"{billing} {ticket}")


def _taken(place: Place, answer: httpx.Response, what: str) -> dict[str, Any]:
    if answer.status_code == _WRONG_TOKEN:
        raise Refusal(
            f"{what}: the bell at {place.url} began with another token than bell.token holds now: "
            "start `remotesupport up` again",
            FAILED,
        )
    document = answer.json() if answer.headers.get("content-type") == "application/json" else {"detail": answer.text}
    if answer.status_code != _RUNG:
        raise Refusal(f"{what}: {document['detail']}", FAILED)
    taken: dict[str, Any] = document
    return taken
