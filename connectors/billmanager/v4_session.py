"""A session of version 4: flat answers, and two meanings of code 100 that its words tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from connectors.billmanager import v4_answers
from connectors.billmanager.call import Answer, Call
from connectors.billmanager.session import Session
from connectors.billmanager.wire import Node


class OldSession(Session):
    """As its base, in version 4's words."""

    common = MappingProxyType({})

    def _read(self, answer: Answer, call: Call, secrets: Sequence[str], ticket: str = "") -> Node:
        return v4_answers.read(answer, call, self.where, secrets=secrets, ticket=ticket)

    async def _is_alive(self, _session: str) -> bool:
        """A dead session says "Auth failed" (INFERRED), so "access deny" is about the function alone."""
        return True
