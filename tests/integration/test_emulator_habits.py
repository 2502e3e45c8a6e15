"""Habits of an emulated server: chosen by name, changed while it runs, and each answer visible on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import typer
from typer.testing import CliRunner

from remotesupport.cli.emulator import emulator
from remotesupport.emulator.billing import Billing
from remotesupport.emulator.habits import HABITS, Habits
from tests.emulator_habits import Server, open_ticket, server

pytestmark = pytest.mark.thorough("the emulator's side of each habit; what clients make of them is in `make test`")


@contextmanager
def scene(**habits: str) -> Iterator[tuple[Server, str]]:
    """A server with these habits, and a ticket of ivan's in Technical support."""
    with server(**habits) as one:
        yield one, open_ticket(one)


def test_unknown_habits_are_refused_with_what_there_is() -> None:
    """A name or an answer that does not exist, or one of another version, is refused, and nothing is changed."""
    habits = Habits("6")
    for wanted, word in (({"colour": "red"}, "responsible"), ({"types": "red"}, "by_direction")):
        with pytest.raises(ValueError, match=word):
            habits.choose({"responsible": "name", **wanted})
    with pytest.raises(ValueError, match="version 4"):
        habits.choose({"after_client_reopen": "closed"})
    assert habits["responsible"] == "orig"


def test_the_command_refuses_unknown_habits() -> None:
    """A wrong ``--habit`` ends with status 2 and names those that exist."""
    app = typer.Typer()
    app.command()(emulator)
    for option, word in (("types=red", "by_direction"), ("colour=red", "responsible"), ("types", "NAME=ANSWER")):
        result = CliRunner().invoke(app, ["--habit", option, "--port", "0"], env={"COLUMNS": "500"})
        assert result.exit_code == 2
        assert word in result.output


def test_the_table_is_printed() -> None:
    """``--habits`` prints each habit with each answer and its mark, and ends."""
    app = typer.Typer()
    app.command()(emulator)
    result = CliRunner().invoke(app, ["--habits"])
    assert result.exit_code == 0
    for habit in HABITS:
        assert habit.name in result.output
        assert all(f" {answer.name} " in result.output for answer in habit.answers)
    assert {answer.mark for habit in HABITS for answer in habit.answers} == {
        "DOCUMENTED", "SEEN IN CODE", "INFERRED", "OURS"
    }  # fmt: skip


def test_the_table_marks_the_defaults_of_a_version() -> None:
    """An asterisk stands before the default of the version that is asked for."""
    app = typer.Typer()
    app.command()(emulator)
    for version, total in (("6.94.1", "present"), ("5.x", "absent_in_xml")):
        shown = CliRunner().invoke(app, ["--habits", "--version", version]).output
        assert f"  * {total} " in shown
        assert shown.count("  * ") == len(HABITS)


def test_names_and_answers_are_not_there_twice() -> None:
    """A habit's name is unique, its answers' names are unique in it, and it has at least two."""
    assert len({habit.name for habit in HABITS}) == len(HABITS)
    for habit in HABITS:
        assert len(set(habit.names)) == len(habit.names) >= 2


def test_a_server_changes_its_habits_while_it_runs() -> None:
    """The side door shows all habits and changes some, from the next call on; a wrong one changes nothing."""
    with scene() as (one, ticket), httpx.Client(base_url=f"{one.base}/_emulator") as door:
        assert door.get("/habits").json() == dict(Billing(seed=0).habits)
        assert one.robot.row("ticket_all", ticket)["responsible.orig"].startswith("d_")
        assert door.post("/habits", json={"responsible": "name"}).json()["responsible"] == "name"
        assert "responsible.orig" not in one.robot.row("ticket_all", ticket)
        assert door.post("/habits", json={"responsible": "orig", "types": "red"}).status_code == 400
        assert door.get("/habits").json()["responsible"] == "name"


@pytest.mark.parametrize(
    ("answer", "text", "orig"),
    [
        ("orig", "Technical support", "d_{id}"),
        ("orig_bare_id", "Technical support", "{id}"),
        ("text", "d_{id}", None),
        ("bare_id", "{id}", None),
        ("name", "Technical support", None),
        ("employee_with_form", "Support robot", None),
        ("employee_with_queue_row", "Support robot", None),
        ("employee", "Support robot", None),
    ],
)
def test_the_list_says_the_department(answer: str, text: str, orig: str | None) -> None:
    """``responsible`` of ticket_all is spelt as the habit says; the queue tells more in one answer only."""
    with scene(responsible=answer) as (one, ticket):
        home = one.department("Technical support")
        row = one.robot.row("ticket_all", ticket)
        assert row["responsible"] == text.format(id=home)
        assert row.get("responsible.orig") == (orig and orig.format(id=home))
        queued = one.robot.row("ticket", ticket).get("responsible.orig")
        assert (queued == f"d_{home}") == (answer in {"orig", "employee_with_queue_row"})


