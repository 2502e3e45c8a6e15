"""A warm worker as a process: ``python -m deployments.worker_main --pool NAME --name NAME``.

The event loop has a thread of its own, so that this one can take signals, watch, and end the process when a run does
not yield (and so that Prefect's engine does not take the signals for itself).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import FrameType

from deployments import exit_codes
from deployments.processes import healthy
from deployments.worker_name import NameTakenError, alive_file, hold

_WATCH_S = 0.5


class WorkerThread:
    """The worker's event loop in a thread, and what the main thread needs of it."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.exit_code = exit_codes.FAILED
        self.thread = threading.Thread(target=self._main, name="worker", daemon=True)
        self.worker: object = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._stop_wanted = False

    def _main(self) -> None:
        for module in self.arguments.preload:
            import_module(module)
        if "flows" in self.arguments.modules:
            from flows.running import stay_warm

            stay_warm()
        with self._monitoring():
            self.exit_code = asyncio.run(self._serve())

    @contextlib.contextmanager
    def _monitoring(self) -> Iterator[None]:
        """Serve health and figures of the product meanwhile; a worker of other flows has none."""
        if "flows" not in self.arguments.modules:
            yield
            return
        from deployments.monitoring.server import begin
        from flows.running import secret_block

        server = begin(_say, secret_block)
        try:
            yield
        finally:
            if server is not None:
                server.stop()

    async def _serve(self) -> int:
        from deployments.worker import WarmWorker

        chosen = self.arguments
        worker = WarmWorker(
            chosen.pool,
            name=chosen.name,
            modules=tuple(chosen.modules),
            memory_mb=chosen.memory_mb,
            grace_seconds=chosen.grace,
            answered=alive_file(chosen.name, Path.cwd()).touch,
        )
        self.worker, self.loop = worker, asyncio.get_running_loop()
        if not await self._api_answers():
            return exit_codes.STOPPED if self._stop_wanted else exit_codes.FAILED
        if chosen.register:
            from deployments.serve import register, register_configured_alerts

            await register(chosen.pool)
            for line in await register_configured_alerts(watched=True):
                _say(line)
        return exit_codes.STOPPED if self._stop_wanted else await worker.serve()

    async def _api_answers(self) -> bool:
        end = time.monotonic() + self.arguments.wait
        while not self._stop_wanted:
            if await asyncio.to_thread(healthy, os.environ["PREFECT_API_URL"]):
                return True
            if time.monotonic() > end:
                sys.stderr.write(f"worker: no answer from {os.environ['PREFECT_API_URL']}\n")
                return False
            await asyncio.sleep(_WATCH_S)
        return False

    def stop(self) -> None:
        """Ask it to end; from any thread."""
        self._stop_wanted = True
        if self.loop is not None and self.worker is not None:
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self.worker.stop)  # type: ignore[attr-defined]

    def stuck(self) -> str:
        """Say why only the end of the process helps; empty while all is well."""
        return self.worker.stuck() if self.worker is not None else ""  # type: ignore[attr-defined]


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deployments.worker_main")
    parser.add_argument("--pool", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--modules", nargs="+", default=["flows"])
    parser.add_argument("--preload", nargs="*", default=["flows.sync", "flows.audit"])
    parser.add_argument(
        "--memory-mb", type=float, default=float(os.environ.get("REMOTESUPPORT_WORKER_MEMORY_MB", "1500"))
    )
    parser.add_argument("--register", action="store_true", help="register the catalog first")
    parser.add_argument("--wait", type=float, default=30, help="seconds to wait for the Prefect API")
    parser.add_argument("--grace", type=float, default=10)
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Run until the worker ends, or end it when it is stuck. Returns the exit status."""
    arguments = _parse(argv)
    try:
        hold(arguments.name, Path.cwd())
    except NameTakenError as error:
        sys.stderr.write(f"worker: {error}\n")
        return exit_codes.FAILED
    worker = WorkerThread(arguments)

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    worker.thread.start()
    while worker.thread.is_alive():
        worker.thread.join(_WATCH_S)
        if reason := worker.stuck():
            sys.stderr.write(f"worker: {reason}; ending the process, a new one takes over\n")
            sys.stderr.flush()
            os._exit(exit_codes.STUCK)
    return worker.exit_code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
