"""The demo's story for ``--cycles``: a ticket there and its answer back, by runs of the schedule and no others.

Is told of each run that has ended, and looks into the billings; starts and stops nothing itself.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from deployments.prefect_api import RunSeen
from deployments.supervise import Stopping
from remotesupport.cli.output import say
from remotesupport.emulator.running import RunningEmulator

PATIENCE_S = 180.0  # for each run: the next one is due in a minute, and it may be skipped once
_SUBJECT, _QUESTION, _ANSWER = "Сайт не открывается", "Помогите, пожалуйста!", "Починили, проверьте."


class Story:
    """Ivan of acme opens a ticket, Anna of the main billing answers it; one step for each run that carried it.

    Counts a run that completed, began after the last step and brought what that step waits for. After ``cycles`` of
    them, or when one does not come within ``patience`` seconds, it asks ``stopping`` for an end. ``status``: 0 once
    all of them came.
    """

    def __init__(
        self, billings: dict[str, RunningEmulator], cycles: int, stopping: Stopping, patience: float = PATIENCE_S
    ) -> None:
        self.acme, self.main = billings["acme"], billings["main"]
        self.cycles, self.patience, self.status, self.done = cycles, patience, 1, 0
        self._stopping, self._origin = stopping, ""
        self._since, self._until = datetime.now(UTC), float("inf")

    def begin(self) -> None:
        """The client writes."""
        said = {"department": "Technical support", "subject": _SUBJECT, "text": _QUESTION}
        self._origin = f"[acme #{self.acme.act(as_='ivan', do='open', **said)['ticket']}]"
        say(f"Ivan opened ticket {self._origin}; the schedule's next run carries it into the main billing")
        self._wait()

    def goes_on(self, run: RunSeen) -> None:
        """A run has ended: the next step, if it is the one that was waited for."""
        begun = run.start is not None and run.start >= self._since
        if not (self._origin and begun and run.state == "Completed" and self._arrived()):
            return
        self.done += 1
        say(f"Scheduled run {self.done} of {self.cycles}: {self._news()}")
        if self.done == 1:
            self.main.act(as_="anna", do="reply", ticket=self._copies()[0], text=_ANSWER)
        self._wait()
        if self.done == self.cycles:
            self._end(0)

    def tend(self, now: float) -> None:
        """Give up when the run that is waited for does not come (``now``: seconds, monotonic)."""
        if now > self._until and not self._stopping.wanted:
            missing = "its answer is not back with the client" if self.done else "it is not in the main billing"
            why = "no further scheduled run completed" if self._arrived() else missing
            say(f"{self._origin}: {why} after {self.patience:.0f} s. The lines above say how each run ended.")
            self._end(1)

    def _arrived(self) -> bool:
        return self._answered() if self.done else bool(self._copies())

    def _news(self) -> str:
        if self.done == 1:
            return f"{self._origin} is ticket {self._copies()[0]} in the main billing; Anna answers it there"
        return "its answer is back with the client"

    def _copies(self) -> list[str]:
        return [str(t["id"]) for t in self.main.state()["tickets"] if str(t["subject"]).startswith(self._origin)]

    def _answered(self) -> bool:
        ticket = self._origin.removeprefix("[acme #").removesuffix("]")
        messages = self.acme.state()["messages"]
        return any(str(m["ticket"]) == ticket and m["text"] == _ANSWER for m in messages)

    def _wait(self) -> None:
        self._since, self._until = datetime.now(UTC), time.monotonic() + self.patience

    def _end(self, status: int) -> None:
        self.status = status
        self._stopping.ask()
