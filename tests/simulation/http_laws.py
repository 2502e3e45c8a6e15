"""What must be true of three emulated billings when all is well again: looked at from outside, never in the ledger."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from remotesupport.emulator.side_door import state
from tests.emulator_fixtures import RunningEmulator, password_of
from tests.simulation.http_people import HttpPeople, Said, Talk
from tests.three_billings import ThreeBillings

CLOSED = (3, 10)  # statuses: closed, archived
_HEAD = re.compile(r"^(?:acme|globex) #(\d+)/\S+ \| (.*)$", re.MULTILINE)
_EDITED = "edited, it now reads:"
_NOTICES = {
    "closed": "was closed there.",
    "reopened": "was opened again there.",
    "back": "is back in a remote department;",
    "left": "Answers written here are no longer delivered.",
}


class Look:
    """The billings' own data at one moment."""

    def __init__(self, world: ThreeBillings) -> None:
        self.world = world
        self._seen: dict[str, dict[str, Any]] = {}
        for billing in (world.main, world.acme, world.globex):
            self._seen[billing.core.name] = state(billing.core, ["tickets", "messages"])

    def ticket(self, billing: RunningEmulator, ticket: str) -> dict[str, Any]:
        """Its row."""
        (found,) = [t for t in self._seen[billing.core.name]["tickets"] if t["id"] == ticket]
        return dict(found)

    def thread(self, billing: RunningEmulator, ticket: str, user: str = "") -> list[str]:
        """The texts of a ticket in order: all, or those of one login."""
        said = [m for m in self._seen[billing.core.name]["messages"] if m["ticket"] == ticket and m["kind"] != "system"]
        return [m["text"] for m in said if user in ("", m["user"])]

    def of_customer(self, name: str) -> dict[str, list[str]]:
        """External ticket → main tickets with its origin, of that connection's customer; "" for those without."""
        found: dict[str, list[str]] = {}
        for row in self._seen["main"]["tickets"]:
            if row["client"] == name:
                origin = re.match(rf"\[{name} #(\d+)\]", row["subject"])
                found.setdefault(origin[1] if origin else "", []).append(row["id"])
        return found


def holders(billing: RunningEmulator, ticket: str) -> list[str]:
    """Who holds it there, apart from the product's login and its departments: only they can close their part."""
    seen = state(billing.core, ["tickets", "users"])
    (robot,) = [u for u in seen["users"] if u["login"] == "support-robot"]
    held = [a["user"] for t in seen["tickets"] if t["id"] == ticket for a in t["assignments"]]
    return [user for user in held if user not in (robot["id"], *robot["departments"])]


def broken_laws(people: HttpPeople) -> list[str]:
    """What is not as it must be, in words; empty when all laws hold."""
    look = Look(people.world)
    return [*_leaks(people), *_strangers(people, look), *(w for t in people.talks for w in _of_talk(t, look))]


def excuse(people: HttpPeople) -> None:
    """The store is about to be lost, and with it who acted last: what is not agreed on now may stay so.

    The same goes for a ticket that is away without main's knowing: only the store knew that it had been there.
    """
    look = Look(people.world)
    for talk in people.talks:
        copies = look.of_customer(talk.billing.core.name).get(talk.ticket, [])
        if len(copies) == 1:
            told = _last_notice(look.thread(people.world.main, copies[0], talk.billing.core.name))
            untold = (talk.gone or not talk.home) and told != "left"
            if untold or list(_states(talk, copies[0], look)):
                talk.excused.add("states")


def _leaks(people: HttpPeople) -> Iterator[str]:
    world = people.world
    hidden = list(people.secrets)
    for talk in people.talks:
        hidden += [word for said in talk.asked if said.away for word in said.words]
    for billing, password in ((world.main, "support-robot"), (world.acme, "acme"), (world.globex, "globex")):
        sent = repr([entry["params"] for entry in billing.requests()])
        yield from (f"{word} was sent to {billing.core.name}" for word in hidden if word in sent)
        if password_of(password) in sent:
            yield f"a password of the other side was sent to {billing.core.name}"
        if any({"auth", "authinfo", "password"} & set(entry["in_url"]) for entry in billing.requests()):
            yield f"a secret stood in the address of a request to {billing.core.name}"


