"""The emulated billing over HTTP: both API addresses, the side door and the pages, as one ASGI application.

Faults that happen below HTTP (a reset, a body cut off) are done here, on the open transport.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from remotesupport.emulator.billing import Billing
from remotesupport.emulator.desk import Attachment
from remotesupport.emulator.exchange import SECRETS, ApiAnswer, ApiRequest
from remotesupport.emulator.pages import page_routes
from remotesupport.emulator.side_door import side_door_routes

LOOPBACK_NAMES = ["127.0.0.1", "localhost"]
_HTML = "<!doctype html><html><head><title>BILLmanager</title></head><body><h1>{}</h1></body></html>"
_PIECES = 20
_LOOK_S = 0.02  # how often late requests look at the billing's clock
_LARGEST_FIELD = 64 * 2**20
_LYING_ABOUT: set[asyncio.Task[None]] = set()


def application(billing: Billing, *, allow_remote: bool = False) -> Starlette:
    """The ASGI application. Without ``allow_remote`` it answers only to loopback names."""

    async def api(request: Request) -> Response:
        return await _api(billing, request)

    hosts = ["*"] if allow_remote else LOOPBACK_NAMES
    return Starlette(
        routes=[
            Route("/billmgr", api, methods=["GET", "POST"]),
            Route("/manager/billmgr", api, methods=["GET", "POST"]),
            *side_door_routes(billing),
            *page_routes(billing),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)],
    )


async def _api(billing: Billing, request: Request) -> Response:
    if _has_files(request) and (share := billing.faults.cut_upload()):
        return await _cut_off(request, share)
    try:
        params, files = await _parameters(request)
    except ClientDisconnect:
        return _Gone()
    function = params.get("func", "")
    if not function and "out" not in params:
        return RedirectResponse("/", 302)
    entry = _record(billing, request, params, files)
    struck = billing.faults.begin(function, write=bool(params.get("sok")))
    host = f"{request.url.scheme}://{request.url.netloc}"
    asked = ApiRequest(params, _spoilt(struck, files), request.cookies, host, request.method)
    if struck.get("delay_s"):
        await asyncio.sleep(float(struck["delay_s"]))
    if struck.get("late_s"):
        entry["outcome"] = "fault"
        _later(billing, asked, entry, float(struck["late_s"]))
        return await _hang_up(request, b"", reset=True)
    if (early := await _instead(struck, request)) is not None:
        entry["outcome"] = "fault"
        return early
    answer = _execute(billing, struck, asked)
    entry.update(login=answer.login, outcome=answer.outcome, bytes=len(answer.body))
    if struck.get("hold_s"):
        await asyncio.sleep(float(struck["hold_s"]))
    return await _send(struck, request, answer)


def _spoilt(struck: dict[str, Any], files: list[Attachment]) -> list[Attachment]:
    if struck.get("lost_files"):
        return []
    if struck.get("cut_files"):
        return [Attachment(file.name, file.content[: len(file.content) // 2]) for file in files]
    return files


def _execute(billing: Billing, struck: dict[str, Any], asked: ApiRequest) -> ApiAnswer:
    with billing.turn:
        if struck.get("session_gone"):
            billing.sessions.end_all()
        if struck.get("clock_jump_s"):
            billing.clock.advance(float(struck["clock_jump_s"]))
        billing.faults.during(struck)
        is_write = struck.get("lost_write") and bool(asked.params.get("sok"))
        return billing.pretend(asked) if is_write else billing.answer(asked)


def _later(billing: Billing, asked: ApiRequest, entry: dict[str, Any], seconds: float) -> None:
    """A request that lies about until the billing's clock, which people may move, says that it comes."""

    def execute() -> None:
        answer = _execute(billing, {}, asked)
        entry.update(login=answer.login, outcome=f"late: {answer.outcome}", bytes=len(answer.body))

    request = billing.late.add(seconds, execute)

    async def lie_about() -> None:
        try:
            while not request.over:
                await asyncio.sleep(_LOOK_S)
                billing.late.arrive()
        finally:
            billing.late.drop(request)

    task = asyncio.create_task(lie_about())
    _LYING_ABOUT.add(task)
    task.add_done_callback(_LYING_ABOUT.discard)


