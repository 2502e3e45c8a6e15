"""A conversation as version 4 shows it: one piece of HTML, without message ids (SEEN IN CODE).

Blocks ``.support-msg`` (client) and ``.support-msg-admin`` (staff) with ``.support-from`` and ``.support-body``; single
quotes in attributes. Notes are not documented; staff see them here as ``.support-msg-note`` (OURS).
"""

from __future__ import annotations

import sqlite3
from html import escape

from remotesupport.emulator.persons import shown_name
from remotesupport.emulator.v4.call import Call

_AVATAR = "<img class='support-avatar' src='/manimg/avatar.png'>"
_BLOCKS = {"client": "support-msg", "staff": "support-msg-admin", "note": "support-msg-note"}


def hist(call: Call, ticket: int) -> str:
    """The thread of a ticket as its viewer sees it, oldest message first."""
    hidden = "" if call.user.staff else "AND m.kind <> 'note'"
    rows = call.billing.database.all(
        "SELECT m.*, u.realname, u.level FROM message m JOIN user u ON u.id = m.user"  # noqa: S608
        f" WHERE m.ticket = ? {hidden} ORDER BY m.id",
        ticket,
    )
    return "".join(_block(call, row["kind"], _name(call, row), row["at"], row["body"]) for row in rows)


def _name(call: Call, row: sqlite3.Row) -> str:
    return shown_name(call.billing.habits, row["level"], row["realname"])


def _decoration(habit: str, kind: str) -> tuple[str, str]:
    """Return what stands before and behind a message: the habit ``v4_decoration``."""
    if habit == "none" or (habit == "img" and kind != "staff"):
        return "", ""
    before = _AVATAR
    if habit != "img":
        for tag in ("span", "div") if habit == "nested" else (habit,):
            before = f"<{tag} class='support-avatar'>{before}</{tag}>"
    return (
        before,
        "<div class='support-foot'><span><img src='/manimg/dot.png'></span></div>" if habit == "nested" else "",
    )


def _block(call: Call, kind: str, name: str, at: int, body: str) -> str:
    avatar, foot = _decoration(call.billing.habits["v4_decoration"], kind)
    said = escape(body, quote=False).replace("\r\n", "\n").replace("\n", "<br/>")
    return (
        f"<div class='{_BLOCKS.get(kind, 'support-msg-system')}'>{avatar}"
        f"<div class='support-from'>From: {escape(name, quote=False)} - {call.date(at)}</div>"
        f"<div class='support-body'>{said}</div>{foot}</div>"
    )
