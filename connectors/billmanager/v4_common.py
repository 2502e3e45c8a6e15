"""Common parts of version 4's views: no files, no paging of its own, and setting-up facts where they can be asked.

Must stay out: the wire of the three sync functions (``v4_sync``), the public functions (``v4_public``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.billmanager.observing import Observing
from connectors.billmanager.request import Call
from connectors.billmanager.v4_session import OldSession
from connectors.billmanager.wire import Node
from connectors.contract import Sink
from connectors.errors import ConnectorError, ProtocolError, Refused, Skippable, UnknownOutcome
from remotesupport.core.model import CallStats, FileRef, Side, Upload

NO_FILES = "version 4 carries no attachments"


class OldView(Observing):
    """One login's view of a billing of version 4."""

    side: Side

    def __init__(self, name: str, session: OldSession, *, timezone: str) -> None:
        self.name, self._session, self._timezone = name, session, timezone
        self._where = session.where

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._where})"

    @property
    def stats(self) -> CallStats:
        """Logins included."""
        return self._session.transport.stats

    async def file(self, ref: FileRef, into: Sink, *, limit: int) -> bool:
        """Not found in version 4. Raises Skippable."""
        del into, limit
        raise Skippable(NO_FILES, billing=self._where, function="file", kind="files", ticket=ref.file)

    async def aclose(self) -> None:
        """Never raises."""
        await self._session.aclose()

    async def _write(self, call: Call, form: Mapping[str, str], *, ticket: str = "") -> Node:
        """One POST whose answer must be ``result`` = ok (SEEN IN CODE; also spelt OK)."""
        try:
            doc = await self._session.document(call, {"sok": "yes", **form}, ticket=ticket)
        except ConnectorError as error:
            error.ticket = error.ticket or ticket
            raise
        if doc.value("result").lower() != "ok":
            what = "the answer does not confirm the write"
            raise UnknownOutcome(what, billing=self._where, function=call.func, ticket=ticket)
        return doc

    def _refuse_files(self, files: Sequence[Upload], call: Call, ticket: str = "") -> None:
        if files:
            raise Refused(NO_FILES, billing=self._where, function=call.func, ticket=ticket, kind="files")

    def _skip(self, what: str, call: Call, ticket: str) -> Skippable:
        return Skippable(what, billing=self._where, function=call.func, ticket=ticket, kind="unreadable")

    def _strange(self, what: str, call: Call, ticket: str = "") -> ProtocolError:
        return ProtocolError(what, billing=self._where, function=call.func, ticket=ticket, kind="shape")
