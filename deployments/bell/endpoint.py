"""The bell over HTTP: ``POST /bell/BILLING/TICKET`` with the token, and an answer in words.

Must stay out: what follows from a ring. The body of a ring means nothing and is never kept.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from deployments.bell.ringer import Ringer
from deployments.bell.rings import Look

MOST_BYTES = 1024
PATH = "/bell/{billing}/{ticket}"
_TICKET = re.compile(r"[A-Za-z0-9_.-]{1,64}")

_WORDS = {
    Look.NOW: "it is looked at now",
    Look.SOON: "it is looked at in some seconds: a look at this billing goes on, or has just been",
    Look.MINUTE: "the scheduled run looks at it, which is about to begin",
}


class Refused(Exception):
    """A ring that is not taken. The message says why and what to do."""

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.headers = status, headers


def application(ringer: Ringer, token: str, unknown: Callable[[str], str]) -> Starlette:
    """The application. ``unknown``: why a billing of that name cannot be rung for, "" where it can."""

    async def ring(request: Request) -> JSONResponse:
        _authorised(request, token)
        await _small(request)
        billing, ticket = request.path_params["billing"], request.path_params["ticket"]
        if why := unknown(billing):
            raise Refused(404, why)
        if not _TICKET.fullmatch(ticket):
            raise Refused(400, "a ticket's id has letters, digits, and _ . - only, 64 of them at most")
        look, trouble = await ringer.ring(billing, ticket)
        if trouble:
            raise Refused(503, trouble)
        answer = {"billing": billing, "ticket": ticket, "look": str(look), "detail": _WORDS[look]}
        return JSONResponse(answer, 202)

    return Starlette(routes=[Route(PATH, ring, methods=["POST"])], exception_handlers=_HANDLERS)


def _authorised(request: Request, token: str) -> None:
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise Refused(
            401,
            "the token is missing or wrong: Authorization: Bearer and what bell.token in the state folder holds",
            {"WWW-Authenticate": "Bearer"},
        )


async def _small(request: Request) -> None:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            raise Refused(413, f"a ring needs no body, and one of more than {MOST_BYTES} bytes is refused")


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    return JSONResponse({"detail": str(error)}, error.status, error.headers)


async def _no_such_path(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "there is nothing here: POST /bell/BILLING/TICKET rings"}, 404)


async def _wrong_method(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "a bell is rung with POST"}, 405, {"Allow": "POST"})


_HANDLERS = {Refused: _refused, 404: _no_such_path, 405: _wrong_method}
