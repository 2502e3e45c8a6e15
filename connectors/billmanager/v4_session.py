"""A session of version 4: flat answers, and meanings of code 100 that its words, and another call, tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from connectors.billmanager import v4_answers
from connectors.billmanager.request import Answer, Call
from connectors.billmanager.session import Credentials, Session
from connectors.billmanager.transport import Transport
from connectors.billmanager.wire import Node


class OldSession(Session):
    """A session in the words of version 4. ``questions``: calls without a ticket, one of which the login may make."""

    _death_is_certain = False  # a login that may read none of the lists is denied all of them

    def __init__(self, transport: Transport, credentials: Credentials, *, questions: Sequence[Call]) -> None:
        super().__init__(transport, credentials)
        self.questions = tuple(questions)

    common = MappingProxyType({})

    def _read(self, answer: Answer, call: Call, secrets: Sequence[str], ticket: str = "") -> Node:
        return v4_answers.read(answer, call, self.where, secrets=secrets, ticket=ticket)

    async def _is_alive(self, session: str) -> bool:
        """Version 4 knows no ``whoami``: a session in which one of the lists is answered lives (INFERRED)."""
        return await self._is_answered(session)
