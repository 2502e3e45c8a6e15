"""The department's form with its check box, and the "Functions" of administrators and departments (DOCUMENTED)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remotesupport.emulator.page_frame import text_of
from remotesupport.emulator.people import DEPARTMENT, EMPLOYEE, SUPER, User
from remotesupport.emulator.refusal import Refusal, wrong
from remotesupport.emulator.v4 import rights, setup
from remotesupport.emulator.v4.setup_frame import BOTH, GET, SetupFrame


class RightsPages:
    """Rights are offered from 4.0.68 on, and for those only who have not full access anyway."""

    def __init__(self, around: SetupFrame) -> None:
        self._around, self._billing = around, around.billing

    def routes(self) -> list[Route]:
        """Two lists and their forms."""
        route = self._around.route
        return [
            route("departments", self._departments, GET),
            route("departments/{department:int}", self._department, BOTH),
            route("administrators", self._administrators, GET),
            route("functions/{owner:int}", self._functions, BOTH),
        ]

    async def _departments(self, request: Request, admin: User) -> Response:
        rows = [
            (each, setup.is_remote(self._billing, each.id), self._rights(each))
            for each in self._billing.people.departments()
        ]
        return self._around.show("departments", request, admin, rows=rows, limits=self._limits())

    async def _department(self, request: Request, admin: User) -> Response:
        department = self._around.one(request, "department")
        if request.method == "GET":
            on = setup.is_remote(self._billing, department.id)
            return self._around.show("department", request, admin, owner=department, on=on)
        setup.set_remote(self._billing, department.id, on=bool(text_of(await request.form(), "on")))
        return self._around.saved("departments")

    async def _administrators(self, request: Request, admin: User) -> Response:
        rows = [(each, each.level >= SUPER, self._rights(each)) for each in self._billing.people.everyone(EMPLOYEE)]
        return self._around.show("administrators", request, admin, rows=rows, limits=self._limits())

    async def _functions(self, request: Request, admin: User) -> Response:
        if not self._limits():
            return self._around.absent(request, admin, "it came with 4.0.68, before it only superusers are enough")
        owner = self._around.one(request, "owner", DEPARTMENT, SUPER)
        if owner.level >= SUPER:
            raise wrong("functions", f"{owner.realname} has full access, which cannot be limited")
        back = "departments" if owner.level == DEPARTMENT else "administrators"
        values: dict[str, Any] = {
            "owner": owner,
            "functions": rights.SYNC_FUNCTIONS,
            "back": back,
            "here": f"/setup/{back}",
        }
        if request.method == "GET":
            chosen = self._rights(owner)
            return self._around.show("functions", request, admin, on=bool(chosen), chosen=chosen, **values)
        form = await request.form()
        on, chosen = bool(text_of(form, "on")), [str(each) for each in form.getlist("function")]
        try:
            self._keep(owner, on, chosen)
        except Refusal as refusal:
            values |= {"on": on, "chosen": chosen, "problem": refusal.text}
            return self._around.show("functions", request, admin, 409, **values)
        return self._around.saved(back)

    def _keep(self, owner: User, on: bool, chosen: list[str]) -> None:
        if on and not chosen:
            raise wrong("functions", "Choose a function, or switch the internal functions off")
        with self._billing.database.transaction():
            rights.set_rights(self._billing, owner, chosen if on else [])

    def _rights(self, owner: User) -> list[str]:
        return rights.own_rights(self._billing, owner.id)

    def _limits(self) -> bool:
        return self._around.since(rights.LIMITED_ADMINISTRATORS)
