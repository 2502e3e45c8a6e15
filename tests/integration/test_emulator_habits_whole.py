"""The main job of the emulator itself under each answer of each habit: open, reply, note, close, reopen."""

from __future__ import annotations

import httpx
import pytest

from remotesupport.emulator.habit_tables import Habit
from remotesupport.emulator.habits import HABITS, Habits
from tests.emulator_habits import Server, open_ticket, server

VERSIONS = {"4": "4.0.68", "5": "5.100.5", "6": "6.94.1"}
MOVES_STATES = {habit.name for habit in HABITS if habit.name.startswith("after_")} | {"reply_reopens"}


class Pages:
    """What a person does in a browser."""

    def __init__(self, one: Server, login: str) -> None:
        self._browser = httpx.Client(base_url=one.base, follow_redirects=True)
        self._browser.post("/sign-in", data={"login": login})

    def __enter__(self) -> Pages:
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()

    def get(self, path: str) -> str:
        return self._browser.get(path).raise_for_status().text

    def post(self, path: str, **fields: str) -> str:
        return self._browser.post(path, data=fields).raise_for_status().text


@pytest.mark.thorough("the emulator's own pages for each habit; the pages by themselves are in `make test`")
@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.name)
def test_a_life_on_the_pages(habit: Habit) -> None:
    """People open, answer, note, close and reopen on the pages under each answer of each habit of the server."""
    with server(VERSIONS[habit.versions[-1]]) as one, Pages(one, "ivan") as ivan, Pages(one, "olga") as olga:
        for answer in habit.names:
            one.running.habit(**{habit.name: answer})
            states = _live(one, ivan, olga, keeps=habit.name != "after_reopen" or answer in {"usual", "open"})
            assert states == [0, 0, 2, 1, 3, 1] or habit.name in MOVES_STATES


def _live(one: Server, ivan: Pages, olga: Pages, *, keeps: bool) -> list[int]:
    """The states of a ticket. ``keeps``: what staff take stays taken, so that they may close it."""
    ticket = open_ticket(one)
    states = [one.ticket(ticket)["status"]]
    acts = [("note", {"text": "secret"}), ("answer", {"text": "Done."}), ("take", {})]
    for do, fields in [*acts, ("close", {})] if keeps else acts:
        olga.post(f"/staff/ticket/{ticket}/{do}", **fields)
        states.append(one.ticket(ticket)["status"])
    ivan.post(f"/client/ticket/{ticket}/reply", text="Once more.")
    states.append(one.ticket(ticket)["status"])
    seen = ivan.get(f"/client/ticket/{ticket}")
    assert all(text in seen for text in ("It broke.", "Done.", "Once more."))
    assert "secret" not in seen
    assert "secret" in olga.get(f"/staff/ticket/{ticket}")
    return states


VERSION_5 = pytest.mark.thorough("a second of CPU time each; version 6 is in `make test`")


@pytest.mark.parametrize("version", [*(pytest.param(v, marks=VERSION_5) for v in ("5.x", "5.100.5")), "6.94.1"])
def test_a_life_by_the_api(version: str) -> None:
    """Versions 5 and 6 do the whole job by their functions, for a client and for staff."""
    with server(version) as one:
        home = one.department("Technical support")
        new = {"subject": "Help", "message": "It broke.", "client_department": home}
        ticket = one.ivan("clientticket.edit", sok="ok", **new)["id"]["$"]
        _answer(one, ticket, note_message="secret", show_optional="on")
        _answer(one, ticket, message="Done.", clicked_button="ok")
        assert one.robot.row("ticket_all", ticket)["tstatus.orig"] == "2"
        one.robot("ticket_all.edit", elid=ticket, plid=ticket, sok="ok", clicked_button="ok_get")
        one.robot("ticket_open.delete", elid=one.robot.row("ticket", ticket)["id"])
        assert one.robot.row("ticket_all", ticket)["tstatus.orig"] == "3"
        one.ivan("clientticket.archive", elid=ticket)
        assert one.ivan.row("clientticket_archive", ticket)["tstatus.orig"] == "10"
        one.ivan("clientticket.edit", sok="ok", elid=ticket, message="Once more.")
        assert one.robot.row("ticket_all", ticket)["tstatus.orig"] == "1"
        said = [text for kind, text in one.robot.thread("ticket_all.edit", ticket) if kind != "system"]
        assert said == ["It broke.", "secret", "Done.", "Once more."]
        assert "secret" not in str(one.ivan("clientticket.edit", elid=ticket))


def _answer(one: Server, ticket: str, **fields: str) -> None:
    held = one.robot.row("ticket", ticket)["id"]
    assert "ok" in one.robot("ticket.edit", sok="ok", elid=held, plid=ticket, **fields)


@pytest.mark.parametrize("release", VERSIONS)
def test_habits_belong_to_versions(release: str) -> None:
    """A server has the habits of its version and refuses those of others."""
    habits = Habits(release)
    assert set(habits) == {habit.name for habit in HABITS if release in habit.versions}
    for habit in HABITS:
        if release not in habit.versions:
            with pytest.raises(ValueError, match=habit.name):
                habits.choose({habit.name: habit.names[-1]})
