"""Columns to rows: nothing is guessed, nothing of the unknown crosses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.billmanager import connect_external, connect_main, habits
from connectors.billmanager.v6_departments import Departments
from connectors.billmanager.v6_rows import BadRow, members_of, moment, queue_row, row_hash, ticket_row
from connectors.billmanager.v6_thread import CUSTOMER_KINDS, STAFF_KINDS, Viewer, read_thread
from connectors.billmanager.wire import Node
from connectors.errors import Missing, NotUnderstood, ProtocolError, Skippable, TooOld
from remotesupport.core.model import MessageKind
from tests.hostile_server import HostileServer, Request, doc, error, http

KNOWN = {habits.TYPES: frozenset({habits.BY_VIEWER})}
ROW = {"id": {"$": "7"}, "name": {"$": "s"}, "tstatus": {"$": "In progress", "$orig": "1"}}


def viewer(**known: Any) -> Viewer:
    """A member of staff of whom everything is known unless said otherwise."""
    usual = {"id": "4", "login": "robot", "realname": "Robot", "zone": "UTC", "kinds": STAFF_KINDS}
    return Viewer(**(usual | {"role": MessageKind.STAFF} | known))


def said(number: str, kind: str = "outcoming", user: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """One message node."""
    return {"$id": number, "$type": kind, "user": user or {}, "body": {"$": "text"}, **more}


def thread(*nodes: dict[str, Any], who: Viewer | None = None) -> Any:
    """Messages of a form with those nodes."""
    return read_thread(Node({"mlist": {"message": list(nodes)}}), who or viewer()).rows


@pytest.mark.parametrize(
    "column", ["unread", "delay", "wait_time", "blocked_by", "last_message_l", "x_locale_time", "y_s"]
)
def test_what_changes_by_itself_is_not_in_the_hash(column: str) -> None:
    """Delays, read marks and localised dates do not make a row look changed."""
    assert row_hash(Node(ROW | {column: {"$": "anything"}})) == row_hash(Node(ROW))


@pytest.mark.parametrize("column", ["tstatus", "name", "last_activity", "responsible", "something_new"])
def test_any_other_column_is_in_the_hash(column: str) -> None:
    """A change in any column, unknown ones included, is a change."""
    assert row_hash(Node(ROW | {column: {"$": "other"}})) != row_hash(Node(ROW))


def test_the_hash_knows_columns_apart() -> None:
    """The same texts in other columns are another row, whatever order the columns come in."""
    assert row_hash(Node({"a": "x", "b": "y"})) == row_hash(Node({"b": "y", "a": "x"}))
    assert row_hash(Node({"a": "x", "b": "y"})) != row_hash(Node({"a": "y", "b": "x"}))


@pytest.mark.parametrize("gone", ["id", "name", "tstatus"])
def test_a_row_needs_its_columns(gone: str) -> None:
    """A row without id, name or status is a bad row."""
    with pytest.raises(BadRow):
        ticket_row(Node({k: v for k, v in ROW.items() if k != gone}), Departments(), activity="last_activity")


@pytest.mark.parametrize(("responsible", "department"), [("d_12", "12"), ("e_5", None), ("", None), ("d_", None)])
def test_only_a_department_is_a_department(responsible: str, department: str | None) -> None:
    """An employee in charge leaves the department unseen."""
    node = Node(ROW | {"responsible": {"$": "Name", "$orig": responsible}})
    assert ticket_row(node, Departments(), activity="last_activity").row.department == department


def test_a_queue_row_is_its_ticket_not_its_assignment() -> None:
    """Of a queue row, the ticket counts; without one it is bad."""
    assert queue_row(Node({"id": {"$": "400001"}, "ticket": {"$": "7"}, "name": "s"}), Departments()).row.ticket == "7"
    with pytest.raises(BadRow):
        queue_row(Node({"id": {"$": "400001"}, "name": "s"}), Departments())


@pytest.mark.parametrize("kind", ["", "INCOMING", "internal", "draft", "outgoing"])
def test_an_unknown_type_never_looks_like_a_message(kind: str) -> None:
    """Whatever is not positively a client's or staff's message is UNKNOWN."""
    assert thread(said("1", kind))[0].kind is MessageKind.UNKNOWN


def test_who_speaks_is_what_was_learned() -> None:
    """incoming is the client's for staff; for the customer it is what the server was seen to mean."""
    by_viewer, by_direction = CUSTOMER_KINDS[habits.BY_VIEWER], CUSTOMER_KINDS[habits.BY_DIRECTION]
    client, staff = MessageKind.CLIENT, MessageKind.STAFF
    for kinds, wanted in ((STAFF_KINDS, client), (by_viewer, staff), (by_direction, client)):
        assert thread(said("1", "incoming"), who=viewer(kinds=kinds))[0].kind is wanted


