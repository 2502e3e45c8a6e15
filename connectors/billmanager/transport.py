"""One POST to one billing: deadlines, caps, TLS, and what a missing answer means.

A write is one POST that nothing here repeats. Parameters
travel in the body only, so no secret is in a URL. Must stay out: sessions and logins (``session``), what an answer's
document means (``answers``).
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import IO, cast
from urllib.parse import urlencode, urlsplit

import httpx

from connectors.billmanager import headers, http_errors, tls
from connectors.billmanager.request import Answer, Call, Limits, Listener, Progress
from connectors.contract import Sink
from connectors.errors import ConnectorError, Fatal, Refused, Retriable, UnknownOutcome
from remotesupport.core.model import CallStats, Upload
from remotesupport.core.text.foreign import seconds

for _noisy in ("httpx", "httpcore"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)

_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "remotesupport"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LONGEST_WAIT_S = 3600.0  # that a server may ask for
HELD_BYTES = 64 * 1024  # of a stream; more than any document that says no has


class Transport:
    """The connection to one address with one login's limits. ``where`` names it in errors.

    ``listen``: told of every answer that is no stream.
    """

    def __init__(
        self,
        url: str,
        *,
        where: str,
        ca_file: str | None = None,
        fingerprint: str | None = None,
        limits: Limits | None = None,
        http: httpx.AsyncBaseTransport | None = None,
        listen: Listener | None = None,
    ) -> None:
        self._listen = listen
        self.where, self.limits = where, limits or Limits()
        self.url = _checked(url, where)
        self._slots = asyncio.Semaphore(self.limits.in_flight)
        self._client = self._make_client(ca_file, fingerprint, http)
        self._functions: Counter[str] = Counter()
        self._bytes, self._seconds = 0, 0.0

    @property
    def stats(self) -> CallStats:
        """Requests, bytes and seconds so far, logins included."""
        return CallStats(self._functions.total(), self._bytes, self._seconds, dict(self._functions))

    async def post(
        self,
        call: Call,
        form: Mapping[str, str],
        files: Sequence[Upload] = (),
        *,
        progress: Progress,
        cap: int = 0,
        into: Sink | None = None,
    ) -> Answer:
        """One POST → its answer, whatever its status. Raises Retriable, ProtocolError, Fatal or UnknownOutcome.

        ``into`` gets what comes once it is more than HELD_BYTES, so that all of a smaller answer can be judged first.
        """
        failure: ConnectorError | None = None
        async with self._slots:
            started = time.perf_counter()
            self._functions[call.func] += 1
            try:
                answer = await self._exchange(form, files, progress, cap or self.limits.max_bytes, into)
                if self._listen is not None and into is None:
                    self._listen(form, answer)
                return answer
            except httpx.HTTPError as error:
                failure = http_errors.of_lost(call, error, progress, self.where, self.url)
            except UnicodeEncodeError:
                what = "the text holds half a character, which cannot be sent"
                failure = Refused(what, billing=self.where, function=call.func, kind="characters")
            except _Oversize as error:
                failure = http_errors.of_broken(call, str(error), self.where, kind=error.kind)
            finally:
                self._seconds += time.perf_counter() - started
        raise failure

    def too_slow(self, call: Call, progress: Progress) -> ConnectorError:
        """The deadline of the whole call has passed."""
        what = f"no complete answer within {self.limits.deadline(call):g} s"
        made = UnknownOutcome if call.write and progress.sent else Retriable
        return made(what, billing=self.where, function=call.func, kind="deadline")

    def judge(self, call: Call, answer: Answer) -> None:
        """Raise for any status but 200. API errors come with 200 (SEEN IN CODE); the rest is from below the API."""
        if answer.status != 200:
            raise http_errors.of_status(call, answer, self.where)

    async def aclose(self) -> None:
        """Close the connections. Never raises."""
        try:
            await self._client.aclose()
        except (httpx.HTTPError, OSError, RuntimeError) as error:
            logging.getLogger(__name__).debug("closing %s: %s", self.where, type(error).__name__)

    def _make_client(
        self, ca_file: str | None, fingerprint: str | None, given: httpx.AsyncBaseTransport | None
    ) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=headers.OnlyWhatIsRead(given or self._make_transport(ca_file, fingerprint)),
            timeout=httpx.Timeout(
                max(self.limits.read_seconds, self.limits.write_seconds), connect=self.limits.connect_seconds
            ),
            headers=_HEADERS,
            follow_redirects=False,
            trust_env=False,
        )

    def _make_transport(self, ca_file: str | None, fingerprint: str | None) -> httpx.AsyncHTTPTransport:
        try:
            context = tls.context(ca_file, fingerprint) if self.url.scheme == "https" else tls.context()
        except tls.BadTrust as error:
            raise Fatal(str(error), billing=self.where, kind="certificate") from None
        pool = httpx.Limits(max_connections=self.limits.in_flight, keepalive_expiry=20.0)
        return httpx.AsyncHTTPTransport(verify=context, limits=pool, trust_env=False, retries=0)

    async def _exchange(
        self, form: Mapping[str, str], files: Sequence[Upload], progress: Progress, cap: int, into: Sink | None
    ) -> Answer:
        request = self._request(form, files)
        request.extensions["trace"] = progress.trace
        progress.sent = True
        response = await self._client.send(request, stream=True)
        try:
            return await self._received(response, cap, into)
        finally:
            await response.aclose()

    def _request(self, form: Mapping[str, str], files: Sequence[Upload]) -> httpx.Request:
        if not files:
            return self._client.build_request("POST", self.url, content=urlencode(form).encode(), headers=_FORM)
        opened = [(f.name, cast("IO[bytes]", f.content)) for f in files]  # httpx reads it in pieces of 64 KB
        parts = [(f"file_{n}", (*file, "application/octet-stream")) for n, file in enumerate(opened, start=1)]
        return self._client.build_request("POST", self.url, data=dict(form), files=parts)

    async def _received(self, response: httpx.Response, cap: int, into: Sink | None) -> Answer:
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            raise _Oversize(f"an answer in the encoding {encoding[:20]!r}, which was not asked for", kind="compressed")
        body, size = bytearray(), 0
        async for chunk in response.aiter_raw(HELD_BYTES if into is not None else None):
            self._bytes += len(chunk)
            size += len(chunk)
            if size > cap:
                raise _Oversize(f"an answer of more than {cap} bytes", kind="size")
            body += chunk
            if into is not None and size > HELD_BYTES:
                into.write(bytes(body))
                body.clear()
        media, charset = headers.content_type(response.headers.get("content-type", ""))
        return Answer(
            response.status_code,
            charset,
            seconds(response.headers.get("retry-after"), LONGEST_WAIT_S),
            bytes(body),
            media,
            not response.headers.keys().isdisjoint(("content-length", "transfer-encoding")),
            response.headers.get("content-disposition", "").strip().lower().startswith("attachment"),
        )


class _Oversize(Exception):
    def __init__(self, what: str, *, kind: str) -> None:
        self.kind = kind
        super().__init__(what)


def _checked(url: str, where: str) -> httpx.URL:
    """The address, if it is one that may be used: https, or plain http to this machine; no secrets in it."""
    try:
        urlsplit(url)
        parsed = httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise Fatal("the address cannot be read", billing=where, cure="Write it as https://host:1500/billmgr") from None
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise Fatal("the address holds a login or parameters", billing=where, cure="Leave only https://host:port/path")
    if parsed.scheme == "https" and parsed.host:
        return parsed
    if parsed.scheme == "http" and _is_loopback(parsed.host):
        return parsed
    raise Fatal("plain http is only for this machine's own addresses", billing=where, cure="Use https://")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
