"""What people do with the tickets of one connection: clients and staff of its external billing, staff of the main one.

Each text is said once (``E<…>`` outside, ``M<…>`` inside, ``SECRET-…`` where it must stay), so that it can be counted.
"""

from __future__ import annotations

import random
from typing import Any

from connectors.memory import MemoryBilling

HERE, ELSEWHERE = "Technical support", "Sales"
ACTS = (
    "open", "open", "write", "write", "write", "answer", "answer", "answer", "local", "note", "main note", "edit",
    "edit answer", "close", "main close", "archive", "away", "back", "open elsewhere", "delete",
)  # fmt: skip


class People:
    """Everybody around one connection; what they do is drawn from a seed."""

    def __init__(self, seed: str, name: str, world: MemoryBilling, main: MemoryBilling) -> None:
        self._chance = random.Random(seed)
        self.name, self.world, self.main = name, world, main
        self.number = 0
        self.elsewhere: set[str] = set()
        world.client_opens("ivan", HERE, "stays", self._text("E"))

    def switched_off(self, was_off: bool) -> bool:
        """Whether an operator has the correspondence of ``HERE`` off in this minute: seldom, and then for a while."""
        return self._chance.random() < (0.6 if was_off else 0.05)

    def act(self, most: int) -> None:
        """Up to ``most`` deeds."""
        for _ in range(self._chance.randint(0, most)):
            self._one(self._chance.choice(ACTS))

    def _one(self, act: str) -> None:
        if act == "open":
            self.world.client_opens("ivan", HERE, "help", self._text("E"))
        elif act == "open elsewhere":
            text = self._text("SECRET-OTHER-DEPARTMENT")
            self.elsewhere.add(self.world.client_opens("ivan", ELSEWHERE, text, text))
        elif act in ("answer", "main note", "main close", "edit answer"):
            self._inside(act)
        else:
            self._outside(act)

    def _outside(self, act: str) -> None:
        world = self.world
        tickets = [t for t in world.tickets.values() if str(t.id) not in self.elsewhere]
        chosen = self._chance.choice(tickets)
        number = str(chosen.id)
        if act == "write":
            world.client_writes(number, self._text("E"))
        elif act == "local":
            world.staff_replies(number, self._text("E"))
        elif act == "note":
            world.note(number, self._text("SECRET-NOTE-E"))
        elif act == "edit":
            said = [m for m in world.thread(chosen) if m.kind == "client"]
            world.edit(str(self._chance.choice(said).id), self._text("E"))
        elif act == "close":
            world.close(number)
        elif act == "archive":
            world.archive(number)
        elif act == "back":
            world.transfer(number, HERE)
        elif chosen is not tickets[0]:  # one stays, so that a billing is never empty
            (world.delete if act == "delete" else self._away)(number)

    def _away(self, number: str) -> None:
        self.world.transfer(number, ELSEWHERE)

    def _inside(self, act: str) -> None:
        copies = [str(t.id) for t in self.main.tickets.values() if t.customer == self.name]
        if not copies:
            return
        number = self._chance.choice(copies)
        if act == "answer":
            self.main.staff_replies(number, self._text("M"))
        elif act == "main note":
            self.main.note(number, self._text("SECRET-NOTE-M"))
        elif act == "main close":
            self.main.close(number)
        else:
            said: list[Any] = [m for m in self.main.thread(self.main.find(number)) if m.kind == "staff"]
            if said:
                chosen = self._chance.choice(said)
                self.main.edit(str(chosen.id), f"{chosen.body.split(' ')[0]} {self._text('now')}")

    def _text(self, who: str) -> str:
        self.number += 1
        return f"{who}<{self.number}>"
