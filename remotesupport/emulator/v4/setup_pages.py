"""Pages on which an administrator switches on what the document tells. Same operations as the orders of ``v4.acts``.

Which forms there are is DOCUMENTED; addresses and names of fields are OURS. Element ids, besides those of every page:

- every page: ``saved`` after a change, ``save`` on forms. ``set-up`` leads here from an administrator's other pages.
- ``/setup/users``: links ``user-<login>`` and ``list-<login>``.
- ``/setup/users/<id>``: ``external-support``, then ``url``, ``login``, ``password``.
- ``/setup/users/<id>/list`` ("Remote support departments"): ``add``; rows ``match-<id>`` with ``edit-<id>``,
  ``enable-<id>`` or ``disable-<id>``, ``delete-<id>``. ``…/list/new`` and ``…/list/<id>``: ``remote``, ``own``.
- ``/setup/settings``: ``remote-client``, then ``url``, ``login``, ``password``.
- ``/setup/departments``: links ``department-<id>``, ``functions-<id>``. ``/setup/departments/<id>``: the check box
  ``remote-department``.
- ``/setup/administrators``: links ``functions-<login>``. ``/setup/functions/<id>`` (of an administrator or a
  department): ``internal``, then ``sync``, ``syncadmticket``, ``syncdepartments``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from remotesupport.emulator.billing import Billing
from remotesupport.emulator.page_frame import SETUP, Frame
from remotesupport.emulator.people import CLIENT, User
from remotesupport.emulator.refusal import Refusal
from remotesupport.emulator.v4 import setup
from remotesupport.emulator.v4.match_pages import MatchPages
from remotesupport.emulator.v4.rights_pages import RightsPages
from remotesupport.emulator.v4.setup_frame import BOTH, GET, SetupFrame
from remotesupport.emulator.v4.typed import Drafts, stored


def setup_routes(billing: Billing, frame: Frame) -> list[Route]:
    """All of them in a version 4, none in another version."""
    if not billing.version.startswith("4"):
        return []
    around = SetupFrame(billing, frame)
    return [*_OtherEnd(around).routes(), *MatchPages(around).routes(), *RightsPages(around).routes()]


class _OtherEnd:
    """ "External support" of a user and "Client of remote technical support": two forms with the same fields."""

    def __init__(self, around: SetupFrame) -> None:
        self._around, self._billing, self._drafts = around, around.billing, Drafts()

    def routes(self) -> list[Route]:
        route = self._around.route
        return [
            route("", self._first, GET),
            route("users", self._users, GET),
            route("users/{user:int}", self._user, BOTH),
            route("settings", self._settings, BOTH),
        ]

    async def _first(self, _request: Request, _admin: User) -> Response:
        return RedirectResponse(f"{SETUP}users", 303)

    async def _users(self, request: Request, admin: User) -> Response:
        rows = [
            (user, setup.external_support(self._billing, user.id), len(setup.matches(self._billing, user.id)))
            for user in self._billing.people.everyone(CLIENT, CLIENT)
        ]
        return self._around.show("users", request, admin, rows=rows)

    async def _user(self, request: Request, admin: User) -> Response:
        user = self._around.customer(request)
        now = setup.external_support(self._billing, user.id)

        def keep(value: setup.Elsewhere | None) -> None:
            setup.set_external_support(self._billing, user.id, value)

        return await self._form("user", request, admin, now, keep, back="users", owner=user)

    async def _settings(self, request: Request, admin: User) -> Response:
        now = setup.remote_client(self._billing)

        def keep(value: setup.Elsewhere | None) -> None:
            setup.set_remote_client(self._billing, value)

        return await self._form("settings", request, admin, now, keep, back="settings")

    async def _form(
        self,
        page: str,
        request: Request,
        admin: User,
        now: setup.Elsewhere | None,
        keep: Callable[[setup.Elsewhere | None], None],
        *,
        back: str,
        **values: Any,
    ) -> Response:
        if request.method == "GET":
            return self._around.show(page, request, admin, form=stored(now), **values)
        form = await request.form()
        try:
            with self._billing.database.transaction():
                keep(self._drafts.read(form, now))
        except Refusal as refusal:
            shown = self._drafts.refused(form, now)
            return self._around.show(page, request, admin, 409, problem=refusal.text, form=shown, **values)
        self._drafts.done(form)
        return self._around.saved(back)
