"""One write: intent, request, receipt (semantics section 7). The only place from which a billing is written to.

Exactly one request per intent. Whatever is not a clear yes or a clear no is *unknown* and is left to the read-back.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import pandas as pd

from connectors.errors import AccessDenied, ConnectorError, Fatal, Refused, Retriable, UnknownOutcome
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.model import (
    Carried,
    ChangeKind,
    Direction,
    Intent,
    IntentState,
    Lease,
    ParkedChange,
    Upload,
    WriteReceipt,
)
from remotesupport.core.normalize import body_hash
from remotesupport.steps.attachments import carry
from remotesupport.store.errors import AlreadyIntended, LeaseLost, LinkConflict, WriteBlocked
from remotesupport.store.states import intent_key

WRITE_SECONDS = 20.0  # a write's total deadline; the lease must live longer than that
LEAST_SECONDS = 5.0  # a write with less than that left until its deadline is not begun
LEASE_SECONDS = 45.0  # less than a minute, so that the next run can take over from a dead one
BACKOFF = (60.0, 120.0, 300.0, 900.0, 3600.0)  # seconds until a parked change is offered again, by attempt


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


class Writer:
    """Writes the rows of one connection's plan under one lease."""

    def __init__(self, ctx: Context, connection: Connection, lease: Lease, run: str) -> None:
        self.ctx, self.connection, self.lease, self.run = ctx, connection, lease, run
        self._renewing = asyncio.Lock()

    async def write(self, row: Any, *, park: bool = True) -> Written:
        """Write one row of CHANGES. Raises Stop when the lease is lost or a login is refused.

        A refused change is parked and offered again, unless ``park`` is False.
        """
        uploads, body = await carry(self.connection, row)
        await self._keep_lease()
        try:
            intent = await asyncio.to_thread(self.ctx.store.intend, self.lease, self._intent(row, body, uploads))
        except LeaseLost as lost:
            raise Stop(f"the right to write has passed on: {lost}") from None
        except (AlreadyIntended, WriteBlocked) as held:
            return Written(False, str(held))
        return await self._send(row, body, uploads, intent, park)

    async def _send(self, row: Any, body: str, uploads: tuple[Upload, ...], intent: Intent, park: bool) -> Written:
        left = (intent.deadline - self.ctx.clock()).total_seconds()
        if left < LEAST_SECONDS:
            self.ctx.store.mark(intent, IntentState.REFUSED, "this process was held up; nothing was sent")
            raise Stop("this process was held up for longer than a write may take; nothing was sent")
        try:
            async with asyncio.timeout(left):
                receipt = await request(self.connection, row, body, uploads)
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
                self._park(row, intent, refused)
            return Written(False, str(refused))
        try:
            await asyncio.to_thread(self._receive, row, intent, receipt, await self._main_state(row))
        except LinkConflict as conflict:
            return Written(False, str(conflict), intent)
        return Written(True, intent=intent, receipt=receipt)

    async def _main_state(self, row: Any) -> str:
        """After a close in main, what it really is: where staff hold the ticket only a notice was posted."""
        if row.direction == Direction.TO_MAIN and row.kind == ChangeKind.CLOSE:
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

    def _park(self, row: Any, intent: Intent, error: ConnectorError) -> None:
        now = self.ctx.clock()
        self.ctx.store.park(
            ParkedChange(
                connection=row.connection,
                ext_ticket=row.ext_ticket,
                direction=Direction(row.direction),
                kind=ChangeKind(row.kind),
                key=intent.key,
                cause=str(error),
                since=now,
                attempts=intent.attempt,
                next_try=_next_try(now, intent.attempt, error),
                run=self.run,
            )
        )


def _next_try(now: datetime, attempt: int, error: ConnectorError) -> datetime:
    if isinstance(error, Retriable):
        return now + timedelta(seconds=error.retry_after or 30.0)
    if isinstance(error, Refused):
        return now + timedelta(seconds=BACKOFF[min(attempt, len(BACKOFF)) - 1])
    return now + timedelta(seconds=BACKOFF[-1])


_ACTS = frozenset({ChangeKind.CLOSE, ChangeKind.REOPEN, ChangeKind.DEPARTURE})


def _key(row: Any, run: str) -> str:
    """Messages are written once ever; an act (close, reopen, departure) once per run, since people repeat them."""
    act = f"{row.act}/{run}" if ChangeKind(row.kind) in _ACTS else row.act
    return intent_key(row.connection, row.direction, row.ext_ticket, act)


def covers_of(row: Any) -> tuple[Carried, ...]:
    """The source messages that one row of CHANGES carries."""
    return tuple(Carried(source, digest, target) for source, digest, target in orjson.loads(row.covers))


async def request(connection: Connection, row: Any, body: str, uploads: tuple[Upload, ...]) -> WriteReceipt:
    """The one request that a row of CHANGES is."""
    kind = ChangeKind(row.kind)
    if row.direction == Direction.TO_EXTERNAL:
        billing = connection.external
        if kind is ChangeKind.CLOSE:
            return await billing.close(row.ext_ticket)
        if kind is ChangeKind.REOPEN:
            return await billing.reopen(row.ext_ticket)
        return await billing.reply(row.ext_ticket, body, uploads)
    main = connection.main
    if kind is ChangeKind.CREATE:
        return await main.create(row.department, row.subject, body, uploads)
    if kind is ChangeKind.CLOSE:
        return await main.close(row.main_ticket, body)
    if kind is ChangeKind.REOPEN:
        return await main.reopen(row.main_ticket, body)
    return await main.reply(row.main_ticket, body, uploads)
