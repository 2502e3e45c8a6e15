"""What must be true when all is well again, looked at from outside: the billings' own data, never the ledger."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from remotesupport.core.text.compose import closed_notice

SECRET = re.compile(r"SECRET-[A-Z-]+<\d+>")
HERE = "Technical support"
CLOSED = (3, 10)


def look_at_the_laws(desk: Any, elsewhere: set[str], excused: set[str]) -> None:
    """Raises AssertionError with what is lost, doubled, out of order, in another state or leaked.

    ``elsewhere``: tickets (``name id``) of other departments. ``excused``: whose states may differ (``in_two_states``).
    """
    _nothing_leaked(desk, elsewhere)
    for name, world in desk.externals.items():
        copies = _copies(desk, name)
        assert all(len(found) == 1 for found in copies.values()), f"{name}: more than one main ticket: {copies}"
        home = world.department(HERE)
        for ticket in world.tickets.values():
            if ticket.department == home:
                _crossed(desk, name, world, ticket, copies)
    wrong = in_two_states(desk) - excused
    assert not wrong, f"open on one side only: {sorted(wrong)}"
    _nobody_followed_the_server(desk)


def in_two_states(desk: Any) -> set[str]:
    """Tickets (``name id``) that are closed on one side only.

    Not those whose close was told to staff of main, that the server closed or left closed when our answer came, or that
    main did not open when a message came and a person was told.

    When the store is lost, a new one takes the two states of such a ticket as they are: it cannot know who came first.
    """
    return {
        f"{name} {ticket.id}"
        for name, world in desk.externals.items()
        for ticket in world.tickets.values()
        if ticket.department == world.department(HERE)
        for copy in _copies(desk, name).get(str(ticket.id), [])
        if _differ(desk, name, ticket, copy)
    }


def answered_last(desk: Any, names: Collection[str]) -> set[str]:
    """Tickets (``name id``) of ``names`` in which our own answer stands last.

    A store that was replaced before it saw what such a server does with an answered ticket leaves main open.
    """
    return {
        f"{name} {ticket.id}"
        for name in names
        for ticket in desk.externals[name].tickets.values()
        if _answered_last(desk.externals[name], ticket)
    }


def _answered_last(world: Any, ticket: Any) -> bool:
    said = [m for m in world.thread(ticket) if m.kind in ("client", "staff")]
    return bool(said) and said[-1].user == "robot"


def in_main(desk: Any) -> set[str]:
    """Tickets (``name id``) that have a main ticket."""
    return {f"{name} {ticket}" for name in desk.externals for ticket in _copies(desk, name)}


def _copies(desk: Any, name: str) -> dict[str, list[Any]]:
    """External ticket → its tickets in main."""
    found: dict[str, list[Any]] = {}
    for ticket in desk.main.tickets.values():
        origin = re.match(rf"\[{name} #(\d+)\]", ticket.subject)
        if origin and ticket.customer == name:
            found.setdefault(origin[1], []).append(ticket)
    return found


def _crossed(desk: Any, name: str, world: Any, ticket: Any, copies: dict[str, list[Any]]) -> None:
    said = [m for m in world.thread(ticket) if m.kind in ("client", "staff") and m.user != "robot"]
    if str(ticket.id) not in copies:
        assert ticket.status in CLOSED, f"{name} {ticket.id}: it is not in the main billing"
        return
    (copy,) = copies[str(ticket.id)]
    ours = [m.body for m in desk.main.thread(copy) if m.user == name]
    whole = "\n".join(ours)
    head = rf"^{name} #{ticket.id}/(\d+) \| (?!.*edited, it now reads:$).*$"
    first = re.findall(head, whole, re.MULTILINE)
    meant = [str(m.id) for m in said]
    assert first == meant, f"{name} {ticket.id} → {copy.id}: {first} instead of {meant}"
    for message in said:
        assert message.body in whole, f"{name} {ticket.id}: {message.body} of {message.id} is not there"
    answers = [m.body for m in desk.main.thread(copy) if m.kind == "staff"]
    replies = [m.body for m in world.thread(ticket) if m.user == "robot"]
    plain = [body for body in replies if not body.startswith("(edited)")]
    doubled = {body for body in replies if replies.count(body) > 1}
    assert not doubled, f"{name} {ticket.id}: twice with the client: {doubled}"
    unexpected = [body for body in plain if not body.startswith("M<")]
    assert not unexpected, f"{name} {ticket.id}: nobody wrote {unexpected}"
    numbers = [int(re.findall(r"\d+", body)[0]) for body in plain]  # an edit keeps the number in front
    assert numbers == sorted(numbers), f"{name} {ticket.id}: out of order with the client: {plain}"
    if not _was_away(desk, copy):
        reached = "\n".join(replies)
        lost = [body for body in answers if body not in reached]
        assert not lost, f"{name} {ticket.id}: the client never got {lost}"


def _differ(desk: Any, name: str, ticket: Any, copy: Any) -> bool:
    there, here = ticket.status in CLOSED, copy.status in CLOSED
    ours = [m.body for m in desk.main.thread(copy) if m.user == name]
    told = any(closed_notice(name, str(ticket.id)) in body for body in ours)
    if there == here or (there and (told or _kept_closed(desk.externals[name], ticket))):
        return False
    return not (here and _stays_closed(desk, name, ticket))


def _kept_closed(world: Any, ticket: Any) -> bool:
    """The server closed it when our answer came, or left it closed."""
    return world.answers_close and _answered_last(world, ticket)


def _stays_closed(desk: Any, name: str, ticket: Any) -> bool:
    waiting = desk.store.parked([name])
    return any(p.ext_ticket == str(ticket.id) and p.key.endswith("stays-closed") for p in waiting)


def _nobody_followed_the_server(desk: Any) -> None:
    """A close by the server itself, when our answer came, is no reason to close the main ticket."""
    for name, world in desk.externals.items():
        for number, found in _copies(desk, name).items():
            ticket = world.tickets.get(int(number))
            if ticket is not None and ticket.closer == "an answer of robot":
                followed = [copy.id for copy in found if copy.closer == name]
                assert not followed, f"{name} {number} was closed by our own answer, and {followed} were closed for it"


def _was_away(desk: Any, copy: Any) -> bool:
    """Answers written while the ticket was in another department are not delivered, and the note says so."""
    return any("no longer delivered" in m.body for m in desk.main.thread(copy))


def _nothing_leaked(desk: Any, elsewhere: set[str]) -> None:
    written = repr([c.args for w in (desk.main, *desk.externals.values()) for c in w.writes()])
    assert not SECRET.findall(written), f"leaked: {SECRET.findall(written)}"
    assert "invented" not in written, "a password was in a request"
    copied = {f"{name} {number}" for name in desk.externals for number in _copies(desk, name)}
    assert not copied & elsewhere, f"tickets of other departments crossed: {copied & elsewhere}"
