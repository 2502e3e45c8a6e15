"""The peer of a cycle: the same requests by asyncio and httpx alone, nothing parsed, nothing stored."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

from benchmarks.fleet import Fleet
from remotesupport.emulator.seed import password_of

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Calls = dict[tuple[str, str], list[dict[str, str]]]


class Bare:
    """One httpx client per login, kept alive; each login's requests go one after another, all logins at once."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], httpx.AsyncClient] = {}
        self._sessions: dict[tuple[str, str], str] = {}

    async def replay(self, calls: Calls) -> int:
        """Send ``calls``; returns how many. Logins are not sent again."""
        sent = await asyncio.gather(*(self._one_login(who, forms) for who, forms in calls.items()))
        return sum(sent)

    async def log_in(self, who: Iterable[tuple[str, str]]) -> None:
        """A session for each (address, login)."""
        for url, login in who:
            client = httpx.AsyncClient(trust_env=False, headers=FORM)
            form = {"func": "auth", "out": "json", "username": login, "password": password_of(login)}
            answer = await client.post(url, content=urlencode(form))
            self._clients[url, login] = client
            self._sessions[url, login] = answer.json()["doc"]["auth"]["$id"]

    async def aclose(self) -> None:
        """Close the clients."""
        for client in self._clients.values():
            await client.aclose()

    async def _one_login(self, who: tuple[str, str], forms: list[dict[str, str]]) -> int:
        client, session = self._clients[who], self._sessions[who]
        for form in forms:
            answer = await client.post(who[0], content=urlencode({**form, "auth": session}))
            answer.raise_for_status()
        return len(forms)


class Recorder:
    """What the emulated billings were asked since the last look."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._seen: dict[str, int] = defaultdict(int)

    def calls(self) -> Calls:
        """(address, login) → the forms sent since the last call, in order; logins left out."""
        found: Calls = defaultdict(list)
        for name, url in self._fleet.urls.items():
            entries: list[Mapping[str, Any]] = self._fleet.state(name, "requests")
            for entry in entries[self._seen[name] :]:
                if entry["func"] != "auth":
                    found[url, entry["login"]].append(dict(entry["params"]))
            self._seen[name] = len(entries)
        return dict(found)
