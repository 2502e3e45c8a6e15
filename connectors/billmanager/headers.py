"""Headers of an answer: the few that are read, each at the price of its length; what is not read is not parsed.

A library that looks into a header of another company's server may spend or raise what it likes there. Must stay out:
what an answer means.
"""

from __future__ import annotations

import re

import httpx

# Redirects are not followed and cookies not kept; httpx would parse both all the same.
_NEVER_READ = ("location", "set-cookie")
_LONGEST = 300  # of a content type
_CHARSET = re.compile(r";\s{0,9}charset\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9._:+-]{1,40})", re.IGNORECASE)


class OnlyWhatIsRead(httpx.AsyncBaseTransport):
    """Another transport, whose answers come without the headers that nobody here reads."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request of the other transport."""
        response = await self._inner.handle_async_request(request)
        for name in _NEVER_READ:
            response.headers.pop(name, None)
        return response

    async def aclose(self) -> None:
        """Close the other transport."""
        await self._inner.aclose()


def content_type(header: str) -> tuple[str, str]:
    """(media type, charset) in lower case; the charset is UTF-8 where none is named."""
    begin = header[:_LONGEST]
    named = _CHARSET.search(begin)
    return begin.partition(";")[0].strip().lower(), named[1].lower() if named else "utf-8"
