"""Listens to the clients of connections and makes a recording of what their servers answered.

Bytes become documents here; replacing is ``core.anonymise``. What must stay out: asking anything, writing files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.billmanager.request import Answer, Listener
from connectors.billmanager.wire import Unreadable, is_deep, parse
from remotesupport.core.model import Side
from remotesupport.core.recording.anonymise import Heard, Recorded, Recording, recording
from remotesupport.settings_models import ExternalSettings

THREADS = 3  # conversations of open tickets that are read on each side


class Recorder:
    """Keeps every answer in memory until the recording is made."""

    def __init__(self) -> None:
        self._heard: list[Heard] = []
        self._connections: list[Recorded] = []

    def listeners(self, external: ExternalSettings) -> dict[Side, Listener]:
        """One for each side of this connection."""
        pairs = tuple((pair.remote, pair.main) for pair in external.departments if pair.enabled)
        self._connections.append(Recorded(external.name, pairs))
        return {side: self._listener(external.name, side) for side in Side}

    def recording(self) -> Recording | None:
        """Everything heard so far, anonymised; None where no billing has answered."""
        return recording(self._heard, self._connections) if self._heard else None

    def _listener(self, connection: str, side: Side) -> Listener:
        def listen(asked: Mapping[str, str], answer: Answer) -> None:
            self._heard.append(_heard(connection, side, dict(asked), answer))

        return listen


def _heard(connection: str, side: Side, asked: dict[str, str], answer: Answer) -> Heard:
    try:
        document: Any = parse(answer.body, charset=answer.charset, flat=True).tree
        if is_deep(document):
            raise Unreadable("shape", "a document of too many levels")
    except Unreadable as error:
        return Heard(connection, str(side), asked, answer.status, answer.media, unreadable=error.kind)
    is_xml = answer.body.lstrip()[:1] == b"<"
    return Heard(connection, str(side), asked, answer.status, answer.media, {"doc": document} if is_xml else document)
