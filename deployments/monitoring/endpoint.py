"""``GET /health`` and ``GET /metrics`` over HTTP. Must stay out: what they say."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from deployments.monitoring.health import Health

LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")


def application(figures: Collector, health: Callable[[], Health], hosts: Sequence[str], token: str = "") -> Starlette:
    """The application. ``hosts``: the names that it goes by, besides loopback's. ``token``: what figures ask for, ""
    for nothing."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(figures)

    def show_health(_request: Request) -> Response:
        now = health()
        return JSONResponse(now.to_json(), 200 if now.is_well else 503, {"Cache-Control": "no-store"})

    def show_figures(request: Request) -> Response:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if token and (kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode())):
            words = "Authorization: Bearer and the token of [monitoring] is needed here\n"
            return PlainTextResponse(words, 401, {"WWW-Authenticate": "Bearer"})
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[Route("/health", show_health), Route("/metrics", show_figures)],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, *hosts], www_redirect=False)],
    )
