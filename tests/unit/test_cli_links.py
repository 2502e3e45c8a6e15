"""``links rebuild`` on the command line: its document, its tables and its exit status."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesupport import logs
from remotesupport.cli.errors import DONE, FAILED, WRONG
from remotesupport.cli.links import _show
from remotesupport.cli.main import main
from remotesupport.core.run import BillingState
from remotesupport.steps.operator.rebuild_links import LinksReport, LinksResult


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder with a fresh configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REMOTESUPPORT_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("REMOTESUPPORT_CONFIG", raising=False)
    before = logging.getLogger().level
    assert main(["init"]) == DONE
    yield
    logs.tear_down()
    logging.getLogger().setLevel(before)
    os.environ.pop("REMOTESUPPORT_CONFIG", None)


@pytest.mark.parametrize("more", [(), ("--plan-only",)])
def test_a_connection_that_cannot_be_used_is_named(more: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Without its password a connection is a failed row in the one JSON document, and the status says so."""
    capsys.readouterr()
    assert main(["links", "rebuild", "--json", *more]) == FAILED
    found = json.loads(capsys.readouterr().out)
    assert found["plan_only"] is bool(more)
    assert {row["state"] for row in found["billings"]} == {"failed"}
    assert all(row["reason"] for row in found["billings"])


def test_an_unknown_billing_is_wrong_usage() -> None:
    """A name that is not configured is refused before anything is opened."""
    assert main(["links", "rebuild", "--billing", "nobody"]) == WRONG


def test_what_needs_a_person_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Ambiguous, removed and lonely origins are listed with both tickets, and need a person; the next step is named."""
    capsys.readouterr()
    rows = {
        "ambiguous": [{"ticket": "1", "why": "more than one claim: main ticket 8 for 1, main ticket 9 for 1"}],
        "removed": [{"ticket": "2", "main_ticket": "7", "why": "main ticket is gone"}],
        "alone": [{"ticket": "3", "main_ticket": "6", "why": "external ticket is not there"}],
    }
    report = LinksReport("r", plan_only=False, billings=[LinksResult("acme", linked=5, **rows)])
    _show(report)
    shown = capsys.readouterr()
    assert report.exit_status == 3
    for words in ("main ticket 8 for 1, main ticket 9 for 1", "main ticket is gone", "no partner"):
        assert words in shown.out
    assert "remotesupport plan --billing acme" in shown.err


@pytest.mark.parametrize(("line", "status"), [
    (LinksResult("acme", linked=5), 0),
    (LinksResult("acme", alone=[{"ticket": "3", "main_ticket": "6", "why": "not there"}]), 0),
    (LinksResult("acme", unread=1), 1),
    (LinksResult("acme", BillingState.FAILED, "no route"), 1),
    (LinksResult("acme", forgotten=1), 3),
])  # fmt: skip
def test_exit_statuses(line: LinksResult, status: int) -> None:
    """Done is 0, something unread 1, and what vanished or contradicts needs a person: 3."""
    assert LinksReport("r", False, [line]).exit_status == status
