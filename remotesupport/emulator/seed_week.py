"""A hosting provider's week, told story by story up to now. The same seed gives the same texts in the same order."""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from remotesupport.emulator.database import Database
from remotesupport.emulator.desk import Attachment, Desk
from remotesupport.emulator.people import People
from remotesupport.emulator.seed_texts import FOLLOW_UPS, PLAIN, STORIES, Step, Story

_WEEK_S = 7 * 86_400
_PLAIN_TICKETS = 24
_LONG_THREAD = 60


@dataclass(slots=True)
class _Told:
    """The moment that the desk believes in while the week is told."""

    moment: int = 0

    def now(self) -> int:
        return self.moment


class _Teller:
    """Takes the steps of all stories in the order of their times, so that ids grow with time as in life."""

    def __init__(self, database: Database, people: People, now: int) -> None:
        self._clock, self._people, self._now = _Told(), people, now
        self._desk = Desk(database, people, self._clock)
        self._queue: list[tuple[int, int, int, Story]] = []
        self._tickets: dict[int, int] = {}

    def plan(self, story: Story, begin: int) -> None:
        """The story begins so many seconds before now."""
        heapq.heappush(self._queue, (self._now - begin, len(self._queue), 0, story))

    def tell(self) -> None:
        """All steps that lie before now."""
        while self._queue:
            at, number, index, story = heapq.heappop(self._queue)
            if at > self._now:
                continue
            self._clock.moment = at
            self._step(number, story, story.steps[index], first=index == 0)
            if index + 1 < len(story.steps):
                heapq.heappush(self._queue, (at + story.steps[index + 1].after * 60, number, index + 1, story))

    def _step(self, number: int, story: Story, step: Step, *, first: bool) -> None:
        who, desk = self._people.named(step.who), self._desk
        files = [Attachment(name, content) for name, content in step.files]
        if first:
            department = self._people.department(story.department)
            self._tickets[number] = desk.open(who, department, story.subject, step.text, files)[0]
            return
        ticket = self._tickets[number]
        match step.do:
            case "write" if who.staff:
                desk.staff_message(
                    who, desk.held(who, ticket) or desk.take(who, ticket), step.text, files, keep=step.keep
                )
            case "write":
                desk.client_message(who, ticket, step.text, files)
            case "note":
                desk.note(who, ticket, step.text, files)
            case "transfer":
                desk.transfer(who, ticket, self._people.department(step.text))
            case "close":
                desk.close(who, desk.held(who, ticket) or desk.take(who, ticket))
            case "archive":
                desk.archive(who, [ticket])


def plant_week(database: Database, people: People, now: int, seed: int) -> None:
    """Stories with a point (long, odd, poisoned with markup, moved, archived) among plain ones."""
    chance, teller = random.Random(seed), _Teller(database, people, now)  # noqa: S311
    for story in STORIES:
        teller.plan(story, chance.randrange(_WEEK_S // 2, _WEEK_S))
    teller.plan(_long_story(chance), _WEEK_S - 3600)
    for number in range(_PLAIN_TICKETS):
        teller.plan(_plain_story(chance, number), chance.randrange(3600, _WEEK_S))
    teller.tell()


def _plain_story(chance: random.Random, number: int) -> Story:
    story = PLAIN[number % len(PLAIN)]
    client = chance.choice(["ivan", "maria", "john", "liwei", "shop"])
    return replace(
        story, steps=tuple(replace(step, who=client if step.who == "client" else step.who) for step in story.steps)
    )


def _long_story(chance: random.Random) -> Story:
    texts: Sequence[str] = FOLLOW_UPS
    steps = [Step("maria", "Почта уходит в спам у всех на Gmail. Что делать?")]
    for number in range(_LONG_THREAD):
        who = "olga" if number % 2 == 0 else "maria"
        text = f"{chance.choice(texts)} ({number + 1})"
        steps.append(Step(who, text, after=chance.randrange(20, 120), keep=number % 4 == 0))
    return Story("Technical support", "Почта уходит в спам 📨 (SPF, DKIM, DMARC)", tuple(steps))
