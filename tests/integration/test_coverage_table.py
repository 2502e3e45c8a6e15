"""The table of releases and logins in docs/coverage.md."""

from __future__ import annotations

import pytest

from tests.releases_and_logins import on_page, table


@pytest.mark.thorough("walks through every release with every kind of login")
async def test_the_table_is_what_happens() -> None:
    """Each line is what ``check`` and ``sync`` say now (``python -m tests.releases_and_logins`` writes it)."""
    assert (await table()).splitlines() == on_page().splitlines()
