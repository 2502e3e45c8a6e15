"""Requests of version 6 in, documents out: who calls, may they, which function, which spelling of the answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from remotesupport.emulator.exchange import SECRETS, ApiAnswer, ApiRequest, media_type_of
from remotesupport.emulator.node import Node, to_bare_json, to_json, to_xml
from remotesupport.emulator.people import CLIENT, EMPLOYEE, SUPER, User
from remotesupport.emulator.refusal import NoSession, Refusal, denied, no_session
from remotesupport.emulator.texts import language
from remotesupport.emulator.v6 import general, tickets
from remotesupport.emulator.v6.browsers import form_redirect
from remotesupport.emulator.v6.call import Call, Function, RawFile
from remotesupport.emulator.v6.lists import list_rows
from remotesupport.emulator.v6.rows import LISTINGS

if TYPE_CHECKING:
    from remotesupport.emulator.billing import Billing

_TECHNICAL = SECRETS | {"out", "func", "su", "lang", "sfrom", "progressid", "operafake", "clickstat", "forget"}
_RENDERERS: dict[str, tuple[Callable[[Node], bytes], str]] = {
    "xml": (to_xml, "text/xml; charset=UTF-8"),
    "devel": (to_xml, "text/xml; charset=UTF-8"),
    **dict.fromkeys(("json", "sjson", "xjson"), (to_json, "application/json; charset=UTF-8")),
    "bjson": (to_bare_json, "application/json; charset=UTF-8"),
}
_WITH_TPARAMS = frozenset({"sjson", "xjson", "devel"})
_WITH_METADATA = frozenset({"xjson", "devel"})
_WITHOUT_SESSION = frozenset({"auth", "logon"})
_SIGN_IN = b"<!doctype html><html><head><title>BILLmanager</title></head><body><h1>Log in</h1></body></html>"
_NOBODY = User(0, 0, "", "", "", "", 0, "", "en", active=True)

_CLIENTS, _STAFF, _SUPERS = (CLIENT, CLIENT), (EMPLOYEE, 99), (SUPER, 99)
FUNCTIONS: dict[str, Function] = {
    "auth": Function(general.auth, 0),
    "session.newkey": Function(general.new_key, *_SUPERS),
    "su": Function(general.switch_user, *_STAFF),
    "logon": Function(general.logon, 0),
    "keepalive": Function(lambda _call: None),
    "whoami": Function(general.whoami),
    "notify": Function(general.notify),
    "clientticket.edit": Function(tickets.client_edit, *_CLIENTS),
    "clientticket.archive": Function(tickets.client_archive, *_CLIENTS),
    "clientticket.filter": Function(tickets.client_filter, *_CLIENTS),
    "ticket.edit": Function(tickets.staff_edit, *_STAFF),
    "ticket.unblock": Function(tickets.unblock, *_STAFF),
    "ticket.file": Function(tickets.file),
    "ticket_all.edit": Function(tickets.all_edit, *_STAFF),
    "ticket_all.delete": Function(tickets.all_delete, *_STAFF),
    "ticket_open.delete": Function(tickets.open_delete, *_STAFF),
    "support_tool_responsible": Function(tickets.transfer, *_STAFF),
    **{
        name: Function(partial(list_rows, listing=listing), *(_CLIENTS if name.startswith("client") else _STAFF))
        for name, listing in LISTINGS.items()
    },
}


def answer(billing: Billing, request: ApiRequest) -> ApiAnswer:
    """One call, as one transaction: an error document means that nothing was changed."""
    if elsewhere := form_redirect(billing, request):
        return _redirect(elsewhere)
    params = request.params
    lang = language(params.get("lang", ""))
    call = Call(billing, params.get("func", "logon"), _NOBODY, params, request.files, Node("doc"), lang)
    outcome = "ok"
    try:
        with billing.database.transaction():
            _perform(call, request)
    except Refusal as refusal:
        if isinstance(refusal, NoSession) and billing.habits["dead_session"] != "error":
            return _sign_in_first(billing.habits["dead_session"])
        outcome = f"{refusal.kind}/{refusal.subject}"
        call.doc, call.file, call.cookies = Node("doc"), None, {}
        _show_refusal(call, refusal)
    return _render(call, request, outcome)


def _redirect(address: str) -> ApiAnswer:
    return ApiAnswer(b"", "text/html; charset=UTF-8", outcome="redirect", redirect=address)


def _sign_in_first(how: str) -> ApiAnswer:
    """Return what a server meant for browsers answers to nobody (SEEN IN CODE, one host)."""
    if how == "redirect":
        return _redirect("/")
    return ApiAnswer(_SIGN_IN, "text/html; charset=UTF-8", outcome="no session")


def _perform(call: Call, request: ApiRequest) -> None:
    function = FUNCTIONS.get(call.function)
    call.session = call.params.get("auth") or request.cookies.get(general.COOKIE, "")
    if call.function not in _WITHOUT_SESSION:
        call.user = _caller(call, request)
    call.lang = language(call.params.get("lang") or call.user.lang)
    if function is None or (call.function == "whoami" and call.billing.habits["whoami"] == "missing"):
        raise Refusal("missed", "func", f"The function '{call.function}' does not exist", call.function)
    if not function.allows(call.user):
        raise denied(call.function)
    function.handler(call)


def _caller(call: Call, request: ApiRequest) -> User:
    user = _authenticated(call, request)
    if user is None:
        raise no_session(call.function)
    wanted = request.params.get("su", "")
    return call.billing.sessions.impersonate(user, wanted) if wanted else user


def _authenticated(call: Call, request: ApiRequest) -> User | None:
    sessions, params = call.billing.sessions, request.params
    if params.get("authinfo"):
        login, _, password = params["authinfo"].partition(":")
        return sessions.check_password(login, password)
    return sessions.resume(call.session)


def _show_refusal(call: Call, refusal: Refusal) -> None:
    shown = call.doc.add("error", None, type=refusal.kind, object=refusal.subject, lang=call.lang)
    shown.add("detail", refusal.text)
    shown.add("msg", refusal.text)
    shown.add("param", refusal.subject, name="object", type="msg")
    shown.add("param", refusal.value, name="value")


def _render(call: Call, request: ApiRequest, outcome: str) -> ApiAnswer:
    login = call.user.login or request.params.get("username", "")
    if call.file is not None:
        file: RawFile = call.file
        return ApiAnswer(file.content, "application/octet-stream", login, outcome, file.name)
    wanted = request.params.get("out", "")
    out = wanted if wanted in _RENDERERS else "xml"
    _frame(call, request, out)
    render, media_type = _RENDERERS[out]
    body = call.billing.faults.unescape(render(call.doc))
    return ApiAnswer(body, media_type_of(media_type, call.billing.habits), login, outcome, cookies=call.cookies)


def _frame(call: Call, request: ApiRequest, out: str) -> None:
    call.doc.attributes = {
        "lang": call.lang,
        "func": call.function,
        "binary": "/billmgr",
        "host": request.host,
        "themename": "dragon",
        "features": "5be8e7d5b6f4b2c3",
        "notify": "0",
    }
    if out in _WITH_TPARAMS or any(True for _ in call.doc.find("ok")):
        shown = Node("tparams")
        for name, value in request.params.items():
            if name not in _TECHNICAL and name.isidentifier():
                shown.add(name, value)
        shown.add("out", out)
        shown.add("func", call.function)
        call.doc.children.insert(0, shown)
    if out in _WITH_METADATA:
        kind = "list" if call.function in LISTINGS else "form"
        metadata = Node("metadata", None, {"name": call.function, "type": kind, "key": "id", "mgr": "billmgr"})
        call.doc.children[:0] = [metadata, Node("messages", None, {"name": call.function})]
