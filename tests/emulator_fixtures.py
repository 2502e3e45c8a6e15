"""Emulated billings for tests: real HTTP on a free loopback port, in this process.

with running_emulator("acme") as acme:
    acme.url, acme.act(as_="ivan", do="open", department="Technical support", subject="…", text="…")
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from remotesupport.emulator.billing import CUSTOMERS, Billing
from remotesupport.emulator.desk import Attachment
from remotesupport.emulator.exchange import ApiRequest
from remotesupport.emulator.running import RunningEmulator
from remotesupport.emulator.seed import password_of

__all__ = ["Api", "RunningEmulator", "error_of", "password_of", "running_emulator"]


@contextmanager
def running_emulator(
    name: str = "acme",
    version: str = "6.94.1",
    *,
    seed: int = 0,
    tls: bool = False,
    state: Path | None = None,
    tickets: int = 0,
    tickets_of: str | None = None,
    customers: tuple[str, ...] = CUSTOMERS,
    habits: Mapping[str, str] | None = None,
) -> Iterator[RunningEmulator]:
    """Serve one until the block ends. ``seed`` 0: people only; 1: a week. Log-ins: ``remotesupport.emulator.seed``."""
    billing = Billing(
        name,
        version,
        seed=seed,
        state=state,
        tickets=tickets,
        tickets_of=tickets_of,
        customers=customers,
        habits=habits,
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        RunningEmulator(billing, tls_folder=Path(folder) if tls else None) as running,
    ):
        yield running


class Api:
    """One log-in's view of a billing, without HTTP: ``api("ticket_all", p_cnt="2")`` → what is in ``doc``."""

    def __init__(self, billing: Billing, login: str) -> None:
        self._billing, self._login = billing, login

    def __call__(self, func: str, files: Sequence[Attachment] = (), **params: object) -> dict[str, Any]:
        texts = {name: str(value) for name, value in params.items()}
        secret = {"authinfo": f"{self._login}:{password_of(self._login)}"}
        request = ApiRequest({"func": func, "out": "json"} | secret | texts, list(files), {}, "http://127.0.0.1")
        doc: dict[str, Any] = orjson.loads(self._billing.answer(request).body)["doc"]
        return doc

    def rows(self, func: str, **params: object) -> list[dict[str, str]]:
        """The rows of a list: text of each column, and ``<column>.orig`` where there is one."""
        return [_flat(elem) for elem in self(func, **params).get("elem", [])]

    def row(self, func: str, ticket: str) -> dict[str, str]:
        """The row of one ticket (in a queue: of its assignment)."""
        (found,) = [row for row in self.rows(func) if ticket in {row.get("ticket"), row["id"]}]
        return found

    def thread(self, func: str, **params: object) -> list[tuple[str, str]]:
        """(type, text) of every message."""
        groups = self(func, **params).get("mlist", [])
        return [(each["$type"], each["body"]["$"]) for group in groups for each in group["message"]]


def error_of(doc: dict[str, Any]) -> str:
    """``type/object`` of an error document, "" of any other."""
    return f"{doc['error']['$type']}/{doc['error']['$object']}" if "error" in doc else ""


def _flat(elem: dict[str, Any]) -> dict[str, str]:
    flat = {name: value.get("$", "") for name, value in elem.items()}
    return flat | {f"{name}.orig": value["$orig"] for name, value in elem.items() if "$orig" in value}
