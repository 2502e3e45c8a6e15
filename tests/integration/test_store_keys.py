"""Lists of keys in statements: any number, any text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from remotesupport.core.model import Side, Sighting
from remotesupport.store import Store

pytest_plugins = ("tests.database_fixtures",)

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
ODD = ("", "1", "01", "it's", '"', "\\", "{a,b}", "NULL", "null", "Ж", "🙏", "a\nb", "%", "?", ":x")


def sightings_of(tickets: tuple[str, ...] | list[str]) -> list[Sighting]:
    """Each of these seen once."""
    return [Sighting("acme", Side.EXTERNAL, "tickets", ticket, "a hash", NOW) for ticket in tickets]


@pytest.mark.parametrize("asked", [(), ("1",), ODD, ("2", "it", "none")])
def test_exactly_the_keys_that_are_asked_for_are_found(store: Store, asked: tuple[str, ...]) -> None:
    """Whatever they are made of; none of them finds another."""
    store.save_sightings("run", sightings_of(ODD))
    assert set(store.sightings("acme", Side.EXTERNAL, "tickets", asked)) == set(asked) & set(ODD)


def test_ten_thousand_keys_are_one_question(store: Store) -> None:
    """More than a statement may have parameters."""
    many = [str(number) for number in range(10_000)]
    store.save_sightings("run", sightings_of(many))
    assert len(store.sightings("acme", Side.EXTERNAL, "tickets", [*many, *many])) == 10_000
