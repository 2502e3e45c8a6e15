"""Log-ins, levels and documents of the emulated version 6."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest
from lxml import etree

from remotesupport.emulator.billing import Billing
from remotesupport.emulator.exchange import ApiAnswer, ApiRequest
from tests.emulator_fixtures import Api, error_of


@pytest.fixture
def billing() -> Iterator[Billing]:
    one = Billing("acme", seed=0)
    yield one
    one.close()


def ask(billing: Billing, cookies: dict[str, str] | None = None, **params: str) -> ApiAnswer:
    return billing.answer(ApiRequest({"out": "json"} | params, [], cookies or {}, "http://127.0.0.1"))


def doc(billing: Billing, cookies: dict[str, str] | None = None, **params: str) -> dict:
    return orjson.loads(ask(billing, cookies, **params).body)["doc"]


def log_in(billing: Billing, login: str = "olga", password: str = "demo-olga-password") -> str:
    return doc(billing, func="auth", username=login, password=password)["auth"]["$id"]


def test_a_session_works_as_parameter_and_as_cookie(billing: Billing) -> None:
    """The id that auth gives opens every later call, as ``auth`` or as the cookie ``billmgrses5``."""
    session = log_in(billing)
    assert doc(billing, func="whoami", auth=session)["user"]["$name"] == "olga"
    assert doc(billing, {"billmgrses5": session}, func="whoami")["user"]["$name"] == "olga"


def test_a_session_lives_an_hour_after_its_last_request(billing: Billing) -> None:
    """Every request prolongs a session by an hour, and after an idle hour it is dead: type access."""
    session = log_in(billing)
    for _ in range(2):
        billing.clock.advance(3500)
        assert error_of(doc(billing, func="keepalive", auth=session)) == ""
    billing.clock.advance(3700)
    assert error_of(doc(billing, func="keepalive", auth=session)) == "access/keepalive"


def test_logging_out_ends_the_session(billing: Billing) -> None:
    """After logon the session is dead."""
    session = log_in(billing)
    doc(billing, func="logon", auth=session)
    assert error_of(doc(billing, func="whoami", auth=session)) == "access/whoami"


def test_wrong_passwords_lead_to_a_ban_of_twenty_seconds(billing: Billing) -> None:
    """Three wrong passwords block even the right one for 20 s of the billing's own clock."""
    for _ in range(3):
        assert error_of(doc(billing, func="auth", username="olga", password="wrong")) == "auth/badpassword"
    right = {"func": "auth", "username": "olga", "password": "demo-olga-password"}
    assert error_of(doc(billing, **right)) == "auth/blocklogon"
    billing.clock.advance(21)
    assert error_of(doc(billing, **right)) == ""


def test_errors_are_documents(billing: Billing) -> None:
    """A refusal has type, object and a text in XML as in JSON."""
    answer = ask(billing, func="auth", username="olga", password="wrong", out="xml")
    (error,) = etree.fromstring(answer.body).findall("error")
    assert (error.get("type"), error.get("object"), bool(error.findtext("msg"))) == ("auth", "badpassword", True)
    assert answer.outcome == "auth/badpassword"


@pytest.mark.parametrize(
    ("login", "func", "outcome"),
    [
        ("ivan", "ticket_all", "access/ticket_all"),
        ("ivan", "department", "access/department"),
        ("olga", "clientticket", "access/clientticket"),
        ("admin", "ticket_all", ""),
        ("admin", "no.such.thing", "missed/func"),
    ],
)
def test_levels_decide_who_may_call_what(billing: Billing, login: str, func: str, outcome: str) -> None:
    """Clients reach no staff function and staff no client function."""
    assert error_of(Api(billing, login)(func)) == outcome


def test_su_acts_with_the_rights_of_somebody_below(billing: Billing) -> None:
    """``su`` takes a name or an id, for administrators, never upwards."""
    by_name = Api(billing, "olga")("whoami", su="ivan")["user"]
    by_id = Api(billing, "olga")("whoami", su=by_name["$id"])["user"]
    assert by_name["$name"] == by_id["$name"] == "ivan"
    assert error_of(Api(billing, "olga")("whoami", su="admin")) == "access/su"
    assert error_of(Api(billing, "ivan")("whoami", su="maria")) == "access/su"


def test_a_key_opens_one_session(billing: Billing) -> None:
    """A key of session.newkey logs its user in once."""
    key = "an-invented-key-of-tests"
    Api(billing, "admin")("session.newkey", username="ivan", key=key)
    assert doc(billing, func="auth", username="ivan", key=key)["auth"]["$level"] == "16"
    assert error_of(doc(billing, func="auth", username="ivan", key=key)) == "auth/badpassword"


def test_whoami_names_version_level_and_zone(billing: Billing) -> None:
    """whoami shows what a connector has to know before anything else."""
    shown = Api(billing, "support-robot")("whoami")
    assert shown["version"]["billmgr"]["$"] == "6.94.1"
    assert (shown["user"]["$level"], shown["user"]["$timezone"]) == ("29", "Europe/Moscow")


def test_elements_are_arrays_even_when_single(billing: Billing) -> None:
    """elem, slist and val are arrays with one entry too, and an empty list has no elem at all."""
    assert [type(Api(billing, "admin")("department", p_cnt="1")["elem"])] == [list]
    form = Api(billing, "ivan")("clientticket.edit")
    assert isinstance(form["slist"], list)
    assert isinstance(form["slist"][0]["val"], list)
    assert "elem" not in Api(billing, "ivan")("clientticket")


def test_bare_json_has_plain_values(billing: Billing) -> None:
    """bjson shows texts without wrappers."""
    shown = orjson.loads(ask(billing, func="department", out="bjson", authinfo="admin:demo-admin-password").body)
    assert shown["doc"]["elem"][0]["locale_name"] == "Technical support"


def test_xml_and_json_say_the_same(billing: Billing) -> None:
    """Both spellings hold the same texts, whatever characters are in them."""
    client = Api(billing, "john")
    text = "a < b & c > d \"e\" 'f' 🚀 ]]> \\ {}"
    department = client("clientticket.edit")["slist"][0]["val"][0]["$key"]
    client("clientticket.edit", sok="ok", subject=text, message=text, client_department=department)
    answer = ask(billing, func="clientticket", out="xml", authinfo="john:demo-john-password")
    assert etree.fromstring(answer.body).findtext("elem/name") == text == client.rows("clientticket")[0]["name"]
