"""Every month: the report of the last one for each billing, as files in the state folder. Writes to no billing."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.running import FLOW, in_log, opened, run_name
from tasks.monthly_report import write_reports


@flow(name="monthly_report", flow_run_name=lambda: run_name("report"), **FLOW)
async def monthly_report() -> State[Any]:
    """Report on the last month that is over."""
    async with opened() as context:
        return in_log(Completed(message=await write_reports(context)))
