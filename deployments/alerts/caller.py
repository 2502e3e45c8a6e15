"""Tell receivers from ``up``, which has no Prefect in it: a child does, ``python -m deployments.alerts.caller``.

It needs no Prefect server but for blocks that only stand there. Subject and text come on standard input, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from deployments.alerts.missed import ENDED
from deployments.prefect_api import NoAnswer, PrefectApi
from deployments.processes import python
from deployments.settings_env import client_env
from remotesupport.core.connections.alerts import Phase
from remotesupport.core.connections.state_events import MISSED, RUN

PATIENCE_S = 60.0


class Caller:
    """Tells the receivers of the configuration in ``environ``, and the Prefect server at ``api`` where it answers."""

    def __init__(self, home: Path, api: str, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._home, self._say = home, say
        self._environ = client_env(home, api, environ)
        self._api = PrefectApi(api, environ)

    def tell(self, phase: Phase, subject: str, text: str) -> None:
        """Tell all of them; says how those answer that do not take it."""
        self._emit(MISSED if phase is Phase.RAISED else ENDED, subject, text)
        given = json.dumps({"subject": subject, "text": text}).encode()
        command = python("deployments.alerts.caller")
        try:
            done = subprocess.run(  # noqa: S603 - our own module, by this Python
                command, input=given, env=self._environ, cwd=self._home, capture_output=True, timeout=PATIENCE_S,
                check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            self._say(f"alerts: nobody could be told ({type(error).__name__}): {subject}")
            return
        for line in done.stderr.decode("utf-8", "replace").splitlines():
            self._say(line)

    def _emit(self, name: str, subject: str, text: str) -> None:
        resource = {"prefect.resource.id": RUN, "prefect.resource.name": "runs"}
        event = {
            "id": str(uuid4()), "event": name, "occurred": datetime.now(UTC).isoformat(), "resource": resource,
            "payload": {"subject": subject, "text": text},
        }  # fmt: skip
        try:
            self._api.post("/events", [event])
        except NoAnswer:
            return  # the receivers are told all the same


def main() -> int:
    """Tell the receivers of the configuration what standard input holds. → exit status, 1 where one did not take it."""
    from deployments.alerts.receivers import receivers_of
    from deployments.alerts.send import tell
    from flows.running import secret_block
    from remotesupport.settings import SettingsError, load_settings

    async def told() -> list[str]:
        receivers = await receivers_of(load_settings().alerts, secret_block)
        answers = await tell(receivers, given["subject"], given["text"])
        return [f"alerts: {one.name} ({one.kind}) was not told: {one.detail}" for one in answers if not one.ok]

    given = json.load(sys.stdin)
    try:
        lines = asyncio.run(told())
    except SettingsError as error:
        lines = [f"alerts: nobody was told: {error}"]
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return 1 if lines else 0


if __name__ == "__main__":
    raise SystemExit(main())
