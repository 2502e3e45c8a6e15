"""The frame of all pages of a billing: who is signed in, who may open a page, how it is drawn, what a form held."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from remotesupport.emulator.billing import Billing
from remotesupport.emulator.people import EMPLOYEE, SUPER, User
from remotesupport.emulator.refusal import Refusal

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)
SETUP = "/setup/"  # what is under it is for superusers; who signs in on the way there arrives there

Page = Callable[[Request, User], Awaitable[Response]]


class Frame:
    """Sessions of the pages are cookies of this billing's own name, in memory only."""

    def __init__(self, billing: Billing) -> None:
        self._billing = billing
        self._cookie = f"emulator-{billing.name}"
        self._signed_in: dict[str, int] = {}

    def sign_in(self, login: str, then: str = "") -> Response:
        """Be that user, and go to ``then`` if it is a page of the set-up; an unknown one chooses again."""
        user = self._billing.people.find(login)
        if user is None or not user.active:
            return RedirectResponse("/", 303)
        token = secrets.token_hex(16)
        self._signed_in[token] = user.id
        answer = RedirectResponse(then if user.level >= SUPER and then.startswith(SETUP) else _home(user), 303)
        answer.set_cookie(self._cookie, token, httponly=True, samesite="lax")
        return answer

    def sign_out(self, request: Request) -> Response:
        """Nobody from now on."""
        self._signed_in.pop(request.cookies.get(self._cookie, ""), None)
        return RedirectResponse("/", 303)

    def guard(self, level: int, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """Only for somebody signed in at that level (0: any); a refusal becomes a page that says so."""

        async def guarded(request: Request) -> Response:
            user = self._user(request)
            if user is None:
                back = level == SUPER and request.method == "GET"
                return RedirectResponse(f"/?then={request.url.path}" if back else "/", 303)
            if level == SUPER > user.level:
                return self.render("problem.html", 403, user=user, problem="Only for administrators with full access")
            if level and user.staff != (level >= EMPLOYEE):
                return RedirectResponse(_home(user), 303)
            try:
                return await page(request, user)
            except Refusal as refusal:
                return self.render("problem.html", 409, user=user, problem=refusal.text)

        return guarded

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return the page; scripts and foreign addresses are forbidden to it."""
        values = {"billing": self._billing, "user": None, "problem": "", **values}
        page = _TEMPLATES.get_template(template).render(values)
        return HTMLResponse(
            page, status, headers={"content-security-policy": _POLICY, "referrer-policy": "same-origin"}
        )

    def _user(self, request: Request) -> User | None:
        known = self._signed_in.get(request.cookies.get(self._cookie, ""))
        user = None if known is None else self._billing.people.get(known)
        return user if user is not None and user.active else None


def _home(user: User) -> str:
    return "/staff" if user.staff else "/client"


def text_of(form: FormData, name: str) -> str:
    """Return what was typed into that field; "" when it is absent or a file."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