@pytest.mark.parametrize("answer", ["employee", "employee_with_queue_row"])
def test_a_form_may_keep_the_department_to_itself(answer: str) -> None:
    """Neither a field nor a selected option of the staff form says the department."""
    with scene(responsible=answer, form_department="selected") as (one, ticket):
        form = one.robot("ticket_all.edit", elid=ticket)
        assert not {"client_department", "responsible"} & form.keys()
        assert all("$selected" not in option for option in form["slist"][0]["val"])


@pytest.mark.parametrize(
    ("answer", "fields"),
    [
        ("both", {"client_department": "{id}", "responsible": "e_{robot}"}),
        ("client_department", {"client_department": "{id}"}),
        ("responsible", {"responsible": "d_{id}"}),
        ("selected", {}),
    ],
)
def test_the_form_says_the_department(answer: str, fields: dict[str, str]) -> None:
    """For a ticket that an employee has taken, the form alone says the department, in one of four ways."""
    with scene(responsible="employee_with_form", form_department=answer) as (one, ticket):
        one.running.habit(responsible="orig" if answer == "both" else "employee_with_form")
        one.act(as_="support-robot", do="take", ticket=ticket)
        home, robot = one.department("Technical support"), one.user("support-robot")
        form = one.robot("ticket_all.edit", elid=ticket)
        shown = {name: form[name]["$"] for name in ("client_department", "responsible") if name in form}
        assert shown == {name: value.format(id=home, robot=robot) for name, value in fields.items()}
        chosen = [option["$key"] for option in form["slist"][0]["val"] if "$selected" in option]
        assert chosen == ([home] if answer == "selected" else [])


@pytest.mark.parametrize(("answer", "names"), [("name", {"name"}), ("both", {"name", "locale_name"})])
def test_departments_have_a_name(answer: str, names: set[str]) -> None:
    """The list of departments shows names in the columns of the habit."""
    with server(department_names=answer) as one:
        row = one.admin.rows("department")[0]
        assert {name for name in ("name", "locale_name") if row.get(name) == "Technical support"} == names


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("orig", {"": ("New", "0"), "en": ("New", "0"), "ru": ("Новый", "0")}),
        ("number", {"": ("0", None), "en": ("0", None), "ru": ("0", None)}),
        ("words", {"": ("New", None), "en": ("New", None), "ru": ("New", None)}),
        ("words_documented", {"": ("New", None), "en": ("New", None), "ru": ("New", None)}),
        ("localised", {"": ("Новый", None), "en": ("New", None), "ru": ("Новый", None)}),
        ("lists", {"": (None, None), "en": (None, None), "ru": (None, None)}),
    ],
)
def test_the_state_is_shown(answer: str, shown: dict[str, tuple[str | None, str | None]]) -> None:
    """``tstatus`` is spelt as the habit says, for staff and client; no form has a number where lists have words."""
    with scene(state=answer) as (one, ticket):
        for lang, expected in shown.items():
            asked = {"lang": lang} if lang else {}  # the robot's own language is en, ivan's ru
            rows = [one.robot.row("ticket_all", ticket, **asked)]
            rows += [one.ivan.row("clientticket", ticket, **asked)] if lang else []
            for row in rows:
                assert (row.get("tstatus"), row.get("tstatus.orig")) == expected
        form = one.robot("ticket_all.edit", elid=ticket, lang="en")
        in_form = form.get("tstatus", {}).get("$")
        assert in_form == {"orig": "0", "number": "0", "lists": None}.get(answer, "New")
        assert ("tstatus" in {each["$name"] for each in form["slist"]}) == (answer in {"orig", "number"})


def test_words_for_all_states() -> None:
    """English words of an unread answer, a read one, a closed and an archived ticket are those of the references."""
    with scene(state="words") as (one, ticket):
        one.act(as_="support-robot", do="reply", ticket=ticket, text="Done.")
        seen = [one.ivan.row("clientticket", ticket)["tstatus"]]
        one.act(as_="ivan", do="read", ticket=ticket)
        seen.append(one.ivan.row("clientticket", ticket)["tstatus"])
        one.act(as_="ivan", do="archive", ticket=ticket)
        seen.append(one.ivan.row("clientticket_archive", ticket)["tstatus"])
        one.running.habit(state="words_documented")
        seen.append(one.robot.row("ticket_all", ticket)["tstatus"])
    assert seen == ["New replies", "Waiting to reply ", "Archived", "Archived"]
