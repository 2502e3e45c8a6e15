"""The certificates that `check` sees: how long they are good for, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.billmanager.tls import Shown
from remotesupport.settings_models import Endpoint
from remotesupport.steps.operator.check_reach import _trusted

PIN = "sha256:" + "ab" * 32
PINNED = Endpoint(url="https://billing.example/billmgr", tls_fingerprint=PIN)
CHECKED = Endpoint(url="https://billing.example/billmgr")


def _shown(days: float) -> Shown:
    return Shown(PIN, datetime.now(UTC) + timedelta(days=days, hours=1))


@pytest.mark.parametrize(("days", "ok", "words"), [(-3, False, "it ended"), (0, True, "0 days"), (90, True, "90 days")])
def test_a_pinned_certificate_that_has_ended_fails_the_check(days: int, ok: bool, words: str) -> None:
    """W14: a pinned certificate that has ended fails its row with what to do; the days left are said in any case."""
    row = _trusted("TLS", PINNED, _shown(days))
    assert (row.ok, words in row.detail) == (ok, True)
    assert ok or "tls_fingerprint" in row.cure


@pytest.mark.parametrize("endpoint", [PINNED, CHECKED])
@pytest.mark.parametrize(("days", "warned"), [(0, True), (20, True), (22, False), (365, False)])
def test_the_last_three_weeks_are_warned_of(endpoint: Endpoint, days: int, warned: bool) -> None:
    """W14: every certificate with less than 21 days left is warned of, however it is trusted."""
    row = _trusted("TLS", endpoint, _shown(days))
    assert (row.ok, "Renew" in row.cure) == (True, warned)
