"""A whole connector over an emulated billing in this process, whose answers are mutated: only what may come out does.

``law(chance)`` lives one conversation and returns what was wrong, in words; empty: nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import httpx

from connectors.billmanager import Limits, connect_external, connect_main
from connectors.errors import ConnectorError
from remotesupport.core.connections.habits import HabitObservation
from remotesupport.core.model import DepartmentRow, FileRef, Identity, MessageRow, Page, TicketRow
from remotesupport.core.text.foreign import visible
from remotesupport.emulator.billing import Billing
from remotesupport.emulator.exchange import ApiRequest
from remotesupport.emulator.seed import password_of
from remotesupport.emulator.side_door import act
from tests.fuzz.mutations import Answer, mutated

KINDS = {"6": ("6.94.1", "auto"), "4": ("4.0.68", "sync"), "4 public": ("4.0.68", "public")}
SIDES = ("external", "main")
LONGEST_ID, LONGEST_NAME, LONGEST_ERROR = 128, 300, 3000
MOST_REQUESTS, MOST_OBSERVATIONS = 400, 400  # of one call; of one conversation
PASSWORDS = {"external": password_of("support-robot"), "main": password_of("acme")}  # a server knows only its own
LIMITS = Limits(logins_a_minute=1000)
VIEWS = tuple((kind, side) for kind in KINDS for side in SIDES)
NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
MET: Counter[str] = Counter()


class Mutated(httpx.AsyncBaseTransport):
    """Answers of ``billing``, each mutated with the probability ``share``; ``password``: that it has been told."""

    def __init__(self, billing: Billing, chance: random.Random, password: str) -> None:
        self.billing, self.chance, self.password = billing, chance, password
        self.share, self.asked = 0.0, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One call; after too many of one operation the line is dead."""
        self.asked += 1
        if self.asked > MOST_REQUESTS:
            raise httpx.ReadError("enough", request=request)
        form = dict(parse_qsl(request.content.decode(), keep_blank_values=True))
        said = self.billing.answer(ApiRequest(form, [], {}, "http://127.0.0.1"))
        answer = Answer(said.body, said.media_type.encode())
        if self.chance.random() < self.share:
            answer = mutated(self.chance, answer)
        headers = [(b"content-type", answer.media), *answer.headers]
        return httpx.Response(answer.status, headers=headers, stream=_Bytes(answer.body))


