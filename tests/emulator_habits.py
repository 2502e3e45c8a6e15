"""An emulated server with chosen habits, and the calls that its laws are tried with, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.emulator_fixtures import RunningEmulator, password_of, running_emulator

DEPARTMENT = "Technical support"


class HttpLogin:
    """One login's calls, each with its password: ``login("ticket_all", p_cnt="2")`` → what is in ``doc``."""

    def __init__(self, url: str, login: str) -> None:
        self.url, self._secret = url, f"{login}:{password_of(login)}"

    def raw(self, func: str, **params: str) -> httpx.Response:
        """The answer as it comes."""
        form = {"func": func, "out": "json", "authinfo": self._secret} | params
        return httpx.post(self.url, data=form, follow_redirects=False)

    def __call__(self, func: str, **params: str) -> dict[str, Any]:
        doc: dict[str, Any] = self.raw(func, **params).json()["doc"]
        return doc

    def rows(self, func: str, **params: str) -> list[dict[str, str]]:
        """The rows of a list: text of each column, and ``<column>.orig`` where there is one."""
        return [_flat(elem) for elem in self(func, **params).get("elem", [])]

    def row(self, func: str, ticket: str, **params: str) -> dict[str, str]:
        """The row of one ticket (in a queue: of its assignment)."""
        (found,) = [row for row in self.rows(func, **params) if ticket in {row.get("ticket"), row["id"]}]
        return found

    def messages(self, func: str, ticket: str) -> list[dict[str, Any]]:
        """Every row of the thread, in the order in which it came."""
        return [each for group in self(func, elid=ticket).get("mlist", []) for each in group["message"]]

    def thread(self, func: str, ticket: str) -> list[tuple[str, str]]:
        """(type, text) of every row that has a text."""
        return [(each["$type"], each["body"]["$"]) for each in self.messages(func, ticket) if "body" in each]


class Server:
    """A running emulator, its people as logins, and its side door."""

    def __init__(self, running: RunningEmulator) -> None:
        self.running, self.base, self.act = running, running.base, running.act
        logins = ("ivan", "support-robot", "olga", "admin")
        self.ivan, self.robot, self.olga, self.admin = (HttpLogin(running.url, login) for login in logins)

    def department(self, name: str) -> str:
        """The id of a department."""
        return next(each["id"] for each in self.running.state()["departments"] if each["name"] == name)

    def user(self, login: str) -> str:
        """The id of a user."""
        return next(each["id"] for each in self.running.state()["users"] if each["login"] == login)

    def ticket(self, ticket: str) -> dict[str, Any]:
        """As it really is, whatever the server shows."""
        return next(each for each in self.running.state()["tickets"] if each["id"] == ticket)


@contextmanager
def server(version: str = "6.94.1", **habits: str) -> Iterator[Server]:
    """A server with these habits and no tickets."""
    with running_emulator("acme", version, habits=habits) as running:
        yield Server(running)


def open_ticket(one: Server, text: str = "It broke.") -> str:
    """A ticket of ivan's in Technical support, by the side door."""
    made = one.act(as_="ivan", do="open", department=DEPARTMENT, subject="Help", text=text)
    return str(made["ticket"])


def _flat(elem: dict[str, Any]) -> dict[str, str]:
    flat = {name: value.get("$", "") for name, value in elem.items()}
    return flat | {f"{name}.orig": value["$orig"] for name, value in elem.items() if "$orig" in value}
