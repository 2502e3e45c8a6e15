"""``worker``: one more warm worker, on this or another machine, for a Prefect server that exists."""

from __future__ import annotations

import os
from typing import Annotated
from urllib.parse import urlsplit

import typer

from deployments.processes import WorkerProcess
from deployments.supervise import Kept, Stopping, keep_going, stop_all
from deployments.worker_name import DEFAULT_POOL, own_name
from remotesupport.cli import output, session
from remotesupport.cli.errors import Refusal
from remotesupport.cli.up import MemoryMb, environment
from remotesupport.settings import DATABASE_VARIABLE, Settings
from remotesupport.settings_models import is_loopback

Pool = Annotated[str, typer.Option(help="The work pool, as `remotesupport up` or `deployments.serve` made it.")]
Name = Annotated[str | None, typer.Option(help="Its name in Prefect; needed for a second one with this state folder.")]


def worker(pool: Pool = DEFAULT_POOL, name: Name = None, memory_mb: MemoryMb = 1500) -> None:
    """One more warm worker for the Prefect server at PREFECT_API_URL. Ctrl-C stops it."""
    if not session.prefect_is_set():
        raise Refusal("worker needs a Prefect server: set PREFECT_API_URL, or start everything with `remotesupport up`")
    settings = session.configuration()
    _one_store(settings, os.environ["PREFECT_API_URL"])
    child = WorkerProcess(
        settings.home,
        os.environ["PREFECT_API_URL"],
        pool,
        name=name or f"{own_name(settings.home)}-more",
        environ=environment(settings),
        arguments=("--wait", "120", "--memory-mb", str(memory_mb)),
    )
    stopping = Stopping()
    stopping.install()
    kept = Kept("The worker", child, output.say)
    kept.start()
    try:
        keep_going([kept], stopping)
    finally:
        stop_all([child], stopping)


def _one_store(settings: Settings, api: str) -> None:
    """Two stores would each know half of what has crossed. Raises Refusal where this machine has one of its own."""
    if settings.database_url.startswith("sqlite") and not is_loopback(urlsplit(api).hostname or ""):
        raise Refusal(
            f"The Prefect server of {api} is on another machine, and the store here is a file that its workers do not "
            f"see. All workers share one store: set {DATABASE_VARIABLE}=postgresql+psycopg://USER:PASSWORD@HOST/NAME "
            "on each machine. Where this machine is the only one with workers, `remotesupport up` does without"
        )