def _strangers(people: HttpPeople, look: Look) -> Iterator[str]:
    """Main tickets that no ticket of a remote department explains."""
    for name in ("acme", "globex"):
        known = {t.ticket for t in people.talks if t.came and t.billing.core.name == name}
        for origin, mains in look.of_customer(name).items():
            if origin not in known:
                yield f"main {mains}: nothing explains them (origin {origin!r})"
            if len(mains) > 1:
                yield f"{name} #{origin} is in main {len(mains)} times: {mains}"


def _of_talk(talk: Talk, look: Look) -> Iterator[str]:
    copies = look.of_customer(talk.billing.core.name).get(talk.ticket, [])
    whole, told = talk.home and not talk.gone, "words" not in talk.excused
    if len(copies) != 1:
        if whole and not talk.cut and not copies and not _is_closed(talk.billing, talk.ticket, look):
            yield f"{talk.name} is not in main"
        return
    (copy,) = copies
    inside = look.thread(look.world.main, copy, talk.billing.core.name)
    yield from once_in_order(f"{talk.name} in main {copy}", "\n".join(inside), talk.asked, all_of_it=whole and told)
    yield from _nothing_else_in_main(talk, copy, inside)
    if not talk.gone:
        outside = look.thread(talk.billing, talk.ticket, "support-robot")
        where = f"main {copy} with the client of {talk.name}"
        yield from once_in_order(
            where, "\n".join(outside), talk.answered, all_of_it=whole and told and not (talk.left or talk.cut)
        )
        yield from _nothing_else_outside(talk, outside)
    if "states" not in talk.excused:
        yield from _states(talk, copy, look)


def once_in_order(where: str, text: str, said: list[Said], *, all_of_it: bool) -> Iterator[str]:
    """Each version at most once and the last one for certain; by first appearance in the order of writing."""
    for one in said:
        counts = {word: text.count(word) for word in one.words}
        if max(counts.values()) > 1:
            yield f"{where}: twice: {counts}"
        if all_of_it and not counts[one.words[-1]]:
            yield f"{where}: lost: {counts}"
    places = [min(found) for one in said if (found := [at for w in one.words if (at := text.find(w)) >= 0])]
    if places != sorted(places):
        yield f"{where}: out of order: {[one.words for one in said]}"


def _nothing_else_in_main(talk: Talk, copy: str, inside: list[str]) -> Iterator[str]:
    """Every message of ours there is known words under our header lines, or one of our notices."""
    words = [word for one in talk.asked for word in one.words]
    for text in inside:
        heads, known = len(_HEAD.findall(text)), sum(text.count(word) for word in words)
        if heads != known or (not heads and not (text.startswith(f"{talk.name} ") and _notice(text))):
            yield f"main {copy}: nobody wrote {text!r}"


def _nothing_else_outside(talk: Talk, outside: list[str]) -> Iterator[str]:
    words = [word for one in talk.answered for word in one.words]
    for text in outside:
        if not text.removeprefix("(edited) ").startswith(tuple(words)):
            yield f"{talk.name}: nobody wrote {text!r}"


def _states(talk: Talk, copy: str, look: Look) -> Iterator[str]:
    """Open or closed alike; where staff of main hold a ticket that is closed or has left there, they have been told."""
    if talk.cut:
        return
    here = _is_closed(look.world.main, copy, look)
    told = _last_notice(look.thread(look.world.main, copy, talk.billing.core.name))
    if talk.gone or not talk.home:
        if not here and told != "left":
            yield f"{talk.name} is away, but main {copy} is open and was not told ({told})"
        return
    there = _is_closed(talk.billing, talk.ticket, look)
    if told == "left":
        yield f"{talk.name} is at home, but main {copy} was told that it has left"
    if there != here and not (there and told == "closed"):
        yield f"{talk.name} is closed: {there}, main {copy} is closed: {here}; told last: {told}"


def _last_notice(inside: list[str]) -> str:
    """Which notice was our last word there; "" when something a person said came after it (an edit does not count)."""
    for text in reversed(inside):
        if word := _notice(text):
            return word
        if any(not rest.endswith(_EDITED) for _, rest in _HEAD.findall(text)):
            return ""
    return ""


def _notice(text: str) -> str:
    if _HEAD.search(text):
        return ""
    return next((word for word, part in _NOTICES.items() if part in text), "")


def _is_closed(billing: RunningEmulator, ticket: str, look: Look) -> bool:
    return look.ticket(billing, ticket)["status"] in CLOSED
