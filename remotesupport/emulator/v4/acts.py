"""Set-up that only version 4 has, as orders of the side door: what the document tells people to switch on.

People do the same on the pages of ``v4.setup_pages``.

``rights`` (login or department, functions: the sync functions it may call, none takes all away), ``external_support``
(login; url, other_login, other_password; without url: off), ``remote_client`` (the same without login: the global
setting), ``department_flag`` (department, remote), ``remote_department`` (login, remote, department, and active; with
``delete`` true it is taken away).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remotesupport.emulator.v4 import rights, setup

if TYPE_CHECKING:
    from remotesupport.emulator.billing import Billing

Order = dict[str, Any]
Done = dict[str, int | None]


def _rights(billing: Billing, order: Order) -> Done:
    people = billing.people
    owner = people.department(order["department"]) if "department" in order else people.named(order["login"])
    rights.set_rights(billing, owner, order.get("functions", rights.SYNC_FUNCTIONS))
    return {"user": owner.id}


def _elsewhere(order: Order) -> setup.Elsewhere | None:
    if not order.get("url"):
        return None
    return setup.Elsewhere(order["url"], order.get("other_login", ""), order.get("other_password", ""))


def _external_support(billing: Billing, order: Order) -> Done:
    user = billing.people.named(order["login"])
    setup.set_external_support(billing, user.id, _elsewhere(order))
    return {"user": user.id}


def _remote_client(billing: Billing, order: Order) -> Done:
    setup.set_remote_client(billing, _elsewhere(order))
    return {}


def _department_flag(billing: Billing, order: Order) -> Done:
    department = billing.people.department(order["department"])
    setup.set_remote(billing, department.id, on=bool(order.get("remote", True)))
    return {"department": department.id}


def _remote_department(billing: Billing, order: Order) -> Done:
    user = billing.people.named(order["login"])
    known = {match.remote: match for match in setup.matches(billing, user.id)}
    match = known.get(order["remote"])
    if order.get("delete"):
        if match is not None:
            setup.delete_match(billing, match.id)
        return {"match": match.id if match else None}
    if match is None:
        key = setup.add_match(billing, user.id, order["remote"], billing.people.department(order["department"]).id)
    else:
        key = match.id
    changed: Order = {"active": bool(order["active"])} if "active" in order else {}
    if "department" in order:
        changed["department"] = billing.people.department(order["department"]).id
    setup.change_match(billing, key, **changed)
    return {"match": key}


SET_UPS = {
    "rights": _rights,
    "external_support": _external_support,
    "remote_client": _remote_client,
    "department_flag": _department_flag,
    "remote_department": _remote_department,
}
