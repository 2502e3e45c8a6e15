"""``bell``: tell the running ``up`` that a ticket has changed, so that it looks at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from deployments.bell.place import BellError, Place, found
from remotesupport.cli import output, session
from remotesupport.cli.errors import FAILED, WRONG, Refusal
from remotesupport.cli.options import AnyBilling, AsJson

if TYPE_CHECKING:
    import httpx

    from remotesupport.settings import Settings

TIMEOUT_S = 15.0
_RUNG, _WRONG_TOKEN = 202, 401


def bell(
    billing: Annotated[str | None, AnyBilling] = None,
    ticket: Annotated[
        str | None, typer.Argument(metavar="TICKET", help="The ticket's id in that external billing.")
    ] = None,
    main: Annotated[
        str | None, typer.Option(metavar="TICKET", help="Instead of both: the ticket's id in the main billing.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at this ticket now, not at the next minute: rings the bell of the `remotesupport up` that is running."""
    settings = session.configuration()
    name, number = _linked(settings, main) if main and not billing else _named(settings, billing, ticket, main)
    answer = _ring(_place(settings, name), name, number)
    if as_json:
        output.document(answer)
    else:
        output.line(f"{name} {number}: {answer['detail']}. What came of it: remotesupport why {name} {number}")


def _named(settings: Settings, billing: str | None, ticket: str | None, main: str | None) -> tuple[str, str]:
    """The billing and ticket of the command line. Raises Refusal."""
    if not billing or not ticket or main:
        raise Refusal("Say which ticket: remotesupport bell BILLING TICKET, or remotesupport bell --main TICKET", WRONG)
    session.chosen(settings, [billing])
    return billing, ticket


def _linked(settings: Settings, main: str) -> tuple[str, str]:
    """The external ticket that is carried over into this one of the main billing. Raises Refusal."""
    with session.store_of(settings) as store:
        for external in settings.enabled():
            for ticket in store.linked(external.name, main_tickets=[main]):
                return external.name, ticket
    raise Refusal(
        f"Nothing was rung: the ticket {main} of the main billing is linked with no ticket of an enabled billing. "
        "Is it the id in the main billing? With the external one: remotesupport bell BILLING TICKET",
        FAILED,
    )


def _place(settings: Settings, billing: str) -> Place:
    """Tell where to ring. Raises Refusal where nobody would hear it."""
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
