"""An executor without threads, for simulated time: the same seed gives the same history."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Inline(ThreadPoolExecutor):
    """Does at once what is given to a thread."""

    def submit(self, do: Any, /, *args: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(do(*args, **named))
        except BaseException as error:
            future.set_exception(error)
        return future
