"""Clients and staff who do something at random, and remember what must be on the other side, and what never may.

Each text is said once, so that it can be counted.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from remotesupport.core.text.compose import closed_notice
from tests.emulator_fixtures import RunningEmulator
from tests.http_desk import everything_sent
from tests.three_billings import ThreeBillings, texts

CLOSED = (3, 10)  # statuses: closed, archived
REMOTE, OTHER = "Technical support", "Sales"


@dataclass(slots=True)
class Conversation:
    """A ticket of an external billing: what its client said, and what main's staff answered, each in order."""

    billing: RunningEmulator
    ticket: str
    remote: bool
    asked: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    closed: bool = False


class People:
    """Everybody, in all three billings."""

    def __init__(self, world: ThreeBillings, seed: int) -> None:
        self.world, self.chance = world, random.Random(seed)
        self.conversations: list[Conversation] = []
        self.secrets: list[str] = []
        self.count = 0

    def act(self) -> None:
        """One of them does something."""
        deeds = (self.open, self.open_elsewhere, self.ask, self.ask, self.answer, self.answer, self.note, self.move_in)
        self.chance.choice(deeds)()
        if self.chance.random() < 0.05:
            self.close()

    def open(self, department: str = REMOTE) -> Conversation:
        """A client opens a ticket in the remote department."""
        billing = self.chance.choice((self.world.acme, self.world.globex))
        text = self._text("asked")
        done = billing.act(as_="ivan", do="open", department=department, subject="chaos", text=text)
        talk = Conversation(billing, str(done["ticket"]), department == REMOTE, [text])
        self.conversations.append(talk)
        return talk

    def open_elsewhere(self) -> None:
        """A client writes to a department that is none of our business (as long as the ticket stays there)."""
        self.open(OTHER)

    def ask(self) -> None:
        """The client goes on."""
        if talk := self._any(lambda t: not t.closed):
            talk.asked.append(self._text("asked"))
            talk.billing.act(as_="ivan", do="reply", ticket=talk.ticket, text=talk.asked[-1])

    def answer(self) -> None:
        """Staff of the main billing answer what has arrived there."""
        talk = self._any(lambda t: t.remote and not t.closed)
        copies = self.copies(talk) if talk else []
        if talk and copies:
            talk.answered.append(self._text("answered"))
            self.world.main.act(as_="anna", do="reply", ticket=copies[0], text=talk.answered[-1])

    def note(self) -> None:
        """Staff of either billing write a note, which stays where it is."""
        talk = self._any(lambda t: t.remote)
        if talk is None:
            return
        self.secrets.append(self._text("SECRET"))
        copies = self.copies(talk)
        if copies and self.chance.random() < 0.5:
            self.world.main.act(as_="anna", do="note", ticket=copies[0], text=self.secrets[-1])
        else:
            talk.billing.act(as_="olga", do="note", ticket=talk.ticket, text=self.secrets[-1])

    def move_in(self) -> None:
        """A ticket that was opened elsewhere is moved to the remote department."""
        if talk := self._any(lambda t: not t.remote):
            talk.billing.act(as_="admin", do="transfer", ticket=talk.ticket, department=REMOTE)
            talk.remote = True

    def close(self) -> None:
        """Staff of the external billing close a ticket; nobody touches it any more."""
        if talk := self._any(lambda t: t.remote and not t.closed and bool(self.copies(t))):
            talk.billing.act(as_="olga", do="close", ticket=talk.ticket)
            talk.closed = True

    def copies(self, talk: Conversation) -> list[str]:
        """Its tickets in main."""
        return [str(t["id"]) for t in self.world.copies(f"[{talk.billing.core.name} #{talk.ticket}]")]

    def violations(self, doubted: frozenset[tuple[str, str]]) -> list[str]:
        """Say what is not as it must be, in words; empty when all laws hold.

        ``doubted``: tickets that were closed as one of the first answers arrived: by whom, nobody can know yet.
        """
        wrong = [text for talk in self.conversations for text in self._wrong(talk, doubted)]
        for billing in (self.world.main, self.world.acme, self.world.globex):
            sent = everything_sent(billing)
            wrong += [f"{secret} was sent to {billing.core.name}" for secret in self.secrets if secret in sent]
        return wrong

    def _wrong(self, talk: Conversation, doubted: frozenset[tuple[str, str]]) -> list[str]:
        name = f"{talk.billing.core.name} {talk.ticket}"
        copies = self.copies(talk)
        if not talk.remote:
            return [f"{name} is in another department, but in main"] if copies else []
        if len(copies) != 1:
            return [f"{name} is in main {len(copies)} times: {copies}"]
        inside, outside = texts(self.world.main, copies[0]), texts(talk.billing, talk.ticket)
        wrong = [*_once_in_order(f"{name} in main", inside, talk.asked)]
        wrong += _once_in_order(f"{name} with the client", outside, talk.answered)
        there, here = _is_closed(talk.billing, talk.ticket), _is_closed(self.world.main, copies[0])
        notice = "\n".join(inside).count(closed_notice(talk.billing.core.name, talk.ticket))
        agree = there == here or (
            there and (notice == 1 or (talk.billing.core.name, talk.ticket) in doubted)
        )  # staff of main hold it: they are told, and close it themselves
        return wrong if agree else [*wrong, f"{name} is closed: {there}, its copy in main: {here}, notices: {notice}"]

    def _any(self, wanted: object) -> Conversation | None:
        found = [t for t in self.conversations if wanted(t)]  # type: ignore[operator]
        return self.chance.choice(found) if found else None

    def _text(self, kind: str) -> str:
        self.count += 1
        return f"{kind}-{self.count:05d}."


def _is_closed(billing: RunningEmulator, ticket: str) -> bool:
    (status,) = [t["status"] for t in billing.state()["tickets"] if str(t["id"]) == ticket]
    return status in CLOSED


def _once_in_order(where: str, thread: list[str], said: list[str]) -> list[str]:
    whole = "\n".join(thread)
    wrong = [f"{where}: {text} is there {n} times" for text in said if (n := whole.count(text)) != 1]
    places = [whole.find(text) for text in said]
    return wrong or ([] if places == sorted(places) else [f"{where}: out of order: {said}"])
