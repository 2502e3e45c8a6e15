"""A view whose version is found out at the first call: one of several, asked in their order, and kept.

Version 4 answers a login without ``doc`` (INFERRED, protocol section 4.1); whether its login may call the three
functions of remote support is seen by calling one. Must stay out: what any version's functions mean.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Generic, TypeVar

from connectors.billmanager.v4_answers import NO_RIGHT, NOT_OURS
from connectors.contract import Capabilities, ExternalBilling, MainBilling, Setup, Sink
from connectors.errors import AccessDenied, ConnectorError, ProtocolError, TooOld
from remotesupport.core.connections.habits import Habit, HabitObservation
from remotesupport.core.model import (
    CallStats,
    DepartmentRow,
    FileRef,
    Identity,
    MessageRow,
    Page,
    PublicBecause,
    Side,
    TicketRow,
    Upload,
    WriteReceipt,
)

AnyView = TypeVar("AnyView", ExternalBilling, MainBilling)
_OTHER_VERSION = ("v4", "version")
_OTHER_DIALECT = {NO_RIGHT: PublicBecause.NO_RIGHT, NOT_OURS: PublicBecause.NOT_UNDERSTOOD}


class Probing(Generic[AnyView]):
    """The contract over ``choices``; until one has answered, what the first would say of itself."""

    side: Side

    def __init__(self, name: str, choices: Sequence[AnyView]) -> None:
        self.name = name
        self._choices: list[AnyView] = list(choices)
        self._chosen: AnyView | None = None
        self._passed_over: ConnectorError | None = None
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._chosen or self._choices[0]!r})"

    @property
    def capabilities(self) -> Capabilities:
        return (self._chosen or self._choices[0]).capabilities

    @property
    def stats(self) -> CallStats:
        """The choices share one transport, which counts."""
        first: ExternalBilling | MainBilling = self._choices[0]
        return first.stats

    async def identify(self) -> Identity:
        """The first choice that the server and its rights fit. Raises what the last one that was tried says.

        Once one has been chosen it stays, so that a write and its read-back are in one dialect.
        """
        async with self._lock:
            while True:
                try:
                    identity = await self._first()
                except ConnectorError as error:
                    if self._chosen is not None or len(self._choices) == 1 or not _may_be_another(error):
                        raise
                    self._passed_over = error
                    del self._choices[0]
                else:
                    self._chosen = self._choices[0]
                    return self._with_reason(identity)

    async def _first(self) -> Identity:
        """Ask the first choice. Where it is answered otherwise: once more after the next was answered well.

        A server (or a proxy before it) that is ill answers everything otherwise for a while, which shows nothing.
        """
        view: ExternalBilling | MainBilling = self._choices[0]
        try:
            return await view.identify()
        except ProtocolError as error:
            if error.kind != NOT_OURS or self._chosen is not None or len(self._choices) == 1:
                raise
        await _answered_well(self._choices[1])
        return await view.identify()

    def _with_reason(self, identity: Identity) -> Identity:
        """``identity`` of the public functions also says why they are used."""
        passed = self._passed_over
        because = _OTHER_DIALECT.get(passed.kind) if passed is not None else None
        if identity.public is None or because is None or passed is None:
            return identity
        return dataclasses.replace(identity, public=because, detail=f"{passed.function}: {passed.what}")

    async def _view(self) -> AnyView:
        if self._chosen is None:
            await self.identify()
        assert self._chosen is not None
        return self._chosen

    @property
    def habits(self) -> tuple[Habit, ...]:
        return (self._chosen or self._choices[0]).habits

    def learned(self, answers: Mapping[str, frozenset[str]]) -> None:
        """Tell all choices: which one it is may not be known yet."""
        for choice in self._choices:
            choice.learned(answers)

    def observations(self) -> tuple[HabitObservation, ...]:
        return (self._chosen or self._choices[0]).observations()

    async def setup(self) -> Setup | None:
        return await (await self._view()).setup()

    async def departments(self) -> Sequence[DepartmentRow]:
        return await (await self._view()).departments()

    async def pages(self, listing: str, *, page_size: int = 500) -> AsyncIterator[Page]:
        async for page in (await self._view()).pages(listing, page_size=page_size):
            yield page

    async def ticket(self, ticket: str) -> TicketRow:
        return await (await self._view()).ticket(ticket)

    async def thread(self, ticket: str) -> tuple[MessageRow, ...]:
        return await (await self._view()).thread(ticket)

    async def file(self, ref: FileRef, into: Sink, *, limit: int) -> bool:
        return await (await self._view()).file(ref, into, limit=limit)

    async def reply(self, ticket: str, body: str, files: Sequence[Upload] = (), *, key: str = "") -> WriteReceipt:
        return await (await self._view()).reply(ticket, body, files, key=key)

    async def aclose(self) -> None:
        """Never raises."""
        for choice in self._choices:
            await choice.aclose()


class ProbingExternal(Probing[ExternalBilling]):
    """ExternalBilling of a version that is found out."""

    side = Side.EXTERNAL

    async def sees(self) -> frozenset[str] | None:
        return await (await self._view()).sees()

    async def close(self, ticket: str, *, key: str = "") -> WriteReceipt:
        return await (await self._view()).close(ticket, key=key)

    async def reopen(self, ticket: str, *, key: str = "") -> WriteReceipt:
        return await (await self._view()).reopen(ticket, key=key)


class ProbingMain(Probing[MainBilling]):
    """MainBilling of a version that is found out."""

    side = Side.MAIN

    async def create(
        self, department: str, subject: str, body: str, files: Sequence[Upload] = (), *, key: str = ""
    ) -> WriteReceipt:
        return await (await self._view()).create(department, subject, body, files, key=key)

    async def close(self, ticket: str, notice: str, *, key: str = "") -> WriteReceipt:
        return await (await self._view()).close(ticket, notice, key=key)

    async def reopen(self, ticket: str, notice: str, *, key: str = "") -> WriteReceipt:
        return await (await self._view()).reopen(ticket, notice, key=key)


async def _answered_well(view: ExternalBilling | MainBilling) -> None:
    """Read the first page of a listing. Raises ConnectorError."""
    async for _ in view.pages(view.capabilities.listings[0], page_size=1):
        return


def _may_be_another(error: ConnectorError) -> bool:
    """Tell whether the next choice may fit: another version's words, or three functions that are not ours to use."""
    if isinstance(error, TooOld):
        return error.kind == "v4"
    return (isinstance(error, AccessDenied) and error.kind == NO_RIGHT) or (
        isinstance(error, ProtocolError) and error.kind in (*_OTHER_VERSION, NOT_OURS)
    )
