"""One ticket for each kind of write: what people do before it is due, and what they do to make it due."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from remotesupport.core.model import ChangeKind, Direction
from tests.three_billings import ThreeBillings

HERE, ELSEWHERE = "Technical support", "Sales"
TO_MAIN, TO_EXTERNAL = Direction.TO_MAIN, Direction.TO_EXTERNAL


@dataclass(slots=True)
class Ticket:
    """The ticket of one situation, on both sides."""

    world: ThreeBillings
    name: str
    id: str = ""

    @property
    def copy(self) -> str:
        return self.world.copy(f"[acme #{self.id}]")

    def opened(self) -> None:
        self.id = str(
            self.world.acme.act(as_="ivan", do="open", department=HERE, subject=self.name, text=f"{self.name} E1")[
                "ticket"
            ]
        )

    def client(self, text: str, files: list[dict[str, str]] | None = None) -> None:
        self.world.acme.act(as_="ivan", do="reply", ticket=self.id, text=f"{self.name} {text}", files=files or [])

    def local_staff(self, do: str) -> None:
        self.world.acme.act(as_="olga", do=do, ticket=self.id)

    def moved(self, department: str) -> None:
        self.world.acme.act(as_="admin", do="transfer", ticket=self.id, department=department)

    def answered(self, text: str) -> None:
        self.world.main.act(as_="anna", do="reply", ticket=self.copy, text=f"{self.name} {text}")

    def main_staff(self, do: str) -> None:
        self.world.main.act(as_="anna", do=do, ticket=self.copy)


Steps = Iterator[None]


@dataclass(frozen=True, slots=True)
class Situation:
    """``story`` yields ``runs`` times, wherever a run comes; after its last yield the write is due.

    ``kind`` and ``direction`` of the write, and the server's function that does it.
    """

    name: str
    story: Callable[[Ticket], Steps]
    runs: int
    kind: ChangeKind
    direction: Direction
    function: str
    act: str = ""  # a part of the intent's key, where kind and direction are not enough
    refused: bool = False  # the server says no: the note has put the ticket into the staff's queue again


def _create(t: Ticket) -> Steps:
    yield
    t.opened()


def _post_to_main(t: Ticket) -> Steps:
    t.opened()
    yield
    t.client("E2")
    t.client("E3")


def _attachment(t: Ticket) -> Steps:
    t.opened()
    yield
    t.client("E2", [{"name": "a.txt", "content_base64": base64.b64encode(b"content" * 100).decode()}])


def _post_to_external(t: Ticket) -> Steps:
    t.opened()
    yield
    t.answered("M1")
    t.answered("M2")


def _close_in_main(t: Ticket) -> Steps:
    t.opened()
    yield
    t.answered("M1")
    yield
    t.local_staff("close")


def _reopen_in_main(t: Ticket) -> Steps:
    yield from _close_in_main(t)
    yield
    t.local_staff("take")


def _close_in_external(t: Ticket) -> Steps:
    t.opened()
    yield
    t.main_staff("close")


def _reopen_in_external(t: Ticket) -> Steps:
    yield from _close_in_external(t)
    yield
    t.main_staff("take")


def _departure(t: Ticket) -> Steps:
    t.opened()
    yield
    t.answered("M1")
    yield
    t.moved(ELSEWHERE)


def _return(t: Ticket) -> Steps:
    yield from _departure(t)
    yield
    t.moved(HERE)


SITUATIONS = (
    Situation("create", _create, 1, ChangeKind.CREATE, TO_MAIN, "clientticket.edit"),
    Situation("post to main", _post_to_main, 1, ChangeKind.POST, TO_MAIN, "clientticket.edit"),
    Situation("attachment", _attachment, 1, ChangeKind.POST, TO_MAIN, "clientticket.edit"),
    Situation("post to external", _post_to_external, 1, ChangeKind.POST, TO_EXTERNAL, "ticket.edit"),
    Situation("close in main", _close_in_main, 2, ChangeKind.CLOSE, TO_MAIN, "clientticket.archive"),
    Situation("reopen in main", _reopen_in_main, 3, ChangeKind.REOPEN, TO_MAIN, "clientticket.edit"),
    Situation("close in external", _close_in_external, 1, ChangeKind.CLOSE, TO_EXTERNAL, "ticket_open.delete"),
    Situation("reopen in external", _reopen_in_external, 2, ChangeKind.REOPEN, TO_EXTERNAL, "ticket_all.edit"),
    Situation("departure note", _departure, 2, ChangeKind.DEPARTURE, TO_MAIN, "clientticket.edit"),
    Situation(
        "departure close", _departure, 2, ChangeKind.CLOSE, TO_MAIN, "clientticket.archive", "departure", refused=True
    ),
    Situation("return", _return, 3, ChangeKind.REOPEN, TO_MAIN, "clientticket.edit", "return"),
)
