"""One run while it goes on: the two passes that its connections make together.

``judge``: validate, reconcile, judge; no right to write is needed. ``close_books``: verify, books, leases given back.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from remotesupport.bootstrap import Context
from remotesupport.checks.report import ValidationReport
from remotesupport.core.frames import by_connection
from remotesupport.core.run import RunReport
from remotesupport.steps.decide.approval import Applying
from remotesupport.steps.framing import Rows
from remotesupport.steps.leases import kept_alive
from remotesupport.steps.pipeline.batches import Batches, OnTheWay
from remotesupport.steps.pipeline.turns import Turns
from remotesupport.steps.record.kept_inputs import keep_inputs
from remotesupport.steps.record.record import ConnectionRows
from remotesupport.steps.record.run_lines import NOTHING, Books, End, Judged, unknown_types
from remotesupport.steps.values import Findings, Snapshot, Steps


class Run:
    """One run while it goes on. ``written``: what its plans may write so far, all connections together."""

    def __init__(self, ctx: Context, applying: Applying, steps: Steps, names: tuple[str, ...], done: RunReport) -> None:
        self.ctx, self.applying, self.steps, self.done = ctx, applying, steps, done
        self.request = applying.request
        self.turns = Turns(ctx, self.request)
        self.on_the_way = OnTheWay(len(names), ctx.gathering)
        self.judge = Batches(self._judge_batch, self.on_the_way)
        self.close_books = Batches(self._close_batch, self.on_the_way)
        self.written = Counter[str]()
        self.without_turn: list[str] = []
        self.errors: list[Exception] = []
        self.findings: Findings | None = None
        self._departments: dict[str, Rows] = {}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Leases are kept alive inside, and given back at the end, however it ends."""
        async with kept_alive(self.ctx, self.turns.held):
            try:
                yield
            finally:
                for part in (self.turns, self.judge, self.close_books):
                    await part.aclose()

    async def _judge_batch(self, batch: dict[str, Snapshot]) -> dict[str, Judged]:
        accepted = await self.steps.validate(self.ctx, batch)
        moved = await self.steps.sync_departments(self.ctx, self.request, self.done, accepted.departments)
        self._departments |= by_connection(moved)
        proposal = await self.steps.reconcile(self.ctx, self.request, batch, accepted)
        found = ConnectionRows.of_shard(accepted, proposal)
        return {n: Judged(read, accepted, proposal, found.get(n, NOTHING)) for n, read in batch.items()}

    async def _close_batch(self, batch: dict[str, End]) -> dict[str, None]:
        judged = {name: ended for name, ended in batch.items() if isinstance(ended, Judged)}
        wrong, receipts = await self.steps.verify([one.loaded for one in judged.values() if one.loaded is not None])
        lines = Books(self.ctx, self.done.run, batch).close(self.request, wrong)
        self.turns.give_back(batch)
        for line in lines:
            line.departments = self._departments.get(line.name, line.departments)
        self.done.billings.extend(lines)
        self._collect_findings(judged, receipts)
        self.done.warnings += [unknown for one in judged.values() if (unknown := unknown_types(one.read))]
        self.done.warnings += await asyncio.to_thread(keep_inputs, self.ctx, self.done.run, judged)
        return dict.fromkeys(batch)

    def _collect_findings(self, judged: dict[str, Judged], receipts: ValidationReport | None) -> None:
        """Keep for the report step: plans and verdicts as they stand, and the validations of each pass once."""
        passes = {id(one.accepted): one for one in judged.values()}
        reports = [r for one in passes.values() for r in (*one.accepted.reports, *one.proposal.reports)]
        found = Findings(
            {n: one.proposal.plans[n] for n, one in judged.items() if n in one.proposal.plans},
            {n: one.proposal.verdicts[n] for n, one in judged.items() if n in one.proposal.verdicts},
            (*reports, *((receipts,) if receipts else ())),
        )
        self.findings = found if self.findings is None else self.findings | found
