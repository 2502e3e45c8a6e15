"""One write: intent, request, receipt (semantics section 7). The only place from which a billing is written to.

Exactly one request per intent. Whatever is not a clear yes or a clear no is *unknown* and is left to the read-back.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import pandas as pd

from connectors.errors import AccessDenied, ConnectorError, Fatal, UnknownOutcome
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.model import (
    Carried,
    ChangeKind,
    Direction,
    Intent,
    IntentState,
    Lease,
    TicketState,
    Upload,
    WriteReceipt,
)
from remotesupport.core.normalize import body_hash
from remotesupport.steps import parking
from remotesupport.steps.attachments import carry
from remotesupport.steps.leases import LEASE_SECONDS
from remotesupport.steps.parking import ACTS
from remotesupport.store.errors import AlreadyIntended, LeaseLost, LinkConflict, WriteBlocked
from remotesupport.store.states import intent_key

WRITE_SECONDS = 20.0  # a write's total deadline; the lease must live longer than that
LEAST_SECONDS = 5.0  # a write with less than that left until its deadline is not begun


class Stop(Exception):
    """Nothing more may be written for this connection in this run. ``access``: because a login was refused."""

    def __init__(self, why: str, *, access: bool = False) -> None:
        self.why, self.access = why, access
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Written:
    """How one row came out. ``intent`` is set when something is, or may be, on the other side."""

    ok: bool
    cause: str = ""
    intent: Intent | None = None
    receipt: WriteReceipt | None = None
    parked: bool = False


class Writer:
    """Writes the rows of one connection's plan under one lease."""

    def __init__(self, ctx: Context, connection: Connection, lease: Lease, run: str) -> None:
        self.ctx, self.connection, self.lease, self.run = ctx, connection, lease, run
        self._renewing = asyncio.Lock()

    async def write(self, row: Any, *, park: bool = True) -> Written:
        """Write one row of CHANGES. Raises Stop when the lease is lost or a login is refused.

        A refused change is parked and offered again, unless ``park`` is False.
        """
        try:
            uploads, body, lost = await carry(self.ctx, self.connection, row)
        except (AccessDenied, Fatal) as denied:
            raise Stop(str(denied), access=isinstance(denied, AccessDenied)) from None
        await self._keep_lease()
        try:
            intent = await asyncio.to_thread(self.ctx.store.intend, self.lease, self._intent(row, body, uploads))
        except LeaseLost as passed_on:
            raise Stop(f"the right to write has passed on: {passed_on}") from None
        except (AlreadyIntended, WriteBlocked) as held:
            return Written(False, str(held))
        written = await self._send(row, body, uploads, intent, park)
        if written.ok:
            parking.done(self.ctx, row, self.run)
        if written.intent is not None and lost:
            parking.park_files(self.ctx, row, lost, self.run)
        return written

    def park_conflict(self, row: Any) -> None:
        """A row that only a person can resolve."""
        parking.park_conflict(self.ctx, row, self.run)

    async def _send(self, row: Any, body: str, uploads: tuple[Upload, ...], intent: Intent, park: bool) -> Written:
        left = (intent.deadline - self.ctx.clock()).total_seconds()
        if left < LEAST_SECONDS:
            self.ctx.store.mark(intent, IntentState.REFUSED, "this process was held up; nothing was sent")
            raise Stop("this process was held up for longer than a write may take; nothing was sent")
        try:
            async with asyncio.timeout(left):
                receipt = await request(self.connection, row, body, uploads, intent.key)
        except TimeoutError:
            self.ctx.store.mark(intent, IntentState.UNKNOWN, f"no answer in {left:.0f} s")
            return Written(False, f"no answer in {left:.0f} s; it is read back before anything is sent again", intent)
        except UnknownOutcome as unknown:
            self.ctx.store.mark(intent, IntentState.UNKNOWN, str(unknown))
            return Written(False, str(unknown), intent)
        except (AccessDenied, Fatal) as denied:
            self.ctx.store.mark(intent, IntentState.REFUSED, str(denied))
            raise Stop(str(denied), access=isinstance(denied, AccessDenied)) from None
        except ConnectorError as refused:
            self.ctx.store.mark(intent, IntentState.REFUSED, str(refused))
            if park:
                parking.park_change(self.ctx, row, refused, self.run)
            return Written(False, str(refused), parked=park)
        except Exception as unforeseen:
            self.ctx.store.mark(intent, IntentState.UNKNOWN, f"{type(unforeseen).__name__}: {unforeseen}")
            raise
        state = await self._main_state(row)
        if _is_close_in_main(row) and state == TicketState.OPEN and not receipt.told:
            why = "the server said that it was closed, and shows it open; it is read back before anything is sent again"
            self.ctx.store.mark(intent, IntentState.UNKNOWN, why)
            return Written(False, why, intent)
        try:
            await asyncio.to_thread(self._receive, row, intent, receipt, state)
        except LinkConflict as conflict:
            return Written(False, str(conflict), intent)
        return Written(True, intent=intent, receipt=receipt)

    async def _main_state(self, row: Any) -> str:
        """After a close in main, what it really is: where staff hold the ticket only a notice was posted."""
        if _is_close_in_main(row):
            with suppress(ConnectorError):
                return str((await self.connection.main.ticket(row.main_ticket)).state)
        return str(row.main_state)

    def _receive(self, row: Any, intent: Intent, receipt: WriteReceipt, main_state: str) -> None:
        self.ctx.store.receive(
            intent,
            main_ticket=receipt.ticket if intent.kind is ChangeKind.CREATE else intent.main_ticket,
            carried=intent.covers,
            ext_state=row.ext_state,
            main_state=main_state,
            department=None,
            state=IntentState.ACKED,
        )

    def _intent(self, row: Any, body: str, uploads: tuple[Upload, ...]) -> Intent:
        direction = Direction(row.direction)
        known = self.ctx.store.last_target(self.connection.name, direction, row.ext_ticket)
        return Intent(
            key=_key(row, self.run),
            connection=row.connection,
            kind=ChangeKind(row.kind),
            direction=direction,
            ext_ticket=row.ext_ticket,
            main_ticket=None if pd.isna(row.main_ticket) else str(row.main_ticket),
            body_hash=body_hash(body),
            files_hash="/".join(u.sha256[:16] for u in uploads),
            last_known=known,
            last_ordinal=-1,
            deadline=self.ctx.clock() + timedelta(seconds=WRITE_SECONDS),
            run=self.run,
            covers=covers_of(row),
            subject=row.subject,
        )

    async def _keep_lease(self) -> None:
        async with self._renewing:
            left = (self.lease.expires_at - self.ctx.clock()).total_seconds()
            if left > WRITE_SECONDS + 5:
                return
            try:
                self.lease = await asyncio.to_thread(self.ctx.store.renew_lease, self.lease, LEASE_SECONDS)
            except LeaseLost as lost:
                raise Stop(f"the right to write has passed on: {lost}") from None


