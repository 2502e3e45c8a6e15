"""The frame of the set-up pages: in which releases they are, whom an address means, how they are drawn."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from remotesupport.emulator.billing import Billing
from remotesupport.emulator.page_frame import SETUP, Frame, Page
from remotesupport.emulator.people import CLIENT, DEPARTMENT, SUPER, User
from remotesupport.emulator.refusal import missed
from remotesupport.emulator.v4 import rights

GET, POST, BOTH = ["GET"], ["POST"], ["GET", "POST"]


class SetupFrame:
    """Every page is for a superuser, who is its second parameter."""

    def __init__(self, billing: Billing, frame: Frame) -> None:
        self.billing, self._frame = billing, frame

    def route(self, path: str, page: Page, methods: list[str]) -> Route:
        """Return a route to the page; where this release has no remote support, to one that says so."""

        async def asked(request: Request, admin: User) -> Response:
            if self.since(rights.HAS_SYNC):
                return await page(request, admin)
            return self.absent(request, admin, "remote support came with 4.0.63")

        return Route(SETUP + path, self._frame.guard(SUPER, asked), methods=methods)

    def since(self, first: tuple[int, ...]) -> bool:
        """Tell whether this is that release or a later one."""
        return rights.release(self.billing.version) >= first

    def absent(self, request: Request, admin: User, why: str) -> Response:
        """No such option here: an answer to who looks, a refusal to who wants to change it."""
        text = f"BILLmanager {self.billing.version} has no such option: {why}."
        return self.show("absent", request, admin, 200 if request.method == "GET" else 409, problem=text)

    def show(self, page: str, request: Request, admin: User, status: int = 200, **values: Any) -> Response:
        """One page of the folder ``setup``."""
        values = {"user": admin, "here": request.url.path, "saved": "saved" in request.query_params} | values
        return self._frame.render(f"setup/{page}.html", status, **values)

    def saved(self, path: str) -> Response:
        """Go on to that page, which says that it is done."""
        return RedirectResponse(f"{SETUP}{path}?saved=yes", 303)

    def customer(self, request: Request) -> User:
        """The customer's user whom the address means. Raises Refusal missed, also for staff."""
        return self.one(request, "user", CLIENT, CLIENT)

    def one(self, request: Request, name: str, low: int = DEPARTMENT, high: int = DEPARTMENT) -> User:
        """The user (by default: department) whom the address means. Raises Refusal missed, also for other levels."""
        wanted = request.path_params[name]
        for each in self.billing.people.everyone(low, high):
            if each.id == wanted:
                return each
        raise missed(name, wanted)