async def _parameters(request: Request) -> tuple[dict[str, str], list[Attachment]]:
    """Query and body together; of a parameter that comes twice, the last counts."""
    params = dict(parse_qsl(request.url.query, keep_blank_values=True))
    if request.method != "POST":
        return params, []
    if not _has_files(request):
        body = (await request.body()).decode("utf-8", "replace")
        return params | dict(parse_qsl(body, keep_blank_values=True)), []
    uploads: dict[str, Attachment] = {}
    async with request.form(max_part_size=_LARGEST_FIELD) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                uploads[name] = Attachment(value.filename or name, await value.read())
            else:
                params[name] = value
    files = [
        uploads[name] for name in sorted(uploads, key=_file_number) if name.startswith("file_") and uploads[name].name
    ]
    return params, files


def _has_files(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("multipart/form-data")


async def _cut_off(request: Request, share: float) -> Response:
    """Take in this share of the request, then reset."""
    enough, got = int(request.headers.get("content-length", "0")) * share, 0
    async for chunk in request.stream():
        got += len(chunk)
        if got >= enough:
            break
    return await _hang_up(request, b"", reset=True)


def _file_number(name: str) -> tuple[int, str]:
    tail = name.rpartition("_")[2]
    return (int(tail) if tail.isascii() and tail.isdigit() else 0, name)


def _record(billing: Billing, request: Request, params: dict[str, str], files: list[Attachment]) -> dict[str, Any]:
    """Every call is written down without its secrets; ``in_url`` are the names (only) of what stood in the address."""
    entry = {
        "func": params.get("func", ""),
        "method": request.method,
        "path": request.url.path,
        "params": {name: value for name, value in params.items() if name not in SECRETS},
        "in_url": sorted(request.query_params.keys()),
        "files": [{"name": file.name, "size": len(file.content)} for file in files],
        "login": "",
        "time": billing.clock.now(),
        "outcome": "",
        "bytes": 0,
    }
    billing.requests.append(entry)
    return entry


async def _instead(struck: dict[str, Any], request: Request) -> Response | None:
    """The answer of a fault that keeps the call from being executed."""
    if struck.get("reset_before"):
        return await _hang_up(request, b"", reset=True)
    if struck.get("status"):
        return Response(f"HTTP {struck['status']}", int(struck["status"]), media_type="text/plain")
    if struck.get("redirect"):
        return RedirectResponse(str(struck["redirect"]), 302)
    if struck.get("html"):
        return HTMLResponse(_HTML.format("Maintenance"))
    return None


async def _send(struck: dict[str, Any], request: Request, answer: ApiAnswer) -> Response:
    if struck.get("reset_after"):
        return await _hang_up(request, b"", reset=True)
    body = b"" if struck.get("empty") else answer.body
    if struck.get("bad_encoding"):
        body = body[: len(body) // 2] + b"\xd0\xff\xfe" + body[len(body) // 2 :]
    if struck.get("truncate"):
        share = 0.5 if struck["truncate"] is True else float(struck["truncate"])
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {answer.media_type}\r\nConnection: close\r\n\r\n"
        return await _hang_up(request, head.encode() + body[: int(len(body) * share)], reset=False)
    if struck.get("drip_s"):
        return StreamingResponse(_drip(body, float(struck["drip_s"])), media_type=answer.media_type)
    return _response(answer, body)


def _response(answer: ApiAnswer, body: bytes) -> Response:
    if answer.redirect:
        return RedirectResponse(answer.redirect, 301)
    response = Response(body, media_type=answer.media_type)
    if answer.file_name:
        response.headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(answer.file_name)}"
        response.headers["x-content-type-options"] = "nosniff"
    for name, value in answer.cookies.items():
        response.set_cookie(name, value, httponly=True, samesite="lax")
    return response


async def _drip(body: bytes, pause: float) -> AsyncIterator[bytes]:
    step = max(len(body) // _PIECES, 1)
    for start in range(0, len(body), step):
        yield body[start : start + step]
        await asyncio.sleep(pause)


class _Gone(Response):
    """Nothing to send: the connection is closed already."""

    async def __call__(self, *_: Any) -> None:
        return


async def _hang_up(request: Request, last_words: bytes, *, reset: bool) -> Response:
    """Write to the open transport and close it, or reset it (a RST, not a FIN)."""
    transport: asyncio.Transport = request.scope["emulator.transport"]
    if reset:
        open_socket = transport.get_extra_info("socket")
        open_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.write(last_words)
        transport.close()
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return _Gone()
