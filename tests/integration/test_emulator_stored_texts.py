"""The habit ``stored_text`` of an emulated server: what it makes of a text before anybody sees it again."""

from __future__ import annotations

import pytest

from remotesupport.emulator.habits import HABITS
from remotesupport.emulator.stored_texts import CHANGES, stored
from tests.emulator_fixtures import running_emulator

SHOWN = {
    "as_it_is": ("a 😀 b", "a 😀 b"),
    "trimmed": (" a \nb  ", "a\nb"),
    "wrapped": ("a" * 60 + " " + "b" * 20, "a" * 60 + "\n" + "b" * 20),
    "signature": ("a", "a\n\n-- \nYour support team\nhttps://billing.example/help"),
    "footer": ("a", "a\nThis message was sent from the customer area."),
    "greeting": ("a", "Hello!\n\na\n\n-- \nYour support team\nhttps://billing.example/help"),
    "composed": ("e\u0301", "\u00e9"),
    "without_tags": ("<VirtualHost *:80> a", " a"),
    "doubled_line_ends": ("a\nb", "a\r\n\r\nb"),
    "cut_characters": ("a" * 2001, "a" * 2000),
    "cut_bytes": ("б" * 32_768, "б" * 32_767),
    "emoji_question_mark": ("a 😀 b", "a ? b"),
    "emoji_question_marks": ("a 😀 b", "a ???? b"),
    "emoji_replacement": ("a 😀 b", "a \ufffd b"),
    "emoji_nothing": ("a 😀 b", "a  b"),
    "emoji_end": ("a 😀 b", "a "),
    "entities": ('a "b" & <c>', "a &quot;b&quot; &amp; &lt;c&gt;"),
}


def test_every_answer_is_in_the_table() -> None:
    """The table of habits and what is done are the same list."""
    (habit,) = [h for h in HABITS if h.name == "stored_text"]
    assert [*CHANGES] == [*habit.names] == [*SHOWN]


@pytest.mark.parametrize("answer", SHOWN)
def test_the_text_is_kept_as_the_answer_says(answer: str) -> None:
    """Each answer changes a text in its own way."""
    said, shown = SHOWN[answer]
    assert stored(answer, said) == shown


@pytest.mark.parametrize("version", ["4.0.68", "6.94.1"])
def test_all_that_is_written_is_kept_so(version: str) -> None:
    """Clients, staff and edits alike, in every version; what the server itself writes stays."""
    with running_emulator("acme", version, habits={"stored_text": "emoji_end"}) as acme:
        opened = acme.act(as_="ivan", do="open", department="Technical support", subject="s", text="E 😀 1")
        said = acme.act(as_="olga", do="reply", ticket=opened["ticket"], text="S 😀 1")
        acme.act(as_="olga", do="edit", message=said["message"], text="S2 😀")
        assert [m["text"] for m in acme.state()["messages"]] == ["E ", "S2 "]
