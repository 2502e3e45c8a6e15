"""One write: intent, request, receipt (semantics section 7). The only place from which a billing is written to.

Exactly one request per intent. Whatever is not a clear yes or a clear no is *unknown* and is left to the read-back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

from connectors.errors import AccessDenied, ConnectorError, Fatal, FilesRefused, Refused, TicketDenied, UnknownOutcome
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.messages.match_intents import match_written
from remotesupport.core.model import ChangeKind, Direction, MessageRow, TicketState, WriteReceipt
from remotesupport.core.plan.change import Change
from remotesupport.core.plan.change_keys import ACTS
from remotesupport.core.records import Intent, IntentState, Lease
from remotesupport.core.text.normalize import body_hash
from remotesupport.core.text.remedies import rebuild_advice
from remotesupport.steps import parking
from remotesupport.steps.learned.longest_text import LOST_TIMES, is_long, may_be_too_long, never_arrives, takes_less
from remotesupport.steps.learned.reaction import tell_stays_closed
from remotesupport.steps.leases import LEASE_SECONDS
from remotesupport.steps.write.attachments import Parcel, pack_parcel
from remotesupport.store.errors import AlreadyIntended, LeaseLost, LinkConflict, WriteBlocked

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
    """The outcome of one write. ``intent`` is set when something is, or may be, on the other side.

    ``files_refused``: why the server does not take it with its files, "" where it does. ``body``: the text that was
    sent.
    """

    ok: bool
    cause: str = ""
    intent: Intent | None = None
    receipt: WriteReceipt | None = None
    parked: bool = False
    files_refused: str = ""
    body: str = ""


class Writer:
    """Writes the changes of one connection's plan under one lease."""

    def __init__(self, ctx: Context, connection: Connection, lease: Lease, run: str) -> None:
        self.ctx, self.connection, self.lease, self.run = ctx, connection, lease, run
        self._renewing = asyncio.Lock()

    async def write(self, change: Change) -> Written:
        """Write one change. Raises Stop when the lease is lost or a login is refused.

        A refused change is parked and offered again. One that is refused for its files is sent without them at once.
        """
        if is_long(change) and never_arrives(self._last_attempt(change), change) and takes_less(self.ctx, change):
            return Written(False, f"this text was sent {LOST_TIMES} times and did not arrive; {_SHORTER}")
        with ExitStack() as spools:
            try:
                give_up = self._gives_up_files(change)
                parcel = await pack_parcel(self.ctx, self.connection, change, spools, give_up=give_up)
            except (AccessDenied, Fatal) as denied:
                raise Stop(str(denied), access=isinstance(denied, AccessDenied)) from None
            written = await self._write(change, parcel)
        if written.files_refused:
            written = await self._write(change, parcel.without_files(written.files_refused))
        return written

    async def _write(self, change: Change, parcel: Parcel) -> Written:
        await self._keep_lease()
        try:
            intent = await asyncio.to_thread(self.ctx.store.intend, self.lease, self._intent(change, parcel))
        except LeaseLost as passed_on:
            raise Stop(f"the right to write has passed on: {passed_on}") from None
        except (AlreadyIntended, WriteBlocked) as held:
            return Written(False, str(held))
        written = await self._send(change, parcel, intent)
        if written.ok:
            parking.unpark_written(self.ctx, change, self.run)
        if written.intent is not None and parcel.lost:
            parking.park_files(self.ctx, change, parcel.lost, self.run)
        return written

    def park_conflict(self, change: Change) -> None:
        """Park a change that only a person can resolve."""
        parking.park_conflict(self.ctx, change, self.run)

    def _gives_up_files(self, change: Change) -> str:
        """Say why this message goes without its files: too often it did not arrive with them. "" where it has them."""
        before = self._last_attempt(change) if change.files else None
        if before is None or before.state is not IntentState.ABSENT or before.attempt < FILE_TRIES:
            return ""
        return f"its message was sent with it {before.attempt} times and did not arrive within {WRITE_SECONDS:.0f} s"

    def _last_attempt(self, change: Change) -> Intent | None:
        return self.ctx.store.intended(change.write_key(self.run))

    async def _send(self, change: Change, parcel: Parcel, intent: Intent) -> Written:
        left = (intent.deadline - self.ctx.clock()).total_seconds()
        if left < LEAST_SECONDS:
            self.ctx.store.mark(intent, IntentState.REFUSED, "this process was held up; nothing was sent")
            raise Stop("this process was held up for longer than a write may take; nothing was sent")
        try:
            async with asyncio.timeout(left):
                receipt = await request(self.connection, change, parcel, intent.key)
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
            refused.cure += _perhaps_not_ours(change, refused)
            self.ctx.store.mark(intent, IntentState.REFUSED, str(refused))
            if isinstance(refused, FilesRefused) and parcel.uploads:
                return Written(False, str(refused), files_refused=refused.what)
            if may_be_too_long(refused, files=bool(parcel.uploads)) and takes_less(self.ctx, change):
                return Written(False, f"{refused}; {_SHORTER}")
            parking.park_change(self.ctx, change, refused, self.run)
            return Written(False, str(refused), parked=True)
        except Exception as unforeseen:
            self.ctx.store.mark(intent, IntentState.UNKNOWN, f"{type(unforeseen).__name__}: {unforeseen}")
            raise
        try:
            shown = await self._state_shown(change, intent)
        except ConnectorError as unseen:
            why = f"the server said that it was done, but could not be asked whether it is ({unseen}); it is read back"
            self.ctx.store.mark(intent, IntentState.UNKNOWN, why)
            return Written(False, why, intent)
        if shown is None:
            return self._not_shown(change, intent)
        try:
            await asyncio.to_thread(self._receive, change, intent, receipt, shown)
        except LinkConflict as conflict:
            return Written(False, str(conflict), intent)
        if intent.kind is ChangeKind.REOPEN:
            tell_stays_closed(self.ctx, intent, shown)
        return Written(True, intent=intent, receipt=receipt, body=parcel.body)

    def _not_shown(self, change: Change, intent: Intent) -> Written:
        """Leave a promised act to the read-back, like any unknown outcome, and park it: a server that never does it is
        asked less and less often, and people see it (another employee may hold the ticket)."""
        closes_there = intent.kind is ChangeKind.CLOSE and intent.direction is Direction.TO_EXTERNAL
        why = _NOT_SHOWN + (_PERHAPS_HELD if closes_there else "")
        self.ctx.store.mark(intent, IntentState.UNKNOWN, why)
        refused = Refused(why, billing=change.connection, function=str(change.kind), ticket=change.ext_ticket)
        parking.park_change(self.ctx, change, refused, self.run)
        return Written(False, why, intent, parked=True)

    async def _state_shown(self, change: Change, intent: Intent) -> TicketState | None:
        """Tell main's state after this write; None when a close, reopening or departure was promised and is not seen.

        Raises ConnectorError when that cannot be told now. A close in main where staff hold the ticket is a notice, and
        leaves it open; so does the note of a departure, whose close is a write of its own.
        """
        if intent.kind not in ACTS:
            return change.main_state
        inward = intent.direction is Direction.TO_MAIN
        billing = self.connection.main if inward else self.connection.external
        state = (await billing.ticket(change.target)).state
        if state is STATE_OF.get(intent.kind) and not (inward and intent.kind is ChangeKind.REOPEN):
            return change.main_state
        if inward and change.body and self._stands_there(intent, change.body, await billing.thread(change.target)):
            return state
        return None

    def _stands_there(self, intent: Intent, body: str, thread: Sequence[MessageRow]) -> bool:
        taken = self.ctx.store.targets(intent.connection, intent.direction, intent.ext_ticket)
        return bool(match_written([intent], thread, taken, {intent.id or 0: body}))

    def _receive(self, change: Change, intent: Intent, receipt: WriteReceipt, main_state: TicketState) -> None:
        self.ctx.store.receive(
            intent,
            main_ticket=receipt.ticket if intent.kind is ChangeKind.CREATE else intent.main_ticket,
            carried=intent.covers,
            ext_state=str(change.ext_state),
            main_state=str(main_state),
            department=None,
            state=IntentState.ACKED,
        )

    def _intent(self, change: Change, parcel: Parcel) -> Intent:
        known = self.ctx.store.last_target(self.connection.name, change.direction, change.ext_ticket)
        return Intent(
            key=change.write_key(self.run),
            connection=change.connection,
            kind=change.kind,
            direction=change.direction,
            ext_ticket=change.ext_ticket,
            main_ticket=change.main_ticket,
            body_hash=body_hash(parcel.body),
            files_hash=parcel.files_hash,
            last_known=known,
            last_ordinal=-1,
            deadline=self.ctx.clock() + timedelta(seconds=WRITE_SECONDS),
            run=self.run,
            covers=change.covers,
            subject=change.subject,
            bytes=parcel.size,
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


def _perhaps_not_ours(change: Change, denied: ConnectorError) -> str:
    """Say what else it may be when the right to one main ticket is refused: its number may be somebody else's now."""
    inward = change.direction is Direction.TO_MAIN
    if not (isinstance(denied, TicketDenied) and inward and change.main_ticket is not None):
        return ""
    main, advice = change.main_ticket, rebuild_advice(change.connection)
    return f". If only main ticket {main} is refused, it is not ours any more: {advice}"


async def request(connection: Connection, change: Change, parcel: Parcel, key: str) -> WriteReceipt:
    """Send the one request that a change is; ``key`` is its intent's."""
    kind, body, uploads = change.kind, parcel.body, parcel.uploads
    if change.direction is Direction.TO_EXTERNAL:
        billing = connection.external
        if kind is ChangeKind.CLOSE:
            return await billing.close(change.target, key=key)
        if kind is ChangeKind.REOPEN:
            return await billing.reopen(change.target, key=key)
        return await billing.reply(change.target, body, uploads, key=key)
    main = connection.main
    if kind is ChangeKind.CREATE:
        assert change.department is not None, f"{key}: a ticket is created in a department"
        return await main.create(change.department, change.subject, body, uploads, key=key)
    if kind is ChangeKind.CLOSE:
        return await main.close(change.target, body, key=key)
    if kind is ChangeKind.REOPEN:
        return await main.reopen(change.target, body, key=key)
    return await main.reply(change.target, body, uploads, key=key)