@pytest.mark.parametrize(
    ("user", "known", "own"),
    [
        ({"$id": "4"}, {}, True),
        ({"$id": "5", "realname": {"$": "Robot"}}, {}, False),
        ({"$name": "robot"}, {}, True),
        ({"name": {"$": "olga"}, "realname": {"$": "Robot"}}, {}, False),
        ({"realname": {"$": "Robot"}}, {}, True),
        ({"realname": {"$": "Olga"}}, {}, False),
        ({"realname": {"$": "Robot"}}, {"realname": ""}, None),
        ({}, {}, None),
    ],
)
def test_own_is_told_by_id_then_login_then_real_name(user: Any, known: Any, own: bool | None) -> None:
    """The surest sign decides; without any it stays open."""
    assert thread(said("1", user=user), who=viewer(**known))[0].own is own


def test_the_other_side_is_never_own() -> None:
    """A client with the robot's name is still not the robot."""
    assert thread(said("1", "incoming", {"realname": {"$": "Robot"}}))[0].own is False


def test_a_thread_that_comes_backwards_is_turned_round() -> None:
    """Ids increase, so falling ids mean newest first; notes keep their place among them."""
    turned = thread(said("9"), said("3", "note"), said("5"), said("2", "incoming"))
    assert [m.message for m in turned] == ["2", "5", "note-3", "9"]
    assert [m.ordinal for m in turned] == [0, 1, 2, 3]


def test_a_notes_id_never_meets_a_messages_id() -> None:
    """Notes are counted on their own (SEEN IN CODE), so theirs are kept apart."""
    assert [m.message for m in thread(said("1"), said("1", "note"))] == ["1", "note-1"]


def test_threads_that_cannot_be_right_are_bad() -> None:
    """What people say without an id, without a text, or with one id twice."""
    for nodes in ([said("")], [said("1"), said("1")], [{"$id": "1", "$type": "incoming"}]):
        with pytest.raises(BadRow):
            thread(*nodes)


@pytest.mark.parametrize(
    ("text", "zone", "wanted"),
    [
        ("2026-11-20 12:00:00", "Europe/Moscow", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026-07-01 12:00:00 ", "America/New_York", datetime(2026, 7, 1, 16, tzinfo=UTC)),
        ("20.11.2026", "UTC", None),
        ("2026-02-30 12:00:00", "UTC", None),
        ("", "UTC", None),
        ("2026-11-20 12:00:00", "No/Where", None),
    ],
)
def test_moments_are_utc_or_nothing(text: str, zone: str, wanted: datetime | None) -> None:
    """A text of that zone becomes UTC; what cannot be read is not guessed."""
    assert moment(text, zone) == wanted


# --- over HTTP -------------------------------------------------------------------------------------------------


async def test_the_zone_is_whoamis_else_the_configured_one() -> None:
    """The server's own zone wins when it names one that exists."""
    for told, used in (("Asia/Shanghai", "Asia/Shanghai"), ("", "Europe/Moscow"), ("No/Where", "Europe/Moscow")):
        me = {"user": {"$id": "4", "$name": "robot", "$timezone": told}, "version": {"billmgr": {"$": "6.94.1-x"}}}
        form = doc({"elid": {"$": "7"}, "mlist": {"message": [said("1")]}})
        async with HostileServer({"whoami": doc(me), "clientticket.edit": form}) as server:
            billing = connect_main("acme", server.url, "robot", "p", timezone="Europe/Moscow", version="6")
            billing.learned(KNOWN)
            assert [m.zone for m in await billing.thread("7")] == [used]
            await billing.aclose()


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        (doc({"ok": {}}), ProtocolError),
        (doc({"elid": {"$": "8"}, "subject": {"$": "s"}, "mlist": {"message": [said("1")]}}), ProtocolError),
        (doc({"elid": {"$": "7"}, "subject": {"$": "s"}}), Skippable),
        (http(b'{"doc": {"subject": {"$": "\x01"}}}'), Skippable),
        (error("missed", "ticket"), Missing),
    ],
    ids=["no ticket", "another ticket", "no messages", "characters", "missed"],
)
async def test_a_form_is_a_whole_thread_or_an_error(form: bytes, wanted: type[Exception]) -> None:
    """What is no ticket stops the connection; what only this ticket has leaves the others alone."""
    async with HostileServer({"clientticket.edit": form}) as server:
        billing = connect_main("acme", server.url, "robot", "p", version="6")
        with pytest.raises(wanted) as caught:
            await billing.thread("7")
        assert type(caught.value) is wanted
        await billing.aclose()


