"""What a server made of a text: told from an edit, and described in words without a part of the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesupport.core.text.altered import LEAST_CUT, MOST_BEHIND, added_around, altered, is_like
from remotesupport.core.text.normalize import body_hash, canonical
from remotesupport.emulator.stored_texts import CHANGES, stored

TEXT = 'Please restart it 😀 and then\nlook at "status": it\'s green & fine. Сделано 👍🏽 already.\n\nAnna'
LONG = " ".join(f"word{n}" for n in range(800))
# The habit of a server → whether text is missing afterwards; None where nothing is to be told.
KINDS = {
    "as_it_is": None, "trimmed": None, "wrapped": False, "signature": False, "footer": False, "greeting": False,
    "composed": None, "without_tags": None, "doubled_line_ends": None, "emoji_question_mark": False,
    "emoji_question_marks": False, "emoji_replacement": False, "emoji_nothing": False, "emoji_end": True,
    "entities": None,
}  # fmt: skip


@pytest.mark.parametrize("habit", KINDS)
def test_what_a_server_does_to_a_text_is_no_edit(habit: str) -> None:
    """Each kind is known again, and only those after which words are gone say so."""
    found = altered(TEXT, stored(habit, TEXT))
    assert found is None or found.like
    assert (found.missing if found else None) == KINDS[habit] or (habit == "wrapped" and found is None)


@pytest.mark.parametrize("habit", [name for name in CHANGES if name.startswith("cut")])
def test_a_text_that_ends_too_soon_is_missing_its_end(habit: str) -> None:
    """It says after how many characters, and is no edit."""
    whole = LONG * (20 if habit == "cut_bytes" else 1)
    found = altered(whole, stored(habit, whole))
    assert found is not None
    assert (found.missing, found.like) == (True, True)
    assert "it ends after" in found.what


AROUND = {"signature": "behind", "footer": "behind", "greeting": "before and behind"}


@pytest.mark.parametrize(("habit", "where"), AROUND.items())
def test_a_text_known_by_its_hash_is_found_between_what_a_server_added(habit: str, where: str) -> None:
    """Though the source was edited since, nobody is told that words are missing; more lines than it looks at are."""
    found = added_around(body_hash(TEXT), stored(habit, TEXT))
    assert found is not None
    assert (found.missing, found.like) == (False, True)
    assert f"added {where}" in found.what
    assert added_around(body_hash(TEXT), stored(habit, LONG)) is None
    assert added_around(body_hash(TEXT), TEXT + "\nx" * (MOST_BEHIND + 1)) is None


REPLACED = [
    ("a 🚀 Ёлка", "a ???? Ёлка"),
    ("a 🚀 Ёлка", "a ? Ёлка"),
    ("🚀🚀 б?", "?? б?"),
    ("🚀? Да", "????? Да"),
    ("х 👍🏽", "х ????????"),
]


@pytest.mark.parametrize(("sent", "shown"), REPLACED)
def test_stand_ins_beside_letters_take_none_of_them(sent: str, shown: str) -> None:
    """However many signs stand for one character, the words around it are known again."""
    found = altered(sent, shown)
    assert found is not None
    assert (found.missing, found.like) == (False, True)


EDITS = [
    ("M1 now", "M1"), ("M1", "M2"), ("Да", "Нет"), ("restart it", "restart it, then wait"),
    ("We are closed on Monday.", "We are closed on Friday."), ("👍", "👎"), ("", "some text"), ("M<12>", "M<1>"),
]  # fmt: skip


@pytest.mark.parametrize(("now", "shown"), EDITS)
def test_other_words_are_an_edit(now: str, shown: str) -> None:
    """A word more, a word less or another word is never taken for the server's doing."""
    assert not is_like(now, shown)


GONE = [("👍", "?"), ("👍", ""), ("привет", "??????"), ("use <VirtualHost *:80> here", "use  here"), ("a 😀 b", "a ")]


@pytest.mark.parametrize(("sent", "shown"), GONE)
def test_words_that_cannot_be_read_are_missing(sent: str, shown: str) -> None:
    """So is a message that was nothing but what the server cannot keep."""
    found = altered(sent, shown)
    assert found is not None
    assert found.missing
    assert found.like or sent == "привет"


def test_a_cut_text_with_a_signature_is_missing_its_end() -> None:
    """Both at once are known again."""
    found = altered(LONG, f"{LONG[:1000]}\n\n-- \nYour support")
    assert found is not None
    assert (found.missing, found.like) == (True, True)


@given(st.text(), st.sampled_from(sorted(CHANGES)))
def test_the_words_hold_no_part_of_the_text(text: str, habit: str) -> None:
    """Whatever was written, the description is made of our own words and numbers."""
    found = altered(text, stored(habit, text))
    if found is not None:
        assert found.what.isascii()
        assert len(found.what) < 200


@given(st.text(min_size=1), st.sampled_from(["trimmed", "composed", "doubled_line_ends", "entities"]))
def test_a_form_is_never_missing(text: str, habit: str) -> None:
    """What only gives a text another form takes nothing away from it."""
    found = altered(canonical(text), stored(habit, canonical(text)))
    assert found is None or not found.missing or "angle" in found.what


@given(st.text(alphabet=st.characters(max_codepoint=0x2FF, categories=["L", "N", "Zs"]), min_size=1), st.data())
def test_a_beginning_is_always_missing_something(text: str, data: st.DataObject) -> None:
    """A proper beginning of letters and digits is never the whole."""
    end = data.draw(st.integers(0, len(text) - 1))
    rest = "".join(c for c in canonical(text[end:]) if c.isalnum())
    found = altered(text, text[:end])
    if rest and len(canonical(text[:end])) < len(canonical(text)):
        assert found is not None
        assert found.missing


@given(st.text(min_size=LEAST_CUT, max_size=400), st.text(max_size=400))
def test_it_never_fails(sent: str, shown: str) -> None:
    """Any two texts have an answer."""
    found = altered(sent, shown)
    assert (found is None) == (canonical(sent) == canonical(shown))
