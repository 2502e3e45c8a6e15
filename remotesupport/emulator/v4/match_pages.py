"""The list "Remote support departments" of a customer's user: add, edit, enable, disable, delete (DOCUMENTED)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remotesupport.emulator.page_frame import text_of
from remotesupport.emulator.people import User
from remotesupport.emulator.refusal import Refusal, missed, wrong
from remotesupport.emulator.v4 import setup
from remotesupport.emulator.v4.setup_frame import BOTH, GET, POST, SetupFrame


class MatchPages:
    """Remote name, own department, on or off; a row belongs to one user."""

    def __init__(self, around: SetupFrame) -> None:
        self._around, self._billing = around, around.billing

    def routes(self) -> list[Route]:
        """The list, the form of a row (new or not), what can be done with a row."""
        route = self._around.route
        return [
            route("users/{user:int}/list", self._list, GET),
            route("users/{user:int}/list/new", self._form, BOTH),
            route("users/{user:int}/list/{match:int}", self._form, BOTH),
            route("users/{user:int}/list/{match:int}/{do}", self._act, POST),
        ]

    async def _list(self, request: Request, admin: User) -> Response:
        user, names = self._around.customer(request), self._names()
        rows = [(row, names[row.department]) for row in setup.matches(self._billing, user.id)]
        on = setup.external_support(self._billing, user.id) is not None
        return self._around.show("list", request, admin, owner=user, rows=rows, on=on)

    async def _form(self, request: Request, admin: User) -> Response:
        user = self._around.customer(request)
        row = self._row(request, user) if "match" in request.path_params else None
        values: dict[str, Any] = {"owner": user, "row": row, "departments": self._names()}
        if request.method == "GET":
            remote, own = (row.remote, str(row.department)) if row else ("", "")
            return self._around.show("row", request, admin, remote=remote, own=own, **values)
        form = await request.form()
        remote, own = text_of(form, "remote"), text_of(form, "own")
        try:
            with self._billing.database.transaction():
                self._keep(user, row, remote.strip(), own)
        except Refusal as refusal:
            values |= {"remote": remote, "own": own, "problem": refusal.text}
            return self._around.show("row", request, admin, 409, **values)
        return self._around.saved(f"users/{user.id}/list")

    def _keep(self, user: User, row: setup.Match | None, remote: str, own: str) -> None:
        if not own:
            raise wrong("department", "Choose one of your own departments")
        department = self._billing.people.department(own).id
        if row is None:
            setup.add_match(self._billing, user.id, remote, department)
        else:
            setup.change_match(self._billing, row.id, remote=remote, department=department)

    async def _act(self, request: Request, _admin: User) -> Response:
        user, do = self._around.customer(request), request.path_params["do"]
        row = self._row(request, user)
        if do == "delete":
            setup.delete_match(self._billing, row.id)
        elif do in {"enable", "disable"}:
            setup.change_match(self._billing, row.id, active=do == "enable")
        else:
            raise missed("function", do)
        return self._around.saved(f"users/{user.id}/list")

    def _row(self, request: Request, user: User) -> setup.Match:
        wanted = request.path_params["match"]
        for row in setup.matches(self._billing, user.id):
            if row.id == wanted:
                return row
        raise missed("remote department", wanted)

    def _names(self) -> dict[int, str]:
        return {each.id: each.realname for each in self._billing.people.departments()}
