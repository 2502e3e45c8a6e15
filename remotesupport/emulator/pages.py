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

from urllib.parse import quote

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from remotesupport.emulator import page_views
from remotesupport.emulator.billing import Billing
from remotesupport.emulator.desk import Attachment
from remotesupport.emulator.page_frame import Frame, text_of
from remotesupport.emulator.people import CLIENT, EMPLOYEE, User
from remotesupport.emulator.v4.setup_pages import setup_routes


def page_routes(billing: Billing) -> list[Route]:
    """All pages of this billing; those of the set-up are there in version 4 only."""
    frame = Frame(billing)
    return [*_Pages(billing, frame).routes(), *setup_routes(billing, frame)]


class _Pages:
    """The pages' handlers."""

    def __init__(self, billing: Billing, frame: Frame) -> None:
        self._billing, self._frame = billing, frame

    def routes(self) -> list[Route]:
        client, staff, page = CLIENT, EMPLOYEE, self._frame.guard
        return [
            Route("/", self._choose, methods=["GET"]),
            Route("/sign-in", self._sign_in, methods=["POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            Route("/client", page(client, self._client_list), methods=["GET"]),
            Route("/client/archive", page(client, self._client_list), methods=["GET"]),
            Route("/client/new", page(client, self._client_new), methods=["GET", "POST"]),
            Route("/client/ticket/{ticket:int}", page(client, self._client_thread), methods=["GET"]),
            Route("/client/ticket/{ticket:int}/{do}", page(client, self._client_acts), methods=["POST"]),
            Route("/staff", page(staff, self._staff_list), methods=["GET"]),
            Route("/staff/all", page(staff, self._staff_list), methods=["GET"]),
            Route("/staff/ticket/{ticket:int}", page(staff, self._staff_thread), methods=["GET"]),
            Route("/staff/ticket/{ticket:int}/{do}", page(staff, self._staff_acts), methods=["POST"]),
            Route("/file/{file:int}", page(0, self._file), methods=["GET"]),
        ]

    # --- signing in ------------------------------------------------------------------------------------------

    async def _choose(self, request: Request) -> Response:
        people, then = self._billing.people, request.query_params.get("then", "")
        clients, staff = people.everyone(CLIENT, CLIENT), people.everyone(EMPLOYEE)
        return self._frame.render("sign_in.html", clients=clients, staff=staff, then=then)

    async def _sign_in(self, request: Request) -> Response:
        form = await request.form()
        return self._frame.sign_in(text_of(form, "login"), text_of(form, "then"))

    async def _sign_out(self, request: Request) -> Response:
        return self._frame.sign_out(request)

    # --- clients ---------------------------------------------------------------------------------------------

    async def _client_list(self, request: Request, user: User) -> Response:
        archived = request.url.path.endswith("archive")
        rows = page_views.client_tickets(self._billing, user, archived=archived)
        return self._frame.render("client_list.html", user=user, rows=rows, archived=archived)

    async def _client_new(self, request: Request, user: User) -> Response:
        departments = [each for each in self._billing.people.departments() if each.active]
        if request.method == "GET":
            return self._frame.render("client_new.html", user=user, departments=departments)
        async with request.form() as form:
            files = await _attachments(form)
            department = self._billing.people.department(text_of(form, "department"))
            subject, text = text_of(form, "subject"), text_of(form, "text")
        with self._billing.database.transaction():
            ticket, _ = self._billing.desk.open(user, department, subject, text, files)
        return RedirectResponse(f"/client/ticket/{ticket}", 303)

    async def _client_thread(self, request: Request, user: User) -> Response:
        ticket = request.path_params["ticket"]
        view = page_views.thread(self._billing, user, ticket)
        self._billing.desk.client_reads(ticket)
        return self._frame.render("client_thread.html", user=user, view=view)

    async def _client_acts(self, request: Request, user: User) -> Response:
        ticket, desk = request.path_params["ticket"], self._billing.desk
        async with request.form() as form:
            files = await _attachments(form)
        with self._billing.database.transaction():
            if request.path_params["do"] == "archive":
                desk.archive(user, [ticket])
            else:
                desk.client_message(user, ticket, text_of(form, "text"), files)
        return RedirectResponse(f"/client/ticket/{ticket}", 303)

    # --- staff -----------------------------------------------------------------------------------------------

    async def _staff_list(self, request: Request, user: User) -> Response:
        everything = request.url.path.endswith("all")
        rows = page_views.staff_tickets(self._billing, user, everything=everything)
        return self._frame.render("staff_list.html", user=user, rows=rows, everything=everything)

    async def _staff_thread(self, request: Request, user: User) -> Response:
        ticket = request.path_params["ticket"]
        view = page_views.thread(self._billing, user, ticket)
        held = self._billing.desk.held(user, ticket)
        if held is not None:
            self._billing.desk.staff_reads(user, held)
        targets = [each for each in self._billing.people.everyone() if each.staff and each.active]
        return self._frame.render("staff_thread.html", user=user, view=view, held=held, targets=targets)

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
            desk.note(user, ticket, text_of(form, "text"), files)
        elif do == "transfer":
            desk.transfer(user, ticket, self._billing.people.get(int(text_of(form, "to") or 0)))
        elif do == "take":
            desk.take(user, ticket)
        else:
            held = desk.held(user, ticket) or desk.take(user, ticket)
            if do == "close":
                desk.close(user, held)
            else:
                desk.staff_message(user, held, text_of(form, "text"), files, keep=text_of(form, "then") == "keep")

    async def _file(self, request: Request, user: User) -> Response:
        name, content = self._billing.desk.file(user, request.path_params["file"])
        headers = {
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "x-content-type-options": "nosniff",
        }
        return Response(content, media_type="application/octet-stream", headers=headers)


async def _attachments(form: FormData) -> list[Attachment]:
    """Return what was chosen in the file field; a browser sends an empty part when nothing was."""
    uploads = [value for _, value in form.multi_items() if isinstance(value, UploadFile) and value.filename]
    return [Attachment(upload.filename or "file", await upload.read()) for upload in uploads]