def _is_close_in_main(row: Any) -> bool:
    return bool(row.direction == Direction.TO_MAIN and row.kind == ChangeKind.CLOSE)


def _key(row: Any, run: str) -> str:
    """Messages are written once ever; an act (close, reopen, departure) once per run, since people repeat them."""
    act = f"{row.act}/{run}" if ChangeKind(row.kind) in ACTS else row.act
    return intent_key(row.connection, row.direction, row.ext_ticket, act)


def covers_of(row: Any) -> tuple[Carried, ...]:
    """The source messages that one row of CHANGES carries."""
    return tuple(Carried(source, digest, target) for source, digest, target in orjson.loads(row.covers))


async def request(connection: Connection, row: Any, body: str, uploads: tuple[Upload, ...], key: str) -> WriteReceipt:
    """The one request that a row of CHANGES is; ``key`` is its intent's."""
    kind = ChangeKind(row.kind)
    if row.direction == Direction.TO_EXTERNAL:
        billing = connection.external
        if kind is ChangeKind.CLOSE:
            return await billing.close(row.ext_ticket, key=key)
        if kind is ChangeKind.REOPEN:
            return await billing.reopen(row.ext_ticket, key=key)
        return await billing.reply(row.ext_ticket, body, uploads, key=key)
    main = connection.main
    if kind is ChangeKind.CREATE:
        return await main.create(row.department, row.subject, body, uploads, key=key)
    if kind is ChangeKind.CLOSE:
        return await main.close(row.main_ticket, body, key=key)
    if kind is ChangeKind.REOPEN:
        return await main.reopen(row.main_ticket, body, key=key)
    return await main.reply(row.main_ticket, body, uploads, key=key)
