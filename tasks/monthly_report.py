"""The monthly reports as a Prefect task. What is in them: ``remotesupport.core.report``."""

from __future__ import annotations

import asyncio

from prefect import task

from remotesupport.bootstrap import Context
from remotesupport.steps.report import files
from tasks.policy import ONCE, as_is


@task(name="write the reports", **ONCE)
async def written(ctx: Context) -> str:
    """Write them, beside the loop that minute runs share, and say how many are where."""
    made = await asyncio.to_thread(files.write_reports, ctx.settings, ctx.store, ctx.clock())
    return f"{len(made)} reports are in {ctx.settings.home / files.FOLDER}" if made else "no billing is switched on"


async def write_reports(ctx: Context) -> str:
    """Last month's report of each billing, as files in the state folder."""
    return str(await written(as_is(ctx)))
