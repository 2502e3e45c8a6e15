"""One write: intent, request, receipt (semantics section 7). The only place from which a billing is written to.

Exactly one request per intent. Whatever is not a clear yes or a clear no is *unknown* and is left to the read-back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import pandas as pd

from connectors.errors import AccessDenied, ConnectorError, Fatal, FilesRefused, Refused, TicketDenied, UnknownOutcome
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.cures import rebuild
from remotesupport.core.model import (
    Carried,
    ChangeKind,
    Direction,
    Intent,
    IntentState,
    Lease,
    MessageRow,
    TicketState,
    WriteReceipt,
)
from remotesupport.core.normalize import body_hash
from remotesupport.core.settle import match_written
from remotesupport.steps import parking
from remotesupport.steps.attachments import Parcel, carry
from remotesupport.steps.leases import LEASE_SECONDS
from remotesupport.steps.longest import LOST_TIMES, is_long, may_be_too_long, never_arrives, takes_less
from remotesupport.steps.parking import ACTS
from remotesupport.steps.reaction import tell_stays_closed
from remotesupport.store.errors import AlreadyIntended, LeaseLost, LinkConflict, WriteBlocked
from remotesupport.store.states import intent_key

WRITE_SECONDS = 20.0  # a write's total deadline, its files included; the lease must live longer than that
LEAST_SECONDS = 5.0  # a write with less than that left until its deadline is not begun
FILE_TRIES = 2  # times that a message is sent with its files before it goes without them
STATE_OF = {ChangeKind.CLOSE: TicketState.CLOSED, ChangeKind.REOPEN: TicketState.OPEN}
_NOT_SHOWN = "the server said that it was done, but does not show it; it is read back before anything is sent again"
_SHORTER = "the next run sends it in shorter parts"
_PERHAPS_HELD = ". If another employee of that billing holds the ticket, they have to close it there"


class Stop(Exception):
    """Nothing more may be written for this connection in this run. ``access``: because a login was refused."""

    def __init__(self, why: str, *, access: bool = False) -> None:
        self.why, self.access = why, access
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Written:
    """How one row came out. ``intent`` is set when something is, or may be, on the other side.

    ``bare``: why the server does not take it with its files, "" where it does. ``body``: the text that was sent.
    """

    ok: bool
    cause: str = ""
    intent: Intent | None = None
    receipt: WriteReceipt | None = None
    parked: bool = False
    bare: str = ""
    body: str = ""


class Writer:
    """Writes the rows of one connection's plan under one lease."""

    def __init__(self, ctx: Context, connection: Connection, lease: Lease, run: str) -> None:
        self.ctx, self.connection, self.lease, self.run = ctx, connection, lease, run
        self._renewing = asyncio.Lock()

    async def write(self, row: Any) -> Written:
        """Write one row of CHANGES. Raises Stop when the lease is lost or a login is refused.

        A refused change is parked and offered again. One that is refused for
        its files is sent without them at once.
        """
        if is_long(row) and never_arrives(self._before(row), row) and takes_less(self.ctx, row):
            return Written(False, f"this text was sent {LOST_TIMES} times and did not arrive; {_SHORTER}")
        with ExitStack() as spools:
            try:
                parcel = await carry(self.ctx, self.connection, row, spools, give_up=self._give_up(row))
            except (AccessDenied, Fatal) as denied:
                raise Stop(str(denied), access=isinstance(denied, AccessDenied)) from None
            written = await self._write(row, parcel)
        if written.bare:
            written = await self._write(row, parcel.without_files(written.bare))
        return written

    async def _write(self, row: Any, parcel: Parcel) -> Written:
        await self._keep_lease()
        try:
            intent = await asyncio.to_thread(self.ctx.store.intend, self.lease, self._intent(row, parcel))
        except LeaseLost as passed_on:
            raise Stop(f"the right to write has passed on: {passed_on}") from None
        except (AlreadyIntended, WriteBlocked) as held:
            return Written(False, str(held))
        written = await self._send(row, parcel, intent)
        if written.ok:
            parking.done(self.ctx, row, self.run)
        if written.intent is not None and parcel.lost:
            parking.park_files(self.ctx, row, parcel.lost, self.run)
        return written

    def park_conflict(self, row: Any) -> None:
        """A row that only a person can resolve."""
        parking.park_conflict(self.ctx, row, self.run)

    def _give_up(self, row: Any) -> str:
        """Why this message goes without its files: too often it did not arrive with them."""
        before = self._before(row) if row.files != "[]" else None
        if before is None or before.state is not IntentState.ABSENT or before.attempt < FILE_TRIES:
            return ""
        return f"its message was sent with it {before.attempt} times and did not arrive within {WRITE_SECONDS:.0f} s"

    def _before(self, row: Any) -> Intent | None:
        """The last attempt at this write."""
        return self.ctx.store.intended(_key(row, self.run))

    async def _send(self, row: Any, parcel: Parcel, intent: Intent) -> Written:
        left = (intent.deadline - self.ctx.clock()).total_seconds()
        if left < LEAST_SECONDS:
            self.ctx.store.mark(intent, IntentState.REFUSED, "this process was held up; nothing was sent")
            raise Stop("this process was held up for longer than a write may take; nothing was sent")
        try:
            async with asyncio.timeout(left):
                receipt = await request(self.connection, row, parcel, intent.key)
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
            refused.cure += _if_not_ours(row, refused)
            self.ctx.store.mark(intent, IntentState.REFUSED, str(refused))
            if isinstance(refused, FilesRefused) and parcel.uploads:
                return Written(False, str(refused), bare=refused.what)
            if may_be_too_long(refused, files=bool(parcel.uploads)) and takes_less(self.ctx, row):
                return Written(False, f"{refused}; {_SHORTER}")
            parking.park_change(self.ctx, row, refused, self.run)
            return Written(False, str(refused), parked=True)
        except Exception as unforeseen:
            self.ctx.store.mark(intent, IntentState.UNKNOWN, f"{type(unforeseen).__name__}: {unforeseen}")
            raise
        try:
            shown = await self._shown(row, intent)
        except ConnectorError as unseen:
            why = f"the server said that it was done, but could not be asked whether it is ({unseen}); it is read back"
            self.ctx.store.mark(intent, IntentState.UNKNOWN, why)
            return Written(False, why, intent)
        if not shown:
            return self._not_shown(row, intent)
        try:
            await asyncio.to_thread(self._receive, row, intent, receipt, shown)
        except LinkConflict as conflict:
            return Written(False, str(conflict), intent)
        if intent.kind is ChangeKind.REOPEN:
            tell_stays_closed(self.ctx, intent, TicketState(shown))
        return Written(True, intent=intent, receipt=receipt, body=parcel.body)

    def _not_shown(self, row: Any, intent: Intent) -> Written:
        """Read back like any unknown outcome; parked, too, so that a server that never does it is asked less and less
        often, and people see it (another employee may hold the ticket)."""
        closes_there = intent.kind is ChangeKind.CLOSE and intent.direction is Direction.TO_EXTERNAL
        why = _NOT_SHOWN + (_PERHAPS_HELD if closes_there else "")
        self.ctx.store.mark(intent, IntentState.UNKNOWN, why)
        refused = Refused(why, billing=row.connection, function=str(row.kind), ticket=row.ext_ticket)
        parking.park_change(self.ctx, row, refused, self.run)
        return Written(False, why, intent, parked=True)

    async def _shown(self, row: Any, intent: Intent) -> str:
        """The state of main after this write; "" when a close, reopening or departure was promised and is not seen.

        Raises ConnectorError when that cannot be told now.
        A close in main where staff hold the ticket is a notice, and leaves it open; so does the note of a departure,
        whose close is a write of its own.
        """
        if intent.kind not in ACTS:
            return str(row.main_state)
        inward = intent.direction is Direction.TO_MAIN
        billing = self.connection.main if inward else self.connection.external
        ticket = str(row.main_ticket if inward else row.ext_ticket)
        state = (await billing.ticket(ticket)).state
        if state is STATE_OF.get(intent.kind) and not (inward and intent.kind is ChangeKind.REOPEN):
            return str(row.main_state)
        if inward and row.body and self._stands_there(intent, row.body, await billing.thread(ticket)):
            return str(state)
        return ""

    def _stands_there(self, intent: Intent, body: str, thread: Sequence[MessageRow]) -> bool:
        taken = self.ctx.store.targets(intent.connection, intent.direction, intent.ext_ticket)
        return bool(match_written([intent], thread, taken, {intent.id or 0: body}))

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

    def _intent(self, row: Any, parcel: Parcel) -> Intent:
        direction = Direction(row.direction)
        known = self.ctx.store.last_target(self.connection.name, direction, row.ext_ticket)
        return Intent(
            key=_key(row, self.run),
            connection=row.connection,
            kind=ChangeKind(row.kind),
            direction=direction,
            ext_ticket=row.ext_ticket,
            main_ticket=None if pd.isna(row.main_ticket) else str(row.main_ticket),
            body_hash=body_hash(parcel.body),
            files_hash=parcel.files_hash,
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


def _if_not_ours(row: Any, denied: ConnectorError) -> str:
    """What else it may be when the right to one main ticket is refused: its number may be somebody else's by now."""
    if not isinstance(denied, TicketDenied) or row.direction != Direction.TO_MAIN or pd.isna(row.main_ticket):
        return ""
    return f". If only main ticket {row.main_ticket} is refused, it is not ours any more: {rebuild(row.connection)}"


def _key(row: Any, run: str) -> str:
    """Messages are written once ever; an act (close, reopen, departure) once per run, since people repeat them."""
    act = f"{row.act}/{run}" if ChangeKind(row.kind) in ACTS else row.act
    return intent_key(row.connection, row.direction, row.ext_ticket, act)


def covers_of(row: Any) -> tuple[Carried, ...]:
    """The source messages that one row of CHANGES carries."""
    return tuple(Carried(source, digest, target) for source, digest, target in orjson.loads(row.covers))


async def request(connection: Connection, row: Any, parcel: Parcel, key: str) -> WriteReceipt:
    """The one request that a row of CHANGES is; ``key`` is its intent's."""
    kind, body, uploads = ChangeKind(row.kind), parcel.body, parcel.uploads
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
