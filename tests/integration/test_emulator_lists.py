"""Paging, sorting and filtering of the emulated version 6, with the traps of the real one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from remotesupport.emulator.billing import Billing
from tests.emulator_fixtures import Api


@pytest.fixture(scope="module")
def many() -> Iterator[Billing]:
    one = Billing("many", seed=0, tickets=1200)
    yield one
    one.close()


@pytest.fixture
def week() -> Iterator[Billing]:
    one = Billing("week", seed=1)
    yield one
    one.close()


def test_the_default_page_has_a_thousand_rows(many: Billing) -> None:
    """Without p_cnt a page has 1000 rows, and p_elems tells the total."""
    shown = Api(many, "admin")("ticket_all")
    assert (len(shown["elem"]), shown["p_elems"]["$"], shown["p_cnt"]["$"]) == (1000, "1200", "1000")


def test_the_page_size_is_remembered_for_the_user(many: Billing) -> None:
    """A p_cnt once given rules that user's later lists, and nobody else's."""
    olga = Api(many, "olga")
    olga("ticket_all", p_cnt="7")
    assert len(olga.rows("ticket")) == 7
    assert Api(many, "support-robot")("ticket_all")["p_cnt"]["$"] == "1000"


def test_pages_past_the_end_show_the_last_one_again(many: Billing) -> None:
    """p_num past the end repeats the last page and echoes the number asked for."""
    admin = Api(many, "admin")
    last, past = admin("ticket_all", p_cnt="500", p_num="3"), admin("ticket_all", p_cnt="500", p_num="9")
    assert last["elem"] == past["elem"]
    assert (len(past["elem"]), past["p_num"]["$"]) == (200, "9")


def test_pages_add_up(many: Billing) -> None:
    """All pages together hold every ticket once, newest activity first."""
    admin = Api(many, "admin")
    rows = [row for page in range(1, 4) for row in admin.rows("ticket_all", p_cnt="500", p_num=page)]
    assert len({row["id"] for row in rows}) == 1200
    dates = [row["last_activity"] for row in rows]
    assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize("wish", [{"p_sort": "id", "p_order": "desc"}, {"p_col": "-id"}])
def test_both_ways_of_sorting(many: Billing, wish: dict[str, str]) -> None:
    """p_sort with p_order, and p_col with a sign, sort the same."""
    shown = Api(many, "admin")("ticket", **wish, p_cnt="50")
    ids = [int(row["id"]["$"]) for row in shown["elem"]]
    assert ids == sorted(ids, reverse=True)
    assert (shown["p_sort"]["$"], shown["p_order"]["$"]) == ("id", "desc")


def test_a_filter_in_the_call_finds_one_ticket(week: Billing) -> None:
    """``filter=on`` with a column narrows the list; ids may be several."""
    robot = Api(week, "support-robot")
    first, second = [row["id"] for row in robot.rows("ticket_all")][:2]
    assert [row["id"] for row in robot.rows("ticket_all", filter="on", id=second)] == [second]
    assert len(robot.rows("ticket_all", filter="yes", id=f"{first}, {second}")) == 2
    assert robot.rows("ticket_all", filter="on", id="1") == []


def test_filters_by_status_and_by_part_of_the_subject(week: Billing) -> None:
    """tstatus takes the machine values, name a part in any case, Cyrillic too."""
    admin = Api(week, "admin")
    assert {row["tstatus.orig"] for row in admin.rows("ticket_all", filter="on", tstatus="0,10")} == {"0", "10"}
    assert all("ДИСК" in row["name"].upper() for row in admin.rows("ticket_all", filter="on", name="ДИСК"))


def test_a_stored_filter_rules_until_it_is_stored_empty(week: Billing) -> None:
    """clientticket.filter narrows later lists; a filter in the call goes before it."""
    ivan = Api(week, "ivan")
    everything = ivan.rows("clientticket")
    ivan("clientticket.filter", sok="ok", tstatus="0")
    assert {row["tstatus.orig"] for row in ivan.rows("clientticket")} == {"0"}
    other = next(row["id"] for row in everything if row["tstatus.orig"] != "0")
    assert [row["id"] for row in ivan.rows("clientticket", filter="on", id=other)] == [other]
    ivan("clientticket.filter", sok="ok")
    assert ivan.rows("clientticket") == everything


def test_dates_are_in_the_viewers_zone(week: Billing) -> None:
    """One moment is shown in each user's own zone, with localised noise beside it and last_message_utc."""
    ticket = Api(week, "maria").rows("clientticket")[0]
    staff = Api(week, "admin").row("ticket_all", ticket["id"])
    hours = int(ticket["last_message"][11:13]) - int(staff["last_message"][11:13])
    assert hours % 24 == 2
    assert {"last_message_l", "last_message_s", "last_message_locale_time", "last_message_utc"} <= set(ticket)


def test_staff_see_their_own_departments_only(week: Billing) -> None:
    """An employee's lists hold the employee's departments, a superuser's hold everything."""
    homes = {row["id"]: row["locale_name"] for row in Api(week, "admin").rows("department")}
    seen = {row["responsible.orig"].removeprefix("d_") for row in Api(week, "petr").rows("ticket_all")}
    assert {homes.get(department, "an employee") for department in seen} <= {"Sales", "Billing", "an employee"}
    assert len(Api(week, "admin").rows("ticket_all")) > len(Api(week, "olga").rows("ticket_all"))


def test_people_and_departments_are_listed(week: Billing) -> None:
    """department, employee and user show names and machine statuses."""
    robot = Api(week, "support-robot")
    assert "Абузы и безопасность" in {row["locale_name"] for row in robot.rows("department")}
    assert {row["status.orig"] for row in robot.rows("department")} == {"on"}
    assert {"support-robot", "anna"} <= {row["name"] for row in robot.rows("employee")}
    assert {"ivan", "acme"} <= {row["name"] for row in robot.rows("user")}
