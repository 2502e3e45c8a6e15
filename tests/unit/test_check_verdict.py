"""What ``check`` comes to: what must be put right, each thing once, and what comes next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.billmanager.tls import Shown
from connectors.errors import Fatal, NoConnection, Retriable
from remotesupport.settings_errors import offered
from remotesupport.steps.operator.check_reach import End, Met, reach_rows
from remotesupport.steps.operator.check_row import CheckRow, verdict
from tests.cycle_fixtures import settings_for

GOOD = CheckRow("login", True, "robot")
BAD = CheckRow("main TLS", False, "it is self-signed", "Set ca_file")
UNSEEN = CheckRow("rights", False, "not looked at", looked_at=False)
PIN = "sha256:" + "ab" * 32


def test_everything_in_order() -> None:
    """Good rows only: the next step is the plan."""
    found = verdict({"acme": [GOOD]})
    assert (found.text, found.next) == ("Everything is in order.", "remotesupport plan")


def test_things_are_counted_once() -> None:
    """What several connections have in common is one thing, and what was not looked at is none."""
    found = verdict({"acme": [GOOD, BAD, UNSEEN], "globex": [BAD, UNSEEN]})
    assert found.sentence == "1 thing must be put right first:"
    assert found.wrong == ("acme, globex, main TLS: it is self-signed. Set ca_file",)
    assert found.next == "remotesupport check"
    assert verdict({"acme": [BAD, CheckRow("login", False, "no")]}).sentence.startswith("2 things")


def test_no_connection_is_no_good_verdict() -> None:
    """Where nothing is enabled, nothing is in order."""
    assert verdict({}).wrong


def test_warnings_are_not_in_the_way() -> None:
    """A good row with a cure is worth a look, and the plan still comes next."""
    found = verdict({"acme": [CheckRow("TLS", True, "5 days left", "Renew it")]})
    assert (found.warnings, found.next) == (("acme, TLS: 5 days left. Renew it",), "remotesupport plan")


@pytest.mark.parametrize(
    ("error", "failing", "unseen"),
    [
        (Retriable("no", billing="acme", kind=NoConnection.REFUSED), "answer", "TLS"),
        (Retriable("no", billing="acme", kind=NoConnection.NAME), "answer", "TLS"),
        (Retriable("no", billing="acme", kind=NoConnection.TLS), "TLS", "login"),
        (Fatal("no", billing="acme", kind=NoConnection.CERTIFICATE), "TLS", "login"),
        (Fatal("no", billing="acme", kind="http-404"), "answer", "login"),
    ],
)
def test_an_error_belongs_to_one_row(tmp_path: Path, error: Retriable | Fatal, failing: str, unseen: str) -> None:
    """Exactly the row that the error is about fails; what comes after it is not looked at."""
    settings = settings_for(tmp_path, "acme").connection("acme")
    rows = {row.check: row for row in reach_rows(End(settings, "[x]", "robot", "login"), Met(None, (), error))}
    assert [check for check, row in rows.items() if row.failed] == [failing]
    assert not rows[unseen].looked_at


@pytest.mark.parametrize(("days", "warned"), [(400, False), (20, True), (-3, True)])
def test_a_certificate_that_ends_soon_is_worth_a_look(tmp_path: Path, days: int, warned: bool) -> None:
    """The row says the days that are left and what was seen; three weeks before its end it warns, and then it fails."""
    settings = settings_for(tmp_path, "acme").connection("acme")
    shown = Shown(PIN, datetime.now(UTC) + timedelta(days=days, hours=1))
    error = Retriable("later", billing="acme", kind="http-500")
    row = reach_rows(End(settings, "[x]", "robot", "login"), Met(None, (), error, shown=shown))[1]
    assert row.ok == (days > 0)
    assert PIN in row.detail
    assert (f"{days} days left" in row.detail) == (days > 0)
    assert bool(row.cure) == warned


def test_what_exists_is_offered() -> None:
    """The nearest name is asked for, whatever its capitals, and all are listed, but never hundreds of them."""
    text = offered("outsorced support", ["Sales", "Outsourced support"])
    assert text == 'Did you mean "Outsourced support"? There are: "Outsourced support", "Sales"'
    assert offered("x", []) == "There are: none"
    assert offered("zzz", [f"{n:03}" for n in range(300)]).endswith("and 280 more")
