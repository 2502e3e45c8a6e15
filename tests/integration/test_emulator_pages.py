"""The pages of the emulated billing, by plain HTTP: a client writes, staff answer, nothing comes alive."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.emulator_fixtures import RunningEmulator, running_emulator


@pytest.fixture
def acme() -> Iterator[RunningEmulator]:
    with running_emulator("acme") as running:
        yield running


@pytest.fixture
def people(acme: RunningEmulator) -> Iterator[dict[str, httpx.Client]]:
    """Browsers of a client, of staff of the department and of staff of another one."""
    browsers = {name: httpx.Client(base_url=acme.base, follow_redirects=True) for name in ("ivan", "olga", "petr")}
    for name, browser in browsers.items():
        assert browser.post("/sign-in", data={"login": name}).status_code == 200
    yield browsers
    for browser in browsers.values():
        browser.close()


def write(browser: httpx.Client, subject: str, text: str, department: str = "Technical support") -> tuple[str, str]:
    """A new ticket by the form: (its number, the page that follows)."""
    form = browser.get("/client/new").text
    (value,) = re.findall(rf'<option value="(\d+)">{department}</option>', form)
    sent = {"department": value, "subject": subject, "text": text}
    page = browser.post("/client/new", data=sent, files={"file": ("", b"")})
    return page.url.path.rpartition("/")[2], page.text


def test_a_ticket_goes_there_and_back(people: dict[str, httpx.Client]) -> None:
    """A client writes, staff find it in the queue and answer, the client reads the answer and archives."""
    ticket, _ = write(people["ivan"], "Помогите", "Не работает 🚀")
    assert f'id="ticket-{ticket}"' in people["olga"].get("/staff").text
    people["olga"].post(f"/staff/ticket/{ticket}/reply", data={"text": "Готово", "then": "close"})
    assert f'id="ticket-{ticket}"' not in people["olga"].get("/staff").text
    page = people["ivan"].get(f"/client/ticket/{ticket}").text
    assert "Готово" in page
    assert 'id="archive"' in page
    people["ivan"].post(f"/client/ticket/{ticket}/archive")
    assert f'id="ticket-{ticket}"' in people["ivan"].get("/client/archive").text


def test_nothing_written_comes_alive(people: dict[str, httpx.Client]) -> None:
    """Markup in subject, text and file name is shown as text on both sides, and no script may run."""
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"
    ticket, _ = write(people["ivan"], evil, evil)
    files = {"file": (f"{evil}.txt", b"abc")}
    people["ivan"].post(f"/client/ticket/{ticket}/reply", data={"text": evil}, files=files)
    for browser, path in (
        ("ivan", f"/client/ticket/{ticket}"),
        ("olga", f"/staff/ticket/{ticket}"),
        ("olga", "/staff"),
    ):
        answer = people[browser].get(path)
        assert "<script" not in answer.text
        assert "<img" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_note_is_shown_to_staff_only(people: dict[str, httpx.Client]) -> None:
    """The note has a class of its own on the staff page and is not on the client's."""
    ticket, _ = write(people["ivan"], "S", "t")
    page = people["olga"].post(f"/staff/ticket/{ticket}/note", data={"text": "secret remark"}).text
    assert re.search(r'class="note">\s*.*\s*<p>secret remark', page)
    assert "secret remark" not in people["ivan"].get(f"/client/ticket/{ticket}").text


def test_a_transfer_moves_it_to_the_others(people: dict[str, httpx.Client], acme: RunningEmulator) -> None:
    """After the transfer one is back at the queue, the other department has it, and the first sees it no more."""
    ticket, _ = write(people["ivan"], "S", "t")
    sales = next(each["id"] for each in acme.state()["departments"] if each["name"] == "Sales")
    moved = people["olga"].post(f"/staff/ticket/{ticket}/transfer", data={"to": sales})
    assert (moved.status_code, moved.url.path) == (200, "/staff")
    assert 'id="problem"' in people["olga"].get(f"/staff/ticket/{ticket}").text
    assert f'id="ticket-{ticket}"' in people["petr"].get("/staff").text


def test_taking_keeping_and_closing(people: dict[str, httpx.Client], acme: RunningEmulator) -> None:
    """Take and answer-and-keep leave it in the queue, closing takes it off without a message."""
    ticket, _ = write(people["ivan"], "S", "t")
    people["olga"].post(f"/staff/ticket/{ticket}/take")
    page = people["olga"].post(f"/staff/ticket/{ticket}/reply", data={"text": "Wait", "then": "keep"}).text
    assert 'id="close"' in page
    people["olga"].post(f"/staff/ticket/{ticket}/close")
    (row,) = acme.state()["tickets"]
    assert (row["status"], row["assignments"]) == (3, [])


def test_files_are_downloads(people: dict[str, httpx.Client]) -> None:
    """An attachment is offered as a download of opaque bytes to those who may see the ticket."""
    ticket, _ = write(people["ivan"], "S", "t")
    files = {"file": ("ш.html", b"<script>1</script>")}
    page = people["ivan"].post(f"/client/ticket/{ticket}/reply", data={"text": ""}, files=files).text
    (path,) = re.findall(r'href="(/file/\d+)"', page)
    answer = people["olga"].get(path)
    assert answer.content == b"<script>1</script>"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert people["petr"].get(path).status_code == 409


def test_an_empty_message_is_refused_on_a_page(people: dict[str, httpx.Client]) -> None:
    """The page says what was wrong, with the id that tests look for."""
    ticket, _ = write(people["ivan"], "S", "t")
    answer = people["ivan"].post(f"/client/ticket/{ticket}/reply", data={"text": "  "})
    assert (answer.status_code, 'id="problem"' in answer.text) == (409, True)


def test_nobody_reads_without_signing_in(acme: RunningEmulator, people: dict[str, httpx.Client]) -> None:
    """Strangers are sent to the choice of people, and a client is kept off the staff pages."""
    with httpx.Client(base_url=acme.base) as stranger:
        assert stranger.get("/staff").headers["location"] == "/"
        assert 'id="as-olga"' in stranger.get("/").text
    assert people["ivan"].get("/staff").url.path == "/client"
    people["ivan"].post("/sign-out")
    assert people["ivan"].get("/client").url.path == "/"
