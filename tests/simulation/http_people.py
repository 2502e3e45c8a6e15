"""People in three emulated billings: clients and staff who do what their version lets them, and what they have said.

Each text holds a word that is said only once (``E-00017.``), so that it can be counted; what may never cross begins
with ``SECRET``. What a person may not do in this state of a ticket is refused by the billing, and nothing happens.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from remotesupport.emulator.refusal import Refusal
from remotesupport.emulator.side_door import state
from tests.emulator_fixtures import RunningEmulator
from tests.three_billings import ThreeBillings

HERE, ELSEWHERE = "Technical support", "Sales"
MOST_TICKETS = 8  # of one billing: below ten, so that no share of them stops at the guard
TAILS = ("", "", "", " <b>bold</b> & \"quoted\" 'x'", "\nsecond line\r\n\r\nfourth  ", " 🚀 Ёлка",
         "\nacme #1/2 | forged (client) | now\nglobex #3/4 | forged")  # fmt: skip
CLIENTS, STAFF = ("ivan", "maria"), "olga"


@dataclass(slots=True)
class Said:
    """One message: its words in each version, and whether the ticket was outside of the remote department then."""

    message: str
    words: list[str]
    away: bool = False


@dataclass(slots=True)
class Talk:
    """A ticket of an external billing, as people know it.

    ``home``: in the remote department now; ``came``, ``left``: ever; ``cut``: its main ticket was deleted there.
    ``excused``: laws that a lost store has made undecidable for it ("states"), or of which a person was told ("words").
    """

    billing: RunningEmulator
    ticket: str
    client: str
    home: bool
    came: bool
    left: bool = False
    gone: bool = False
    cut: bool = False
    asked: list[Said] = field(default_factory=list)
    answered: list[Said] = field(default_factory=list)
    excused: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        return f"{self.billing.core.name} #{self.ticket}"


class HttpPeople:
    """Everybody. ``met`` counts what was done and what was refused."""

    def __init__(self, world: ThreeBillings) -> None:
        self.world = world
        self.talks: list[Talk] = []
        self.secrets: list[str] = []
        self.met: Counter[str] = Counter()
        self._count = 0
        for name in ("acme", "globex"):
            self.open(name, 0)  # stays where it is, so that no list is ever empty

    def act(self, name: str, do: str, which: int) -> None:
        """One of them does something in (or about) that external billing."""
        try:
            getattr(self, do.replace(" ", "_"))(name, which)
        except Refusal as no:
            self.met[f"refused: {do}: {no.kind}/{no.subject}"] += 1
        else:
            self.met[do] += 1

    def talks_of(self, name: str) -> list[Talk]:
        """The tickets of one external billing, in the order in which they were opened."""
        return [t for t in self.talks if t.billing.core.name == name]

    # --- in the external billing ----------------------------------------------------------------------------

    def open(self, name: str, which: int, department: str = HERE) -> None:
        """A client opens a ticket."""
        billing, client = self._billing(name), CLIENTS[which % 2]
        if len(self.talks_of(name)) >= MOST_TICKETS:
            return
        words, text = self._text("E", which)
        done = billing.act(as_=client, do="open", department=department, subject=f"subject {which}", text=text)
        home = department == HERE
        said = [Said(done["message"], [words], away=not home)]
        self.talks.append(Talk(billing, done["ticket"], client, home, home, asked=said))

    def open_elsewhere(self, name: str, which: int) -> None:
        """A client writes to a department that is nobody else's business, as long as the ticket stays there."""
        self.open(name, which, ELSEWHERE)

    def write(self, name: str, which: int) -> None:
        """The client goes on."""
        if talk := self._any(name, which):
            self._ask(talk, talk.client, which)

    def local(self, name: str, which: int) -> None:
        """Staff of the external billing answer their client themselves."""
        if talk := self._any(name, which):
            self._ask(talk, STAFF if talk.home else "petr", which)

    def note(self, name: str, which: int) -> None:
        """An internal note of the external billing."""
        if talk := self._any(name, which):
            talk.billing.act(as_="admin", do="note", ticket=talk.ticket, text=self._secret())

    def edit(self, name: str, which: int) -> None:
        """A client's message is changed in place."""
        talk = self._any(name, which)
        if talk and self._edits(talk.billing):
            self._edit(talk.billing, talk.asked[which % len(talk.asked)], "E", which)

    def close(self, name: str, which: int) -> None:
        """Staff of the external billing close it."""
        if talk := self._any(name, which):
            talk.billing.act(as_="admin", do="close", ticket=talk.ticket)

    def archive(self, name: str, which: int) -> None:
        """Its client archives it."""
        if talk := self._any(name, which):
            talk.billing.act(as_=talk.client, do="archive", ticket=talk.ticket)

    def take(self, name: str, which: int) -> None:
        """Staff of the external billing take it, which opens a closed one."""
        if talk := self._any(name, which):
            talk.billing.act(as_=STAFF, do="take", ticket=talk.ticket)

    def away(self, name: str, which: int) -> None:
        """It is moved to another department."""
        if talk := self._any(name, which, spare_first=True):
            self._move(talk, ELSEWHERE)

    def back(self, name: str, which: int) -> None:
        """One that is elsewhere is moved to the remote department."""
        if talk := self._any(name, which, home=False):
            self._move(talk, HERE)

    def delete(self, name: str, which: int) -> None:
        """It is deleted."""
        if talk := self._any(name, which, spare_first=True):
            talk.billing.act(as_="admin", do="delete", ticket=talk.ticket)
            talk.gone = True

    def let_go(self, talk: Talk) -> None:
        """Everybody there who holds it closes it."""
        while any(
            t["id"] == talk.ticket and t["assignments"] for t in state(talk.billing.core, ["tickets"])["tickets"]
        ):
            talk.billing.act(as_="admin", do="close", ticket=talk.ticket)
        self.met["let go"] += 1

    # --- in the main billing --------------------------------------------------------------------------------

    def answer(self, name: str, which: int) -> None:
        """Staff of the main billing answer."""
        if found := self._copy(name, which):
            talk, copy = found
            words, text = self._text("M", which)
            done = self.world.main.act(as_="anna", do="reply", ticket=copy, text=text, keep=which % 3 == 2)
            talk.answered.append(Said(done["message"], [words]))

    def main_note(self, name: str, which: int) -> None:
        """An internal note of the main billing."""
        if found := self._copy(name, which):
            self.world.main.act(as_="anna", do="note", ticket=found[1], text=self._secret())

    def edit_answer(self, name: str, which: int) -> None:
        """An answer is changed in place."""
        if (found := self._copy(name, which)) and found[0].answered and self._edits(self.world.main):
            answers = found[0].answered
            self._edit(self.world.main, answers[which % len(answers)], "M", which)

    def main_close(self, name: str, which: int) -> None:
        """Staff of the main billing close it."""
        if found := self._copy(name, which):
            self.world.main.act(as_="anna", do="close", ticket=found[1])

    def main_take(self, name: str, which: int) -> None:
        """Staff of the main billing take it, which opens a closed one."""
        if found := self._copy(name, which):
            self.world.main.act(as_="anna", do="take", ticket=found[1])

    def main_delete(self, name: str, which: int) -> None:
        """The main ticket is deleted: a conflict, which a person has to resolve."""
        found = self._copy(name, which)
        if found and found[0] is not self.talks_of(name)[0]:
            self.world.main.act(as_="admin", do="delete", ticket=found[1])
            found[0].cut = True

    def copies(self, talk: Talk) -> list[str]:
        """Its tickets in main."""
        tag = f"[{talk.name}]"
        return [t["id"] for t in state(self.world.main.core, ["tickets"])["tickets"] if t["subject"].startswith(tag)]

    # --- parts ----------------------------------------------------------------------------------------------

    def _billing(self, name: str) -> RunningEmulator:
        billing: RunningEmulator = getattr(self.world, name)
        return billing

    def _any(self, name: str, which: int, *, home: bool | None = None, spare_first: bool = False) -> Talk | None:
        found = [t for t in self.talks_of(name)[spare_first:] if not t.gone and home in (None, t.home)]
        return found[which % len(found)] if found else None

    def _copy(self, name: str, which: int) -> tuple[Talk, str] | None:
        found = [(t, copies[0]) for t in self.talks_of(name) if t.came and (copies := self.copies(t))]
        return found[which % len(found)] if found else None

    def _ask(self, talk: Talk, who: str, which: int) -> None:
        words, text = self._text("E", which)
        done = talk.billing.act(as_=who, do="reply", ticket=talk.ticket, text=text)
        talk.asked.append(Said(done["message"], [words], away=not talk.home))

    def _edit(self, billing: RunningEmulator, said: Said, kind: str, which: int) -> None:
        words, text = self._text(kind, which)
        billing.act(as_="admin", do="edit", message=said.message, text=text)
        said.words.append(words)

    def _move(self, talk: Talk, department: str) -> None:
        talk.billing.act(as_="admin", do="transfer", ticket=talk.ticket, department=department)
        talk.left |= talk.home and department != HERE
        talk.home = department == HERE
        talk.came |= talk.home
        for said in talk.asked if talk.home else ():
            said.away = False  # with its return everything is meant for the other side

    @staticmethod
    def _edits(billing: RunningEmulator) -> bool:
        return billing.core.version.startswith("6")

    def _text(self, kind: str, which: int) -> tuple[str, str]:
        self._count += 1
        words = f"{kind}-{self._count:05d}."
        return words, words + TAILS[(which + self._count) % len(TAILS)]

    def _secret(self) -> str:
        self._count += 1
        self.secrets.append(f"SECRET-{self._count:05d}.")
        return self.secrets[-1]
