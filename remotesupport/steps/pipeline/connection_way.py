"""One connection's way through a run, from what was read of it to its closed books.

It waits for no other connection's billing: only for the next pass (``batches``), and for its own turn to write
(``turns``). What another run has written meanwhile is looked at again before anything is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from connectors.errors import ConnectorError, OutOfTime, Retriable
from remotesupport.core.plan.guard import judge_together, tally
from remotesupport.core.run import RunKind
from remotesupport.steps.leases import regain
from remotesupport.steps.pipeline.shared import Run
from remotesupport.steps.pipeline.turns import Turn
from remotesupport.steps.read.extract import as_connector_error, time_to_read
from remotesupport.steps.read.reread import look_again
from remotesupport.steps.record.run_lines import End, Judged
from remotesupport.steps.values import Loaded, Read, Snapshot
from remotesupport.store.errors import StoreError


async def go_its_way(run: Run, name: str, read: Read) -> None:
    """Take one connection from what was read of it to its closed books.

    An error of the store ends this way only; the run raises it when all others are through.
    """
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
        """Read to the end and judge; then, when it is this connection's turn, write and close the books."""
        read = await self._read_again(read)
        if self.request.reads_long:
            read = await self._look_again(read)
        end = await self._judge(read)
        if isinstance(end, Judged) and not self.request.plan_only:
            turn = await self.run.turns.take(self.name, end.read.mark)
            if turn is None:
                self.run.without_turn.append(self.name)
                return
            end = await self._brought_up_to_date(turn, end)
        if isinstance(end, Judged):
            end = self._approve(end)
            end = replace(end, loaded=await self._load(end))
        await self.run.close_books(self.name, end)

    async def _read_again(self, first: Read) -> Read:
        """Read a connection again, under its own name, where it failed in a way that may pass."""
        if not isinstance(first, Retriable) or isinstance(first, OutOfTime):
            return first
        try:
            return await self.run.steps.extract_one(self.ctx, self.name, self.request)
        except Exception as error:
            return _more_telling(first, as_connector_error(self.ctx, self.name, error))

    async def _look_again(self, read: Read, also: Collection[str] = ()) -> Read:
        """Read again the tickets that another run has written to since they were read, and ``also`` these."""
        return await look_again(self.ctx, self.request, read, also) if isinstance(read, Snapshot) else read

    async def _judge(self, read: Read) -> End:
        """Validate, reconcile and judge in the next pass; an exception there becomes this connection's error."""
        if not isinstance(read, Snapshot):
            return read
        try:
            return await self.run.judge(self.name, read)
        except StoreError:
            raise
        except Exception as error:
            return as_connector_error(self.ctx, self.name, error)

    async def _brought_up_to_date(self, turn: Turn, judged: Judged) -> End:
        """Resolve what earlier runs left open, read again what has moved since and what an audit is about to write, and
        judge all of it again. Where there is nothing of that kind, what was judged holds."""
        audited = judged.plan if self.request.kind is RunKind.AUDIT else None
        planned = set() if audited is None else set(audited.changes["ext_ticket"])
        if not (turn.left_open or turn.moved or planned):
            return judged
        read = await self._resolve_open_intents(judged.read) if turn.left_open else judged.read
        return await self._judge(await self._look_again(read, planned))

    async def _resolve_open_intents(self, read: Snapshot) -> Read:
        """Read back what earlier runs left open. A connection where that fails is not written to in this run."""
        seconds = time_to_read(self.request)
        try:
            async with asyncio.timeout(seconds):
                return await self.run.steps.resolve_open_intents(self.ctx, read)
        except TimeoutError:
            return Retriable(f"reading back did not end within {seconds:.0f} s", billing=self.name)
        except Exception as error:
            return as_connector_error(self.ctx, self.name, error)

    def _approve(self, judged: Judged) -> Judged:
        """Judge what this plan would make of all that the run writes; a person's word replaces that."""
        proposal = self.run.applying.approve(judged.proposal, {self.name} - judged.accepted.rejected.keys())
        plan, settings = judged.plan, self.ctx.settings
        if plan is None or not proposal.verdicts[self.name].ok or self.request.kind is RunKind.APPLY:
            return replace(judged, proposal=proposal)
        verdict = judge_together(plan, self.run.written, settings.guard, settings.limits(self.name))
        if verdict.ok:
            self.run.written.update(tally(plan))
        return replace(judged, proposal=replace(proposal, verdicts=proposal.verdicts | {self.name: verdict}))

    async def _load(self, judged: Judged) -> Loaded | None:
        """Write the plan under a lease that is surely ours; an unforeseen error is this connection's and no other's."""
        plan, held = judged.plan, self.run.turns.held
        if plan is None or self.request.plan_only or not judged.proposal.verdicts[self.name].ok:
            return None
        try:
            held[self.name] = regain(self.ctx, held[self.name])
            return await self.run.steps.load(self.ctx, plan, held[self.name], self.run.done.run)
        except Exception as error:
            return Loaded(self.name, stopped=str(as_connector_error(self.ctx, self.name, error)))


def _more_telling(first: Retriable, second: ConnectorError) -> ConnectorError:
    """Choose the error that says more: when no time was left to try again, only the first one names the silent side."""
    return first if isinstance(second, Retriable) and second.side is None and first.side is not None else second
