"""The people of ``benchmarks.day``: clients who write and staff who answer, so that a day has work in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.fleet import DEPARTMENT, Fleet

EACH_RUNS = 10
ANSWER_AFTER_RUNS = 5
A_TICKET = 5  # messages of its client; six that are answered within seconds would be two machines for the brake


@dataclass
class People:
    """After each tenth run a client writes, in one billing after the other; five runs later staff of main answer.

    A client's fifth message in a ticket is the last: staff close it, and the client opens another one.
    """

    fleet: Fleet
    asked: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    _tickets: dict[str, str] = field(default_factory=dict)
    _answer_at: int = 0

    def live(self, runs: int) -> None:
        """Do what is to be done once so many ``runs`` are over."""
        if len(self.answered) == len(self.asked) and runs >= EACH_RUNS * (len(self.asked) + 1):
            self._ask(len(self.asked))
            self._answer_at = runs + ANSWER_AFTER_RUNS
        elif len(self.answered) < len(self.asked) and runs >= self._answer_at:
            self._answer(len(self.asked) - 1)

    def missing(self) -> list[str]:
        """The texts that have not come to the other side, but for the last question and answer, still on the way."""
        main = {m["text"] for m in self.fleet.state("main", "messages")}
        there = {m["text"] for name in self.fleet.externals for m in self.fleet.state(name, "messages")}
        lost = [text for text in self.asked[:-1] if not any(text in seen for seen in main)]
        return lost + [text for text in self.answered[:-1] if not any(text in seen for seen in there)]

    def _ask(self, turn: int) -> None:
        name, text = self._billing(turn), f"Frage Nummer {turn} bitte"
        if (turn // len(self.fleet.externals)) % A_TICKET == 0:
            if name in self._tickets and (old := self._copy(name)):
                self.fleet.act("main", as_="anna", do="close", ticket=old)
            said = {"department": DEPARTMENT, "subject": f"Почта {turn}", "text": text}
            self._tickets[name] = self.fleet.act(name, as_="ivan", do="open", **said)["ticket"]
        else:
            self.fleet.act(name, as_="ivan", do="reply", ticket=self._tickets[name], text=text)
        self.asked.append(text)

    def _answer(self, turn: int) -> None:
        """As soon as the ticket is in the main billing."""
        if ticket := self._copy(self._billing(turn)):
            text = f"Antwort Nummer {turn} gern"
            self.fleet.act("main", as_="anna", do="reply", ticket=ticket, text=text)
            self.answered.append(text)

    def _billing(self, turn: int) -> str:
        return self.fleet.externals[turn % len(self.fleet.externals)]

    def _copy(self, name: str) -> str:
        """Main's ticket for the one that is open in ``name``, "" where it has not come yet."""
        origin = f"[{name} #{self._tickets[name]}]"
        return next((t["id"] for t in self.fleet.state("main", "tickets") if t["subject"].startswith(origin)), "")