@pytest.mark.parametrize(
    ("rows", "total", "form", "wanted"),
    [
        ([], "0", error("missed", "ticket"), Missing),
        ([], "0", error("access", "ticket_all.edit"), Missing),
        ([], "0", doc({"elid": {"$": "7"}, "mlist": {"message": [said("1")]}}), ProtocolError),
        ([ROW | {"id": {"$": "8"}}], "1", error("missed", "ticket"), ProtocolError),
        ([ROW | {"tstatus": {"$": "77"}}], "1", error("missed", "ticket"), NotUnderstood),
    ],
    ids=["gone", "not ours", "hidden by the list", "filter ignored", "bad row"],
)
async def test_a_ticket_is_missing_only_when_list_and_form_agree(
    rows: Any, total: str, form: bytes, wanted: Any
) -> None:
    """A list that hides what the form shows, or ignores its filter, is a protocol error and never an absence."""
    answers = {"ticket_all": doc({"elem": rows, "p_elems": {"$": total}}), "ticket_all.edit": form}
    async with HostileServer(answers) as server:
        billing = connect_external("acme", server.url, "robot", "p", version="6")
        with pytest.raises(wanted) as caught:
            await billing.ticket("7")
        assert type(caught.value) is wanted
        await billing.aclose()


async def test_a_whoami_of_version_4_is_too_old() -> None:
    """A version before 5 is refused by identify; version 5 is taken like 6."""
    for version, fine in (("4.0.68", False), ("5.200.1-2019", True)):
        me = {"user": {"$id": "4", "$name": "robot", "$level": "29"}, "version": {"billmgr": {"$": version}}}
        async with HostileServer({"whoami": doc(me)}) as server:
            billing = connect_external("acme", server.url, "robot", "p", version="6")
            if fine:
                assert (await billing.identify()).version == "5.200.1"
            else:
                with pytest.raises(TooOld):
                    await billing.identify()
            await billing.aclose()


async def test_no_staff_function_is_ever_asked_of_the_main_side() -> None:
    """Whatever the customer's view does, it uses the customer's functions only."""
    row = ROW | {"last_message": {"$": "2026-11-20 12:00:00"}}

    def form(request: Request) -> bytes:
        if request.form.get("sok"):
            return doc({"ok": {}, "id": {"$": "7"}})
        choices = {"$name": "client_department", "val": [{"$key": "2", "$": "Tech"}]}
        return doc({"elid": {"$": request.form.get("elid", "")}, "slist": [choices], "mlist": {"message": [said("1")]}})

    answers = {
        "clientticket": doc({"elem": [row], "p_elems": {"$": "1"}}),
        "clientticket_archive": doc({"p_elems": {"$": "0"}}),
        "clientticket.edit": form,
        "clientticket.archive": error("value", "elid"),
    }
    async with HostileServer(answers) as server:
        billing = connect_main("acme", server.url, "robot", "p", version="6")
        billing.learned(KNOWN)
        await billing.departments()
        for listing in billing.capabilities.listings:
            _ = [page async for page in billing.pages(listing)]
        await billing.ticket("7")
        await billing.thread("7")
        await billing.create("2", "s", "b")
        await billing.close("7", "n")
        await billing.reopen("7", "n")
        await billing.aclose()
    customer = {"auth", "whoami", "clientticket", "clientticket_archive", "clientticket.edit", "clientticket.archive"}
    assert set(server.funcs()) <= customer


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Support, Sales", {"1", "2"}),
        (" sales ", {"2"}),
        ("2", {"2"}),
        ("", set()),
        ("Support, Marketing", None),
        ("Support…", None),
    ],
)
def test_an_employees_departments_are_understood_or_not_claimed(text: str, seen: set[str] | None) -> None:
    """Names or ids by commas are departments; one that nobody knows means that the column was not understood."""
    assert members_of(text, {"1": "Support", "2": "Sales"}) == seen
