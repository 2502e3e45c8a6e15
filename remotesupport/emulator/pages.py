"""Pages on which a person writes a ticket as a client and answers it as staff. Same desk, same rules as the API.

Element ids, for browsers that are driven by tests:

- ``/``: a button ``as-<login>`` for everybody one can be. Every page: ``who``, ``sign-out``, and ``problem`` when
  something was refused.
- ``/client``, ``/client/archive``, ``/staff`` (queue), ``/staff/all``: table ``tickets``, links ``ticket-<id>``;
  ``new-ticket`` on ``/client``.
- ``/client/new``: ``department``, ``subject``, ``text``, ``file``, ``send``.
- ``/client/ticket/<id>``: ``subject-line``, ``status``, articles ``message-<id>`` of class client, staff, note or
  system; ``text``, ``file``, ``send``, ``archive``.
- ``/staff/ticket/<id>``: the same articles; ``text``, ``file``, ``answer-close``, ``answer-keep``; ``note-text``,
  ``add-note``; ``take``, ``close``, ``transfer-to``, ``transfer``.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from remotesupport.emulator import page_views
from remotesupport.emulator.billing import Billing
from remotesupport.emulator.desk import Attachment
from remotesupport.emulator.people import CLIENT, EMPLOYEE, User
from remotesupport.emulator.refusal import Refusal

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)


def page_routes(billing: Billing) -> list[Route]:
    """All pages of this billing."""
    return _Pages(billing).routes()


class _Pages:
    """Who is signed in (by a cookie of this billing's own name) and what each page does."""

    def __init__(self, billing: Billing) -> None:
        self._billing = billing
        self._cookie = f"emulator-{billing.name}"
        self._signed_in: dict[str, int] = {}

    def routes(self) -> list[Route]:
        client, staff = f"{CLIENT}", f"{EMPLOYEE}"
        return [
            Route("/", self._choose, methods=["GET"]),
            Route("/sign-in", self._sign_in, methods=["POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            Route("/client", self._page(client, self._client_list), methods=["GET"]),
            Route("/client/archive", self._page(client, self._client_list), methods=["GET"]),
            Route("/client/new", self._page(client, self._client_new), methods=["GET", "POST"]),
            Route("/client/ticket/{ticket:int}", self._page(client, self._client_thread), methods=["GET"]),
            Route("/client/ticket/{ticket:int}/{do}", self._page(client, self._client_acts), methods=["POST"]),
            Route("/staff", self._page(staff, self._staff_list), methods=["GET"]),
            Route("/staff/all", self._page(staff, self._staff_list), methods=["GET"]),
            Route("/staff/ticket/{ticket:int}", self._page(staff, self._staff_thread), methods=["GET"]),
            Route("/staff/ticket/{ticket:int}/{do}", self._page(staff, self._staff_acts), methods=["POST"]),
            Route("/file/{file:int}", self._page("", self._file), methods=["GET"]),
        ]

    # --- signing in ------------------------------------------------------------------------------------------

    async def _choose(self, _request: Request) -> Response:
        people = self._billing.people
        return self._render("sign_in.html", clients=people.everyone(CLIENT, CLIENT), staff=people.everyone(EMPLOYEE))

    async def _sign_in(self, request: Request) -> Response:
        user = self._billing.people.find(str((await request.form()).get("login", "")))
        if user is None or not user.active:
            return RedirectResponse("/", 303)
        token = secrets.token_hex(16)
        self._signed_in[token] = user.id
        answer = RedirectResponse("/staff" if user.staff else "/client", 303)
        answer.set_cookie(self._cookie, token, httponly=True, samesite="lax")
        return answer

    async def _sign_out(self, request: Request) -> Response:
        self._signed_in.pop(request.cookies.get(self._cookie, ""), None)
        return RedirectResponse("/", 303)

    def _page(
        self, level: str, page: Callable[[Request, User], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Only for somebody signed in at that level; a refusal becomes a page that says so."""

        async def guarded(request: Request) -> Response:
            signed_in = self._signed_in.get(request.cookies.get(self._cookie, ""))
            if signed_in is None:
                return RedirectResponse("/", 303)
            user = self._billing.people.get(signed_in)
            if level and user.staff != (level == f"{EMPLOYEE}"):
                return RedirectResponse("/staff" if user.staff else "/client", 303)
            try:
                return await page(request, user)
            except Refusal as refusal:
                return self._render("problem.html", 409, user=user, problem=refusal.text)

        return guarded

    # --- clients ---------------------------------------------------------------------------------------------

    async def _client_list(self, request: Request, user: User) -> Response:
        archived = request.url.path.endswith("archive")
        rows = page_views.client_tickets(self._billing, user, archived=archived)
        return self._render("client_list.html", user=user, rows=rows, archived=archived)

    async def _client_new(self, request: Request, user: User) -> Response:
        departments = [each for each in self._billing.people.departments() if each.active]
        if request.method == "GET":
            return self._render("client_new.html", user=user, departments=departments)
        async with request.form() as form:
            files = await _attachments(form)
            department = self._billing.people.department(_text(form, "department"))
        with self._billing.database.transaction():
            ticket, _ = self._billing.desk.open(user, department, _text(form, "subject"), _text(form, "text"), files)
        return RedirectResponse(f"/client/ticket/{ticket}", 303)

    async def _client_thread(self, request: Request, user: User) -> Response:
        ticket = request.path_params["ticket"]
        view = page_views.thread(self._billing, user, ticket)
        self._billing.desk.client_reads(ticket)
        return self._render("client_thread.html", user=user, view=view)

    async def _client_acts(self, request: Request, user: User) -> Response:
        ticket, desk = request.path_params["ticket"], self._billing.desk
        async with request.form() as form:
            files = await _attachments(form)
        with self._billing.database.transaction():
            if request.path_params["do"] == "archive":
                desk.archive(user, [ticket])
            else:
                desk.client_message(user, ticket, _text(form, "text"), files)
        return RedirectResponse(f"/client/ticket/{ticket}", 303)

    # --- staff -----------------------------------------------------------------------------------------------

    async def _staff_list(self, request: Request, user: User) -> Response:
        everything = request.url.path.endswith("all")
        rows = page_views.staff_tickets(self._billing, user, everything=everything)
        return self._render("staff_list.html", user=user, rows=rows, everything=everything)

    async def _staff_thread(self, request: Request, user: User) -> Response:
        ticket = request.path_params["ticket"]
        view = page_views.thread(self._billing, user, ticket)
        held = self._billing.desk.held(user, ticket)
        if held is not None:
            self._billing.desk.staff_reads(user, held)
        targets = [each for each in self._billing.people.everyone() if each.staff and each.active]
        return self._render("staff_thread.html", user=user, view=view, held=held, targets=targets)

    async def _staff_acts(self, request: Request, user: User) -> Response:
        ticket = request.path_params["ticket"]
        async with request.form() as form:
            files = await _attachments(form)
        with self._billing.database.transaction():
            self._staff_act(user, ticket, request.path_params["do"], form, files)
        moved_away = request.path_params["do"] == "transfer"
        return RedirectResponse("/staff" if moved_away else f"/staff/ticket/{ticket}", 303)

    def _staff_act(self, user: User, ticket: int, do: str, form: FormData, files: list[Attachment]) -> None:
        desk = self._billing.desk
        if do == "note":
            desk.note(user, ticket, _text(form, "text"), files)
        elif do == "transfer":
            desk.transfer(user, ticket, self._billing.people.get(int(_text(form, "to") or 0)))
        elif do == "take":
            desk.take(user, ticket)
        else:
            held = desk.held(user, ticket) or desk.take(user, ticket)
            if do == "close":
                desk.close(user, held)
            else:
                desk.staff_message(user, held, _text(form, "text"), files, keep=_text(form, "then") == "keep")

    async def _file(self, request: Request, user: User) -> Response:
        name, content = self._billing.desk.file(user, request.path_params["file"])
        headers = {
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "x-content-type-options": "nosniff",
        }
        return Response(content, media_type="application/octet-stream", headers=headers)

    def _render(self, template: str, status: int = 200, **values: Any) -> Response:
        values = {"billing": self._billing, "user": None, "problem": "", **values}
        page = _TEMPLATES.get_template(template).render(values)
        return HTMLResponse(
            page, status, headers={"content-security-policy": _POLICY, "referrer-policy": "same-origin"}
        )


async def _attachments(form: FormData) -> list[Attachment]:
    """What was chosen in the file field; a browser sends an empty part when nothing was."""
    uploads = [value for _, value in form.multi_items() if isinstance(value, UploadFile) and value.filename]
    return [Attachment(upload.filename or "file", await upload.read()) for upload in uploads]


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