class _Bytes(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> Any:
        yield self._body


class _Nowhere:
    """A sink that keeps nothing."""

    def restart(self) -> None: ...

    def write(self, data: bytes) -> None: ...


def _billing(version: str) -> tuple[Billing, str]:
    """A billing with one ticket of several messages and a file, and another one → (it, the ticket)."""
    billing = Billing("acme", version, seed=0)
    billing.clock.set(NOW, freeze=True)
    opened = act(
        billing, {"as": "ivan", "do": "open", "department": "Technical support", "subject": "one", "text": "two"}
    )
    act(billing, {"as": "olga", "do": "reply", "ticket": opened["ticket"], "text": "three"})
    act(billing, {"as": "ivan", "do": "reply", "ticket": opened["ticket"], "text": "four <b>&amp;"})
    act(billing, {"as": "acme", "do": "open", "department": "Technical support", "subject": "[acme #5] x", "text": "y"})
    act(billing, {"as": "acme", "do": "open", "department": "Technical support", "subject": "[acme #6] z", "text": "y"})
    act(billing, {"as": "acme", "do": "reply", "ticket": _mine(billing), "text": "z"})
    return billing, opened["ticket"]


def _mine(billing: Billing) -> str:
    return str(billing.database.all("SELECT id FROM ticket ORDER BY id DESC LIMIT 1")[0]["id"])


def law(chance: random.Random, kind: str, side: str) -> list[str]:
    """One conversation of a view with a server that may say anything."""
    return asyncio.run(_conversation(chance, kind, side))


async def _conversation(chance: random.Random, kind: str, side: str) -> list[str]:
    version, dialect = KINDS[kind]
    billing, ticket = _billing(version)
    line = Mutated(billing, chance, PASSWORDS[side])
    login = "support-robot" if side == "external" else "acme"
    connect: Callable[..., Any] = connect_external if side == "external" else connect_main
    view = connect("acme", "http://127.0.0.1/billmgr", login, line.password, dialect=dialect, http=line,
                   limits=LIMITS, departments=["Technical support"])  # fmt: skip
    ticket = ticket if side == "external" else _mine(billing)
    line.share = chance.choice((0.0, 1.0))
    wrong = await _tried("identify", view.identify, line)
    line.share = chance.choice((0.3, 1.0))
    calls = sorted(_calls(view, ticket, side).items())
    chance.shuffle(calls)
    for name, call in calls[:3]:
        wrong += [f"{kind} {side} {name}: {what}" for what in await _tried(name, call, line)]
    wrong += [f"{kind} {side}: {what}" for what in _of_observations(view.observations())]
    await view.aclose()
    billing.close()
    return wrong


def _calls(view: Any, ticket: str, side: str) -> dict[str, Callable[[], Awaitable[Any]]]:
    async def pages(listing: str) -> list[Any]:
        return [page async for page in view.pages(listing, page_size=2)]

    reads = {f"pages {name}": lambda name=name: pages(name) for name in view.capabilities.listings}
    calls: dict[str, Any] = {
        "identify": view.identify, "departments": view.departments, "setup": view.setup, **reads,
        "ticket": lambda: view.ticket(ticket), "thread": lambda: view.thread(ticket),
        "file": lambda: view.file(FileRef("1_file", "a.txt"), _Nowhere(), limit=1000),
    }  # fmt: skip
    if side == "external":
        calls |= {"sees": view.sees, "reply": lambda: view.reply(ticket, "hello"), "close": lambda: view.close(ticket),
                  "reopen": lambda: view.reopen(ticket)}  # fmt: skip
    else:
        calls |= {"create": lambda: view.create("1", "[acme #7] s", "b"), "reply": lambda: view.reply(ticket, "hello"),
                  "close": lambda: view.close(ticket, "n"), "reopen": lambda: view.reopen(ticket, "n")}  # fmt: skip
    return calls


async def _tried(name: str, call: Callable[[], Awaitable[Any]], line: Mutated) -> list[str]:
    """Call, and judge what comes: a value, a classed error, and never anything else."""
    line.asked = 0
    try:
        got = await call()
    except ConnectorError as error:
        MET[type(error).__name__] += 1
        return [*_of_error(error, line.password), *_of_work(line)]
    except Exception as error:
        return [f"{name} raised {type(error).__name__}: {str(error)[:200]}"]
    MET["answered"] += 1
    return [*_of_value(got), *_of_work(line)]


def _of_work(line: Mutated) -> Iterator[str]:
    if line.asked > MOST_REQUESTS:
        yield f"it asked more than {MOST_REQUESTS} times"


def _of_error(error: ConnectorError, password: str) -> Iterator[str]:
    said = f"{error!s}{error!r}{error.kind}{error.cure}"
    if len(said) > 2 * LONGEST_ERROR:
        yield f"an error of {len(said)} characters"
    if visible(said) != said:
        yield f"an error that steers: {said[:200]!r}"
    if password in said + repr(vars(error)):
        yield f"an error with the password: {error!r}"


def _of_value(value: Any) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for one in value:
            yield from _of_value(one)
    elif isinstance(value, Page):
        yield from _of_value(value.rows)
        yield from (
            f"rejected as {bad.ticket!r:.80}" for bad in value.rejected if bad.ticket and not _is_id(bad.ticket)
        )
        yield from _shown("a reason", [bad.reason for bad in value.rejected], LONGEST_ERROR)
    elif isinstance(value, TicketRow):
        yield from _ids(value.ticket, *([value.department] if value.department is not None else []))
        yield from _shown("a row", (value.author, value.activity, value.status), LONGEST_NAME)
    elif isinstance(value, MessageRow):
        yield from _of_message(value)
    elif isinstance(value, DepartmentRow):
        yield from _ids(value.department)
        yield from _shown("a department", (value.name,), LONGEST_NAME)
    elif isinstance(value, Identity):
        yield from _shown("who", (value.version, value.user, value.name, value.timezone or ""), LONGEST_NAME)
        if not 0 <= value.level <= 10**15:
            yield "an odd level"


def _of_message(row: MessageRow) -> Iterator[str]:
    yield from _ids(row.message)
    yield from _shown("a message", (row.author, row.at_text), LONGEST_NAME)
    for file in row.files:
        yield from _shown("a file", (file.file, file.name), LONGEST_NAME)
        if file.size is not None and not 0 <= file.size <= 10**15:
            yield f"a file of {file.size} bytes"
    if row.at is not None and (not isinstance(row.at, datetime) or row.at.utcoffset() != timedelta(0)):
        yield f"a time that is not in UTC: {row.at!r}"


def _of_observations(seen: tuple[HabitObservation, ...]) -> Iterator[str]:
    if len(seen) > MOST_OBSERVATIONS:
        yield f"{len(seen)} observations"
    for one in seen:
        yield from _shown("an observation", (one.answer, *one.examples), LONGEST_NAME)


def _ids(*texts: str) -> Iterator[str]:
    yield from (f"{text!r:.80} as an id" for text in texts if not _is_id(text))


def _is_id(text: str) -> bool:
    return 0 < len(text) <= LONGEST_ID and text.isascii() and text.isprintable() and " " not in text


def _shown(what: str, texts: Any, most: int) -> Iterator[str]:
    for text in texts:
        if len(text) > most or visible(text) != text:
            yield f"{what} holds {text[:80]!r} ({len(text)} characters)"
