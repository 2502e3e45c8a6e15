"""Functions that are not about one ticket: log-in and out, who am I, the counter."""

from __future__ import annotations

from remotesupport.emulator.database import marks
from remotesupport.emulator.desk import ARCHIVED
from remotesupport.emulator.v6.call import Call

COOKIE = "billmgrses5"


def auth(call: Call) -> None:
    """``auth``: a password or a key for a session; as element, as text and as cookie (SEEN IN CODE)."""
    sessions, login = call.billing.sessions, call.text("username")
    if call.text("key") and not call.text("password"):
        user = sessions.check_key(login, call.text("key"))
    else:
        user = sessions.check_password(login, call.text("password"))
    session = sessions.begin(user)
    call.doc.add("auth", session, id=session, level=str(user.level))
    call.cookies[COOKIE] = session


def new_key(call: Call) -> None:
    """``session.newkey``: a key that lets this user in once."""
    call.billing.sessions.new_key(call.text("username"), call.text("key"))
    call.done()


def switch_user(call: Call) -> None:
    """``func=su&elid=USER``: a session of that user (SEEN IN CODE)."""
    user = call.billing.sessions.impersonate(call.user, call.text("elid"))
    session = call.billing.sessions.begin(user)
    call.doc.add("auth", session, id=session, level=str(user.level))


def logon(call: Call) -> None:
    """``logon``: log out."""
    call.billing.sessions.end(call.session)
    call.done()


def whoami(call: Call) -> None:
    """``whoami``, as a trace log shows it (SEEN IN CODE)."""
    user, version = call.user, call.billing.version
    call.doc.add(
        "user", None, name=user.login, level=str(user.level), id=str(user.id),
        account=str(user.account or ""), timezone=user.timezone, lang=user.lang,
    )  # fmt: skip
    call.doc.add("path", None, level=str(user.level))
    call.doc.add("mgr", "billmgr", version=version, dist="3")
    shown = call.doc.add("version", None, mgr="billmgr")
    shown.add("billmgr", version, type="release")
    shown.add("core", call.billing.core_version, type="release")


def notify(call: Call) -> None:
    """``notify``: the caller's counter (SEEN IN CODE for clients; the staff one INFERRED)."""
    db, action = call.billing.database, "ticket" if call.user.staff else "clientticket"
    if call.user.staff:
        hands = call.billing.desk.hands(call.user)
        count = db.value(f"SELECT count(*) FROM assignment WHERE user IN ({marks(hands)})", *hands)  # noqa: S608
    else:
        sql = "SELECT count(*) FROM ticket WHERE account = ? AND client_read = 0 AND status <> ?"
        count = db.value(sql, call.user.account, ARCHIVED)
    shown = call.doc.add("notify")
    shown.add("item", None, name="ticket", action=action).add("msg", str(count))
    call.doc.add("timeout", "60")
