"""A conversation as version 4 shows it: one piece of HTML, without message ids (SEEN IN CODE).

Blocks ``.support-msg`` (client) and ``.support-msg-admin`` (staff) with ``.support-from`` and ``.support-body``; single
quotes in attributes. Notes are not documented; staff see them here as ``.support-msg-note`` (OURS).
"""

from __future__ import annotations

from html import escape

from remotesupport.emulator.v4.call import Call

_BLOCKS = {"client": "support-msg", "staff": "support-msg-admin", "note": "support-msg-note"}


def hist(call: Call, ticket: int) -> str:
    """The thread of a ticket as its viewer sees it, oldest message first."""
    hidden = "" if call.user.staff else "AND m.kind <> 'note'"
    rows = call.billing.database.all(
        f"SELECT m.*, u.realname FROM message m JOIN user u ON u.id = m.user WHERE m.ticket = ? {hidden} ORDER BY m.id",  # noqa: S608
        ticket,
    )
    return "".join(_block(call, row["kind"], row["realname"], row["at"], row["body"]) for row in rows)


def _block(call: Call, kind: str, name: str, at: int, body: str) -> str:
    avatar = "<img class='support-avatar' src='/manimg/avatar.png'>" if kind == "staff" else ""
    said = escape(body, quote=False).replace("\r\n", "\n").replace("\n", "<br/>")
    return (
        f"<div class='{_BLOCKS.get(kind, 'support-msg-system')}'>{avatar}"
        f"<div class='support-from'>From: {escape(name, quote=False)} - {call.date(at)}</div>"
        f"<div class='support-body'>{said}</div></div>"
    )
