"""Ask the Prefect API by plain HTTP: a supervisor must not import Prefect, to start in no time.

Must stay out: what is asked and sent for which purpose, and what follows from an answer.
"""

from __future__ import annotations

import base64
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from deployments.catalog import EVERY_MINUTE

TIMEOUT_S = 3.0
BUSY = 503
"""The server's answer while its database is locked: nothing was done, and the client may ask again."""
BUSY_PAUSES_S = (0.2, 0.5, 1.0)
"""Before each further try of a request for which the server was too busy."""
DEPLOYMENT = EVERY_MINUTE
"""The sync deployment of all connections, or of the first shard."""


class NoAnswer(RuntimeError):
    """The Prefect API did not answer as it should. The message says which address and how."""


class _Busy(NoAnswer):
    """The server was too busy to do what it was asked for."""


@dataclass(frozen=True, slots=True)
class RunSeen:
    """One flow run as the API shows it, and its ``deployment``'s id. Times: UTC, None where it has not come to that."""

    id: str
    name: str
    state: str
    message: str
    scheduled: bool
    expected: datetime | None
    start: datetime | None
    end: datetime | None
    deployment: str = ""


class PrefectApi:
    """The API at ``url`` (with ``/api``). ``environ``: where a password for it may be set.

    A request for which the server is too busy is sent again after each of ``pauses`` (seconds).
    """

    def __init__(
        self,
        url: str,
        environ: Mapping[str, str],
        timeout: float = TIMEOUT_S,
        pauses: Sequence[float] = BUSY_PAUSES_S,
    ) -> None:
        self.url, self._timeout, self._client = url.rstrip("/"), timeout, str(uuid4())
        self._pauses = pauses
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key := environ.get("PREFECT_API_KEY"):
            self._headers["Authorization"] = f"Bearer {key}"
        auth = environ.get("PREFECT_API_AUTH_STRING") or environ.get("PREFECT_SERVER_API_AUTH_STRING")
        if auth:
            self._headers["Authorization"] = "Basic " + base64.b64encode(auth.encode()).decode()
        self._token: dict[str, str] | None = None

    def get(self, path: str) -> Any:
        """The document at ``path``; None where there is none (404). Raises NoAnswer."""
        return self._ask(path, None)

    def post(self, path: str, body: object) -> Any:
        """Send a document (a filter, or what is to be made) and return the answer; None for a 404. Raises NoAnswer."""
        if self._token is None:
            self._token = self._csrf_token()
        try:
            return self._ask(path, body)
        except NoAnswer:
            self._token = None  # the server may be a new one by now
            raise

    def runs(
        self,
        states: Sequence[str],
        *,
        deployments: Sequence[str] = (DEPLOYMENT,),
        sort: str = "START_TIME_DESC",
        limit: int = 20,
    ) -> list[RunSeen]:
        """The runs of deployments in these states (RUNNING, COMPLETED, …), newest first. Raises NoAnswer."""
        body = {
            "deployments": {"name": {"any_": list(deployments)}},
            "flow_runs": {"state": {"type": {"any_": list(states)}}},
            "sort": sort,
            "limit": limit,
        }
        return [_run(row) for row in self.post("/flow_runs/filter", body) or ()]

    def _csrf_token(self) -> dict[str, str]:
        found = self._ask("/csrf-token?" + urllib.parse.urlencode({"client": self._client}), None, quiet=(404, 422))
        if not found:  # the server does without
            return {}
        return {"Prefect-Csrf-Token": str(found["token"]), "Prefect-Csrf-Client": self._client}

    def _ask(self, path: str, body: object, quiet: tuple[int, ...] = (404,)) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = self._headers | (self._token or {} if data else {})
        request = urllib.request.Request(self.url + path, data, headers)  # noqa: S310 - the address that we were given
        for pause in self._pauses:
            try:
                return self._once(request, path, quiet)
            except _Busy:
                time.sleep(pause)
        return self._once(request, path, quiet)

    def _once(self, request: urllib.request.Request, path: str, quiet: tuple[int, ...]) -> Any:
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
                document = answer.read()
                return json.loads(document) if document else None
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in quiet:
                return None
            kind = _Busy if error.code == BUSY else NoAnswer
            raise kind(f"{self.url}{path.partition('?')[0]} answers {error.code}") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise NoAnswer(f"{self.url}{path.partition('?')[0]} does not answer: {error}") from None


def _run(row: Mapping[str, Any]) -> RunSeen:
    state = row.get("state") or {}
    return RunSeen(
        id=str(row["id"]),
        name=str(row.get("name") or ""),
        state=str(row.get("state_name") or ""),
        message=str(state.get("message") or ""),
        scheduled=bool(row.get("auto_scheduled")),
        expected=moment(row.get("expected_start_time")),
        start=moment(row.get("start_time")),
        end=moment(row.get("end_time")),
        deployment=str(row.get("deployment_id") or ""),
    )


def moment(text: str | None) -> datetime | None:
    """Read a time of the API as UTC; None for none."""
    return None if not text else datetime.fromisoformat(text)
