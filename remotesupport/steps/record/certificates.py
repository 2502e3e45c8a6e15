"""Ends of the billings' certificates: looked at once in a while, remembered for alerts and figures.

A look is a handshake of its own, in which nothing is believed and nothing is sent. What cannot be seen now keeps what
was seen last: that a billing does not answer is told elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from connectors.billmanager import tls
from remotesupport.bootstrap import Context
from remotesupport.core.connections.seen import Certificate
from remotesupport.store import Store

Look = Callable[[str], Awaitable[tls.Shown | None]]
_KEY = "certificate/"
_MAIN = ""


async def look_at_certificates(ctx: Context, look: Look = tls.shown) -> None:
    """Look at the certificate of every billing of this context, and remember when each ends."""
    places = {name: connection.settings.url for name, connection in ctx.connections.items()}
    places[_MAIN] = ctx.settings.main.url
    seen = await asyncio.gather(*(look(url) for url in places.values()))
    for name, shown in zip(places, seen, strict=True):
        if shown is not None and shown.expires is not None:
            ctx.store.save_progress(_KEY + name, {"expires": shown.expires.isoformat()})


def known_certificates(store: Store, names: Iterable[str]) -> tuple[Certificate, ...]:
    """The ends that were seen last, of these billings and of main."""
    keys = {_KEY + name: name for name in (*names, _MAIN)}
    found = store.progress_of(keys)
    return tuple(Certificate(keys[key], datetime.fromisoformat(one["expires"])) for key, one in sorted(found.items()))
