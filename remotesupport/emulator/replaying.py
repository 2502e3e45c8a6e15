"""A recorded side of a connection, served over HTTP on loopback. It answers reads only and keeps nothing."""

from __future__ import annotations

import socket
import threading
from typing import Any
from urllib.parse import parse_qsl

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from remotesupport.emulator.listening import ListeningServer, bound
from remotesupport.emulator.node import Node, to_xml
from remotesupport.emulator.recorded import Answer, RecordedSide

_HOST = "127.0.0.1"
_PAGE = "<!doctype html><html><head><title>BILLmanager</title></head><body>recorded as a page</body></html>"
_ADDRESSES = ("/billmgr", "/manager/billmgr")


class RunningReplay:
    """Serves one side while the block lasts; ``url`` is its complete address."""

    def __init__(self, side: RecordedSide, *, port: int = 0) -> None:
        self.name = side.name
        self._socket: socket.socket = bound(_HOST, port)
        self.url = f"http://{_HOST}:{self._socket.getsockname()[1]}/billmgr"
        config = uvicorn.Config(
            _application(side), ws="none", lifespan="off", log_config=None, access_log=False,
            timeout_graceful_shutdown=1, timeout_keep_alive=60, server_header=False,
        )  # fmt: skip
        self._server = ListeningServer(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name=f"replay-{side.name}", daemon=True
        )

    def __enter__(self) -> RunningReplay:
        self._thread.start()
        if not self._server.listening.wait(20):
            raise RuntimeError(f"the recording of {self.name} is not served")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()


def _application(side: RecordedSide) -> Starlette:
    async def api(request: Request) -> Response:
        params = dict(parse_qsl(request.url.query, keep_blank_values=True))
        body = (await request.body()).decode("utf-8", "replace")
        params |= dict(parse_qsl(body, keep_blank_values=True))
        answer = side.begun() if params.get("func") == "auth" else side.answer(params)
        return _response(answer, as_xml=params.get("out") == "xml")

    return Starlette(
        routes=[Route(address, api, methods=["GET", "POST"]) for address in _ADDRESSES],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[_HOST, "localhost"], www_redirect=False)],
    )


def _response(answer: Answer, *, as_xml: bool) -> Response:
    if 300 <= answer.status < 400:
        return RedirectResponse("/", answer.status)
    if answer.document is None:
        return _unreadable(answer)
    if as_xml:
        content = answer.document.get("doc", answer.document)
        return Response(to_xml(_node("doc", content)), answer.status, media_type="text/xml; charset=UTF-8")
    return Response(orjson.dumps(answer.document), answer.status, media_type=answer.media)


def _unreadable(answer: Answer) -> Response:
    """Something that cannot be read in the same way: a page, nothing, or a document that ends in the middle."""
    if answer.unreadable == "html":
        return HTMLResponse(_PAGE, answer.status)
    body = b"" if answer.unreadable == "empty" else b'{"doc": {"elem": ['
    return Response(body, answer.status, media_type=answer.media)


def _node(tag: str, value: Any) -> Node:
    if not isinstance(value, dict):
        return Node(tag, "" if value is None else str(value))
    attributes = {name[1:]: str(each) for name, each in value.items() if name.startswith("$") and name != "$"}
    node = Node(tag, str(value["$"]) if "$" in value else None, attributes or None)
    for name, each in value.items():
        if not name.startswith("$"):
            node.children += [_node(name, child) for child in (each if isinstance(each, list) else [each])]
    return node
