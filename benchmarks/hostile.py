"""A server in front of an emulated billing, in a process of its own: it passes everything on, until told to be hostile.

``python -m benchmarks.hostile URL`` is that process: it prints its address as one line and ends when its standard input
does; a mode on a line of standard input changes it. ``drip``: every answer comes at a byte a second. ``endless``: the
list of tickets has no end, and every page is new. ``honest``: as the billing behind it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl

import httpx

HONEST, DRIP, ENDLESS = "honest", "drip", "endless"
PAGE = 500


class Neighbour:
    """The running process. ``url``: where the billing seems to be."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self._process, self.url = process, url

    def become(self, mode: str) -> None:
        """From now on it is like that."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{mode}\n")
        self._process.stdin.flush()


@contextmanager
def running_neighbour(behind: str) -> Iterator[Neighbour]:
    """One in front of the billing at ``behind``."""
    command = [sys.executable, "-m", "benchmarks.hostile", behind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Neighbour(process, process.stdout.readline().strip())
        finally:
            process.communicate()


class _Front:
    def __init__(self, behind: str) -> None:
        self._behind, self._client = behind, httpx.AsyncClient(timeout=60, trust_env=False)
        self._pages = 0
        self.mode = HONEST

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = next(int(h[15:]) for h in head.split("\r\n") if h.startswith("content-length:"))
                await self._answer((await reader.readexactly(length)).decode(), writer)
        writer.close()

    async def _answer(self, form: str, writer: asyncio.StreamWriter) -> None:
        fields = dict(parse_qsl(form, keep_blank_values=True))
        real = await self._client.post(self._behind, content=form, headers=_FORM)
        body = real.content
        if self.mode == ENDLESS and fields.get("func") == "ticket_all" and "id" not in fields:
            body = self._endless(json.loads(body)["doc"], fields)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {real.headers['content-type']}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode())
        if self.mode == DRIP:
            for byte in body:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(1)
        else:
            writer.write(body)
        await writer.drain()

    def _endless(self, doc: dict[str, Any], fields: dict[str, str]) -> bytes:
        self._pages += 1
        newest = 900_000_000 - self._pages * PAGE
        rows = [doc["elem"][0] | {"id": {"$": str(newest - n)}} for n in range(PAGE)]
        numbers = {"p_cnt": PAGE, "p_num": fields.get("p_num", "1"), "p_elems": 100_000_000}
        return json.dumps({"doc": doc | {"elem": rows} | {k: {"$": str(v)} for k, v in numbers.items()}}).encode()


_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def _main(behind: str) -> None:
    front = _Front(behind)
    server = await asyncio.start_server(front.serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/billmgr", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        front.mode = line.strip()
    server.close()


if __name__ == "__main__":
    with suppress(asyncio.CancelledError):
        asyncio.run(_main(sys.argv[1]))
