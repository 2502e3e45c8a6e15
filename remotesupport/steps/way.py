"""One connection's way through a run, from what was read of it to its closed books.

It waits for no other connection's billing: only for the next pass (``batches``), and for its own turn to write
(``turns``). What another run has written meanwhile is looked at again before anything is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from connectors.errors import ConnectorError, OutOfTime, Retriable
from remotesupport.core.guard import judge_together, tally
from remotesupport.core.report import RunKind
from remotesupport.steps.extract import as_connector_error, time_to_read
from remotesupport.steps.leases import regain
from remotesupport.steps.looking_again import look_again
from remotesupport.steps.outcome import End, Judged
from remotesupport.steps.run import Run
from remotesupport.steps.turns import Turn
from remotesupport.steps.values import Loaded, Read, Snapshot
from remotesupport.store.errors import StoreError


async def go(run: Run, name: str, read: Read) -> None:
    """The whole way. An error of the store ends this way only; the run raises it when all others are through."""
    try:
        await _Way(run, name).go(read)
    except Exception as error:
        run.errors.append(error)
    finally:
        run.on_the_way.add(-1)


class _Way:
    def __init__(self, run: Run, name: str) -> None:
        self.run, self.ctx, self.request, self.name = run, run.ctx, run.request, name

    async def go(self, read: Read) -> None:
        """Read to the end, and judge; then, when it is this connection's turn: write, and close the books."""
        read = await self._read_again(read)
        if self.request.reads_long:
            read = await self._look_again(read)
        end = await self._judge(read)
        if isinstance(end, Judged) and not self.request.plan_only:
            turn = await self.run.turns.take(self.name, end.read.mark)
            if turn is None:
                self.run.without_turn.append(self.name)
                return
            end = await self._as_it_is_now(turn, end)
        if isinstance(end, Judged):
            end = self._approve(end)
            end = replace(end, loaded=await self._load(end))
        await self.run.closed(self.name, end)

    async def _read_again(self, first: Read) -> Read:
        """A connection that failed in a way that may pass is read again under its own name."""
        if not isinstance(first, Retriable) or isinstance(first, OutOfTime):
            return first
        try:
            return await self.run.steps.extract_one(self.ctx, self.name, self.request)
        except Exception as error:
            return _telling(first, as_connector_error(self.ctx, self.name, error))

    async def _look_again(self, read: Read, also: Collection[str] = ()) -> Read:
        """At what another run has written to since it was read, and at ``also`` these tickets."""
        return await look_again(self.ctx, self.request, read, also) if isinstance(read, Snapshot) else read

    async def _judge(self, read: Read) -> End:
        """Validate, reconcile and judge in the next pass; what is strange enough to break that is an error of ours."""
        if not isinstance(read, Snapshot):
            return read
        try:
            return await self.run.judged(self.name, read)
        except StoreError:
            raise
        except Exception as error:
            return as_connector_error(self.ctx, self.name, error)

    async def _as_it_is_now(self, turn: Turn, judged: Judged) -> End:
        """Open outcomes of earlier runs come first. What has moved since it was read, and what an audit is about to
        write, is looked at again; then all is judged again. Where nothing has, what was judged holds."""
        audited = judged.plan if self.request.kind is RunKind.AUDIT else None
        planned = set() if audited is None else set(audited.changes["ext_ticket"])
        if not (turn.left_open or turn.moved or planned):
            return judged
        read = await self._settle(judged.read) if turn.left_open else judged.read
        return await self._judge(await self._look_again(read, planned))

    async def _settle(self, read: Snapshot) -> Read:
        """A connection where that fails is not written to in this run."""
        seconds = time_to_read(self.request)
        try:
            async with asyncio.timeout(seconds):
                return await self.run.steps.settle(self.ctx, read, self.run.turns.held[self.name], self.run.done.run)
        except TimeoutError:
            return Retriable(f"reading back did not end within {seconds:.0f} s", billing=self.name)
        except Exception as error:
            return as_connector_error(self.ctx, self.name, error)

    def _approve(self, judged: Judged) -> Judged:
        """The guard's last word: what this plan would make of all that the run writes; or a person's word instead."""
        proposal = self.run.applying.approve(judged.proposal, {self.name} - judged.accepted.rejected.keys())
        plan, settings = judged.plan, self.ctx.settings
        if plan is None or not proposal.verdicts[self.name].ok or self.request.kind is RunKind.APPLY:
            return replace(judged, proposal=proposal)
        verdict = judge_together(plan, self.run.written, settings.guard, settings.limits(self.name))
        if verdict.ok:
            self.run.written.update(tally(plan))
        return replace(judged, proposal=replace(proposal, verdicts=proposal.verdicts | {self.name: verdict}))

    async def _load(self, judged: Judged) -> Loaded | None:
        """Load under a lease that is surely ours; what nobody foresaw is this connection's, and no other's."""
        plan, held = judged.plan, self.run.turns.held
        if plan is None or self.request.plan_only or not judged.proposal.verdicts[self.name].ok:
            return None
        try:
            held[self.name] = regain(self.ctx, held[self.name])
            return await self.run.steps.load(self.ctx, plan, held[self.name], self.run.done.run)
        except Exception as error:
            return Loaded(self.name, stopped=str(as_connector_error(self.ctx, self.name, error)))


def _telling(first: Retriable, second: ConnectorError) -> ConnectorError:
    """The error that says more: when no time was left to try again, the first one knows which side did not answer."""
    return first if isinstance(second, Retriable) and second.side is None and first.side is not None else second
