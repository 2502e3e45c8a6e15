"""Refuses messages as a server may: the habit ``message_refusal``. Asked for calls of the API only.

The error documents are not public: names of objects are those of the settings (INFERRED), all else is OURS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from remotesupport.emulator.people import User
from remotesupport.emulator.refusal import Refusal, wrong

if TYPE_CHECKING:
    from remotesupport.emulator.billing import Billing

LONGEST, LARGEST = 2000, 65_535
RATE_S = 60


def refuse_message(billing: Billing, who: User, text: str, ticket: int | None) -> None:
    """``ticket`` None: a new one. Raises Refusal."""
    habit = billing.habits["message_refusal"]
    if habit == "too_long" and len(text) > LONGEST:
        raise wrong("message", f"The message is longer than {LONGEST} characters", str(len(text)))
    if habit == "too_large" and len(text.encode()) > LARGEST:
        raise wrong("message", f"The message is larger than {LARGEST} bytes", str(len(text.encode())))
    if habit == "blocked" and not who.staff:
        raise Refusal("blocked", "infoboard", "An announcement blocks requests to support for now")
    if habit == "paid" and not who.staff and ticket is None:
        raise Refusal("limit", "support_require", "No paid support tickets are left")
    if habit.startswith("rate") and (left := _seconds_left(billing, who, ticket if habit == "rate" else None)) > 0:
        raise Refusal("limit", "ticket_message_ratelimit", f"Too many messages, try again in {left} s", str(left))


def _seconds_left(billing: Billing, who: User, ticket: int | None) -> int:
    if ticket is None and billing.habits["message_refusal"] == "rate":
        return 0
    sql = "SELECT max(at) FROM message WHERE user = ? AND kind IN ('client', 'staff') AND (ticket = ? OR ?)"
    last = billing.database.value(sql, who.id, ticket, ticket is None)
    return 0 if last is None else int(last) + RATE_S - billing.clock.now()
