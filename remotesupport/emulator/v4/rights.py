"""Rights in version 4: levels, the "Functions" rights of administrators and departments, releases.

Accounts with full access cannot be limited (DOCUMENTED). An administrator has every ordinary function of staff; the
three sync functions need a right of their own (the document), given to the administrator or to a department of his.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from remotesupport.emulator.database import marks
from remotesupport.emulator.people import EMPLOYEE, SUPER, User
from remotesupport.emulator.refusal import wrong
from remotesupport.emulator.v4.setup import external_support

if TYPE_CHECKING:
    from remotesupport.emulator.billing import Billing

SYNC_FUNCTIONS = ("clienttickets.sync", "clienttickets.syncadmticket", "clienttickets.syncdepartments")
HAS_SYNC = (4, 0, 63)
LIMITED_ADMINISTRATORS = (4, 0, 68)


def release(version: str) -> tuple[int, ...]:
    """``4.0.63`` → (4, 0, 63)."""
    return tuple(int(part) for part in version.split("."))


def set_rights(billing: Billing, owner: User, functions: Collection[str]) -> None:
    """Exactly these functions from now on, for an administrator or a department. Raises Refusal value."""
    if unknown := set(functions) - set(SYNC_FUNCTIONS):
        raise wrong("functions", f"There is no function {', '.join(sorted(unknown))}")
    billing.database.run("DELETE FROM permission WHERE user = ?", owner.id)
    billing.database.many("INSERT INTO permission VALUES (?,?)", [(owner.id, each) for each in set(functions)])


def own_rights(billing: Billing, owner: int) -> list[str]:
    """Return what this administrator or department was given itself."""
    sql = "SELECT function FROM permission WHERE user = ? ORDER BY function"
    return [row["function"] for row in billing.database.all(sql, owner)]


def granted(billing: Billing, user: User) -> list[str]:
    """The sync functions that this caller has a right on, its own or a department's."""
    if user.level >= SUPER:
        return list(SYNC_FUNCTIONS)
    owners = [user.id, *billing.people.departments_of(user)]
    sql = f"SELECT DISTINCT function FROM permission WHERE user IN ({marks(owners)}) ORDER BY function"  # noqa: S608
    return [row["function"] for row in billing.database.all(sql, *owners)]


def may_sync(billing: Billing, user: User, function: str) -> bool:
    """The document: superusers from 4.0.63, limited administrators with the right from 4.0.68.

    On the other end the customer's user calls them, who needs "External support" (INFERRED).
    """
    if user.level >= SUPER:
        return True
    if user.level >= EMPLOYEE:
        return release(billing.version) >= LIMITED_ADMINISTRATORS and function in granted(billing, user)
    return external_support(billing, user.id) is not None
