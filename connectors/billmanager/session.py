"""One login on one billing: the session, its renewal, and calls that return documents.

The password travels in a POST body once per session; ten calls that need a session cause one login; more than two
logins a minute never happen, so that nobody is locked out. Must stay out: what functions and columns mean.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from connectors.billmanager import habits, v6_errors
from connectors.billmanager.request import Answer, Call, Progress
from connectors.billmanager.transport import Transport
from connectors.billmanager.wire import Format, Node, Unreadable, parse
from connectors.contract import Sink
from connectors.errors import AccessDenied, ConnectorError, Missing, ProtocolError, Retriable, TicketDenied
from remotesupport.core.model import Upload

LOGIN = Call("auth")
WHOAMI = Call("whoami")
_MINUTE = 60.0
_LONGEST_ID = 1000  # of a session, which is sent with every call and looked for in every error
_MAYBE_DEAD = ("redirect", "html")
_ACCESS, _NO_LOGIN_LEFT = "access", "logins"
_Got = TypeVar("_Got")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login; its password is in no repr."""

    login: str
    password: str = field(repr=False)


class Session:
    """Calls with a session id, which is got when first needed and renewed when it died.

    ``common``: sent with every call; texts that stand for machine values come in the words that the document has.
    ``ajax``: this server wants ``sfrom=ajax``. ``form_posts``: how often forms were answered with and without it.
    ``questions``: lists that this login may read, asked where there is no ``whoami`` to tell a dead session.
    """

    common: Mapping[str, str] = MappingProxyType({"lang": "en"})

    _death_is_certain = True  # what every login may ask is denied in a dead session only

    def __init__(
        self, transport: Transport, credentials: Credentials, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.transport, self.where = transport, transport.where
        self._credentials, self._monotonic = credentials, monotonic
        self._id = ""
        self._lock = asyncio.Lock()
        self._asking = asyncio.Lock()
        self._let_in = ("", 0.0)
        self._logins: deque[float] = deque()
        self._denied: tuple[str, str, str] | None = None
        self.ajax = self._ajax_helped = False
        self.form_posts: Counter[str] = Counter()
        self.questions: tuple[Call, ...] = ()
        self._knows_itself = True  # there is a whoami, which every session that lives is answered

    def __repr__(self) -> str:
        return f"Session({self.where})"

    async def document(
        self,
        call: Call,
        form: Mapping[str, str] | None = None,
        files: Sequence[Upload] = (),
        *,
        out: Format = Format.JSON,
        ticket: str = "",
    ) -> Node:
        """One call → its document.

        A read is repeated once with a new session when the old one had died; a write only when a proper error
        document said that the session was refused, so that nothing was done.
        """
        asked = {"out": str(out), **self.common, **(form or {})}
        sent = [*asked.values()]
        async with self._deadline(call) as progress:

            async def fetch(session: str) -> Node:
                answer = await self._post(call, asked, files, session, progress)
                return self._read(answer, call, [*sent, *self._secrets(session)], ticket)

            return await self._with_session(call, fetch, ticket or asked.get("elid", ""))

    async def raw(self, call: Call, form: Mapping[str, str]) -> Answer:
        """A read whose answer is bytes. An error document instead raises what it means, an HTML page too."""
        async with self._deadline(call) as progress:

            async def fetch(session: str) -> Answer:
                answer = await self._post(call, form, (), session, progress)
                self._refuse_complaint(answer, call, session)
                self._refuse_page(answer, call)
                return answer

            return await self._with_session(call, fetch)

    async def download(self, call: Call, form: Mapping[str, str], into: Sink, *, cap: int, page: bool = False) -> bool:
        """Make a call as ``raw`` does, but the answer is a file of at most ``cap`` bytes and goes ``into`` there as it
        comes.

        ``page``: an HTML page is a good answer too, and not a login page. Returns whether the server said how long it
        is.
        """
        async with self._deadline(call) as progress:

            async def fetch(session: str) -> bool:
                into.restart()
                answer = await self._post(call, form, (), session, progress, cap, into)
                if not answer.attached:  # what a client attached is never the panel's own word
                    self._refuse_complaint(answer, call, session)
                    if not page:
                        self._refuse_page(answer, call)
                into.write(answer.body)
                return answer.measured

            return await self._with_session(call, fetch, form.get("elid", ""))

    async def log_in(self) -> str:
        """Have a session, a new one where there is none → the login. Raises AccessDenied and what a call raises."""
        async with self._deadline(LOGIN):
            await self._session(stale=None)
        return self._credentials.login

    async def aclose(self) -> None:
        """Forget the session and close the connections."""
        self._id = ""
        await self.transport.aclose()

    # --- one call -------------------------------------------------------------------------------------------

    async def _with_session(self, call: Call, fetch: Callable[[str], Awaitable[_Got]], row: str = "") -> _Got:
        """Fetch; where no answer came in the end, ``sfrom=ajax`` was no help and is not kept.

        ``row``: the id of the one ticket (or file) that is asked for. Raises TicketDenied when only it is denied.
        """
        try:
            return await self._answered(call, fetch, row)
        except ConnectorError:
            self.ajax = self._ajax_helped
            raise

    async def _answered(self, call: Call, fetch: Callable[[str], Awaitable[_Got]], row: str) -> _Got:
        session = await self._session(stale=None)
        try:
            return await self._as_wanted(call, fetch, session)
        except ConnectorError as error:
            if not await self._has_died(error, call, session, row):
                raise
            session = await self._renewed(session, error)
        try:
            return await self._as_wanted(call, fetch, session)
        except AccessDenied as error:
            alive = await self._refuse_row(error, session, row)
            if not alive and error.kind == _ACCESS and self._death_is_certain and self._knows_itself:
                raise self._died_at_once(call) from None
            raise

    def _died_at_once(self, call: Call) -> Retriable:
        """The error of a session that the server has just given and does not know: no refusal of this login."""
        return Retriable(
            "the server does not know the session that it has just given: it was restarted a moment ago, or this login "
            "may do nothing there. The next run tries again",
            billing=self.where, function=call.func, kind="session",
        )  # fmt: skip

    async def _as_wanted(self, call: Call, fetch: Callable[[str], Awaitable[_Got]], session: str) -> _Got:
        """Ask a read that is redirected once more with ``sfrom=ajax``; where that helps, so goes all that follows.

        The redirect may have ended the session, or may have come because it was dead: then the call is repeated in a
        new one with ``sfrom=ajax`` at once, since a plain one could end that, too.
        """
        try:
            got = await fetch(session)
        except ProtocolError as error:
            if error.kind != "redirect" or call.write or self.ajax:
                raise
            self.ajax = True
            got = await fetch(session)
        self._ajax_helped = self.ajax
        self._note_form(call)
        return got

    def ask_by_ajax(self) -> None:
        """Send ``sfrom=ajax`` from now on: this server is known to want it."""
        self.ajax = self._ajax_helped = True

    def _note_form(self, call: Call) -> None:
        if call.func.endswith(".edit") and not call.write:
            self.form_posts[habits.AJAX if self.ajax else habits.ACCEPTED] += 1

    async def _renewed(self, session: str, error: ConnectorError) -> str:
        """A new session in place of one that died of ``error``, which is raised when that may have been no death and no
        more logins are left in this minute."""
        try:
            return await self._session(stale=session)
        except Retriable as spent:
            if spent.kind == _NO_LOGIN_LEFT and error.kind == _ACCESS and not self._death_is_certain:
                self._id = self._id or session
                raise error from None
            raise

    async def _post(
        self,
        call: Call,
        form: Mapping[str, str],
        files: Sequence[Upload],
        session: str,
        progress: Progress,
        cap: int = 0,
        into: Sink | None = None,
    ) -> Answer:
        whole = {"func": call.func, "auth": session, **({"sfrom": "ajax"} if self.ajax else {}), **form}
        answer = await self.transport.post(call, whole, files, progress=progress, cap=cap, into=into)
        self.transport.judge(call, answer)
        return answer

    def _refuse_complaint(self, answer: Answer, call: Call, session: str) -> None:
        try:
            doc = parse(answer.body, charset=answer.charset) if answer.body[:256].lstrip()[:1] in (b"<", b"{") else None
        except Unreadable:
            return
        if doc is not None and v6_errors.complaint(doc) is not None:
            v6_errors.read(answer, call, self.where, secrets=self._secrets(session))

    def _refuse_page(self, answer: Answer, call: Call) -> None:
        if answer.media == "text/html":
            raise ProtocolError("an HTML page", billing=self.where, function=call.func, kind="html")

    # --- what differs between versions ----------------------------------------------------------------------

    def _read(self, answer: Answer, call: Call, secrets: Sequence[str], ticket: str = "") -> Node:
        return v6_errors.read(answer, call, self.where, secrets=secrets, ticket=ticket)

    # --- the deadline ---------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _deadline(self, call: Call) -> AsyncIterator[Progress]:
        progress, late = Progress(), False
        try:
            async with asyncio.timeout(self.transport.limits.deadline(call)):
                yield progress
        except TimeoutError:
            late = True
        if late:
            raise self.transport.too_slow(call, progress)

    # --- the session ----------------------------------------------------------------------------------------

    async def _has_died(self, error: ConnectorError, call: Call, session: str, row: str) -> bool:
        """Tell whether ``error`` means a dead session and the call may be made again with a new one.

        ``access`` is said of a dead session and of a missing right alike (SEEN IN CODE): another call is asked which.
        Raises TicketDenied when only ``row`` is denied.
        """
        if isinstance(error, AccessDenied) and error.kind == "auth":
            return True
        if isinstance(error, AccessDenied) and error.kind == _ACCESS:
            return not await self._refuse_row(error, session, row)
        return isinstance(error, ProtocolError) and error.kind in _MAYBE_DEAD and not call.write

    async def _refuse_row(self, error: AccessDenied, session: str, row: str) -> bool:
        """Tell whether the session lives though it was refused something. Raises TicketDenied when that was one row."""
        alive = error.kind == _ACCESS and await self._lives(session)
        if alive and row:
            raise TicketDenied(
                f"{error.what}; the login is let in elsewhere", billing=error.billing, function=error.function,
                ticket=error.ticket, kind=_ACCESS,
                cure=f"{error.cure}. If only this one is refused, it may be where the login is not allowed to look",
            ) from None  # fmt: skip
        return alive

    async def _lives(self, session: str) -> bool:
        """Tell whether a call that needs no ticket is answered in this session; one answer serves all who waited for
        it."""
        denied_at = self._monotonic()
        async with self._asking:
            if self._let_in[0] == session and self._let_in[1] > denied_at:
                return True
            asked_at = self._monotonic()
            alive = await self._is_alive(session)
            self._let_in = (session, asked_at) if alive else ("", 0.0)
            return alive

    async def _is_alive(self, session: str) -> bool:
        answer = await self._post(WHOAMI, {"out": str(Format.JSON)}, (), session, Progress())
        try:
            doc = self._read(answer, WHOAMI, self._secrets(session))
        except AccessDenied:
            return False
        except Missing:
            self._knows_itself = False
            return await self._is_answered(session)
        user = doc.first("user")
        return user is not None and bool(user.attr("name") or user.attr("id"))

    async def _is_answered(self, session: str) -> bool:
        """Tell whether the server answers one of ``questions`` in this session."""
        for call in self.questions:
            answer = await self._post(call, {"out": str(Format.JSON)}, (), session, Progress())
            try:
                self._read(answer, call, self._secrets(session))
            except (AccessDenied, Missing, ProtocolError):
                continue
            return True
        return False

    async def _session(self, *, stale: str | None) -> str:
        """The current session id; a new one when there is none or the current one is ``stale``."""
        async with self._lock:
            if not self._id or self._id == stale:
                self._id = ""
                self._id = await self._log_in()
            return self._id

    async def _log_in(self) -> str:
        self._spend_login()
        form = {
            "func": LOGIN.func,
            "out": str(Format.JSON),
            "username": self._credentials.login,
            "password": self._credentials.password,
        }
        progress = Progress()
        try:
            answer = await self.transport.post(LOGIN, form, progress=progress)
            self.transport.judge(LOGIN, answer)
            doc = self._read(answer, LOGIN, self._secrets(""))
        except AccessDenied as error:
            self._denied = (error.what, error.cure, error.kind)
            raise
        except Retriable:
            if not progress.sent:
                self._logins.pop()
            raise
        self._denied = None
        auth = doc.first("auth")
        session = (auth.attr("id") or auth.text) if auth else ""
        if not session or len(session) > _LONGEST_ID:
            raise ProtocolError("the login gave no session", billing=self.where, function=LOGIN.func, kind="shape")
        return session

    def _spend_login(self) -> None:
        """Take one of the logins of this minute. Raises what the last refusal said, or Retriable."""
        now, allowed = self._monotonic(), self.transport.limits.logins_a_minute
        while self._logins and now - self._logins[0] >= _MINUTE:
            self._logins.popleft()
        if self._denied and self._logins:
            what, cure, kind = self._denied
            raise AccessDenied(what, billing=self.where, function=LOGIN.func, cure=cure, kind=kind)
        if len(self._logins) >= allowed:
            error = Retriable(
                f"{allowed} logins within a minute are the limit, so that nobody is locked out",
                billing=self.where,
                kind=_NO_LOGIN_LEFT,
            )
            error.function, error.retry_after = LOGIN.func, _MINUTE - (now - self._logins[0])
            raise error
        self._logins.append(now)

    def _secrets(self, session: str) -> list[str]:
        return [self._credentials.login, self._credentials.password, session]
