"""Requests of version 4 in, answers out: who calls, may they, which function of which release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from remotesupport.emulator.exchange import ApiAnswer, ApiRequest, media_type_of
from remotesupport.emulator.people import CLIENT, EMPLOYEE, User
from remotesupport.emulator.refusal import Refusal
from remotesupport.emulator.v4 import sync, tickets
from remotesupport.emulator.v4.call import Call, Function, as_json, as_xml, error_answer
from remotesupport.emulator.v4.errors import Error, access_denied, auth_failed, from_refusal, invalid, no_such
from remotesupport.emulator.v4.rights import HAS_SYNC, SYNC_FUNCTIONS, may_sync, release

if TYPE_CHECKING:
    from remotesupport.emulator.billing import Billing

_NOBODY = User(0, 0, "", "", "", "", 0, "", "en", active=True)


def _auth(call: Call) -> None:
    """``auth`` with ``username`` and ``password``; a refusal is the key ``authfail`` (SEEN IN CODE)."""
    sessions = call.billing.sessions
    try:
        user = sessions.check_password(call.text("username"), call.text("password"))
    except Refusal as refused:
        if refused.subject == "blocklogon":
            raise
        call.answer["authfail"] = "Auth failed from 127.0.0.1"
        return
    call.answer["auth"] = sessions.begin(user)


_CLIENTS, _STAFF = (CLIENT, CLIENT), (EMPLOYEE, 99)
FUNCTIONS: dict[str, Function] = {
    "auth": Function(_auth, 0),
    "clienttickets": Function(tickets.client_list, *_CLIENTS),
    "archivedclienttickets": Function(tickets.client_archive_list, *_CLIENTS),
    "clienttickets.edit": Function(tickets.client_edit, *_CLIENTS),
    "clienttickets.archive": Function(tickets.client_to_archive, *_CLIENTS),
    "archivedclienttickets.open": Function(tickets.client_from_archive, *_CLIENTS),
    "tickets": Function(tickets.staff_list, *_STAFF),
    "tickets.edit": Function(tickets.staff_edit, *_STAFF),
    "tickets.unblock": Function(tickets.unblock, *_STAFF),
    "clienttickets.sync": Function(sync.tickets),
    "clienttickets.syncadmticket": Function(sync.write),
    "clienttickets.syncdepartments": Function(sync.departments),
}


def answer(billing: Billing, request: ApiRequest) -> ApiAnswer:
    """One call, as one transaction: an error means that nothing was changed."""
    call = Call(billing, request.params.get("func", ""), _NOBODY, request.params)
    outcome = "ok"
    try:
        with billing.database.transaction():
            _perform(call)
    except (Refusal, Error) as problem:
        error = from_refusal(problem) if isinstance(problem, Refusal) else problem
        outcome = f"{error.code}/{error.text}"
        call.answer = error_answer(error)
    if "authfail" in call.answer:
        outcome = "authfail"
    return _render(call, outcome)


def _perform(call: Call) -> None:
    if call.function != "auth":
        call.user = _caller(call)
    function = FUNCTIONS.get(call.function)
    if function is None or (call.function in SYNC_FUNCTIONS and release(call.billing.version) < HAS_SYNC):
        raise no_such("func", call.function)
    if not function.low <= call.user.level <= function.high:
        raise access_denied()
    if call.function in SYNC_FUNCTIONS and not may_sync(call.billing, call.user, call.function):
        raise access_denied()
    if call.function in SYNC_FUNCTIONS and call.billing.habits["v4_sync"] != "ours":
        _answer_otherwise(call)
    else:
        function.handler(call)


def _answer_otherwise(call: Call) -> None:
    """The three functions as another server may have them: not ours to understand, and nothing is done."""
    habit = call.billing.habits["v4_sync"]
    if habit == "result_ok":
        call.done()
    elif habit == "code_4":
        raise invalid("type", "invalid value")
    elif habit == "code_3":
        raise no_such("remoteuser", call.user.login)
    else:
        call.silent = habit == "empty_body"


def _caller(call: Call) -> User:
    sessions = call.billing.sessions
    if call.params.get("authinfo"):
        login, _, password = call.params["authinfo"].partition(":")
        return sessions.check_password(login, password)
    user = sessions.resume(call.params.get("auth", ""))
    if user is None:
        raise access_denied() if call.billing.habits["v4_dead_session"] == "access_deny" else auth_failed()
    return user


def _render(call: Call, outcome: str) -> ApiAnswer:
    login = call.user.login or call.params.get("username", "")
    as_text = call.params.get("out") == "json"
    body = as_json(call.answer) if as_text else as_xml(call.answer)
    media = media_type_of(
        "application/json; charset=UTF-8" if as_text else "text/xml; charset=UTF-8", call.billing.habits
    )
    return ApiAnswer(b"" if call.silent else call.billing.faults.unescape(body), media, login, outcome)
