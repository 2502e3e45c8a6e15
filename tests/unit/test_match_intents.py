"""Matching our writes with a read-back: by position and text, never by time."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from remotesupport.core.messages.match_intents import could_be, match_written
from remotesupport.core.model import ChangeKind, Direction, FileRef, MessageKind, MessageRow
from remotesupport.core.records import Carried, Intent, IntentState
from remotesupport.core.text.normalize import body_hash

AT = datetime(2026, 11, 20, tzinfo=UTC)


def intent(number: int | None, body: str, **more: Any) -> Intent:
    """An intent to post ``body`` to main."""
    given = {
        "key": f"k{number}", "connection": "acme", "kind": ChangeKind.POST, "direction": Direction.TO_MAIN,
        "ext_ticket": "1", "main_ticket": "900", "body_hash": body_hash(body), "files_hash": "", "last_known": None,
        "last_ordinal": -1, "deadline": AT, "run": "r", "id": number,
    }  # fmt: skip
    return Intent(**(given | more))


def row(number: int, body: str, kind: MessageKind = MessageKind.CLIENT, own: bool | None = None) -> MessageRow:
    """A message m<number> with that ordinal."""
    return MessageRow(f"m{number}", number, kind, "x", body, own=own)


def test_found_in_another_wrapping() -> None:
    """Our text is found though the server wrapped it."""
    assert match_written([intent(1, "a & b")], [row(0, "x"), row(1, "a &amp; b\r\n")], set()) == {1: "m1"}


def test_equal_texts_stay_two() -> None:
    """Two writes of equal texts are two messages, in order; a third one has none."""
    thread = [row(1, "ok"), row(0, "ok")]
    assert match_written([intent(8, "ok"), intent(7, "ok"), intent(9, "ok")], thread, set()) == {7: "m0", 8: "m1"}


def test_of_equal_texts_the_one_with_as_many_files_is_ours() -> None:
    """Files tell equal texts apart; one whose file was lost is still found where there is no better."""
    bare, full = row(0, "see file"), replace(row(1, "see file"), files=(FileRef("f1", "a.txt"),))
    ours = intent(1, "see file", files_hash="ab12")
    assert match_written([ours], [bare, full], set()) == {1: "m1"}
    assert match_written([ours], [bare], set()) == {1: "m0"}
    assert match_written([intent(1, "see file")], [full, row(2, "see file")], set()) == {1: "m2"}


def test_taken_messages_do_not_count() -> None:
    """A message that some receipt names already is not ours a second time."""
    assert match_written([intent(1, "ok")], [row(0, "ok"), row(1, "ok")], {"m0"}) == {1: "m1"}


def test_only_behind_the_last_known() -> None:
    """What stood in the thread before the write is not the write."""
    thread = [row(0, "ok"), row(1, "else"), row(2, "ok")]
    assert match_written([intent(1, "ok", last_known="m1")], thread, set()) == {1: "m2"}
    assert match_written([intent(1, "ok", last_known="m2")], thread, set()) == {}
    assert match_written([intent(1, "ok", last_known="lost", last_ordinal=0)], thread, set()) == {1: "m2"}


def test_only_what_we_could_have_written() -> None:
    """Other kinds and other people's messages are not ours, an unsaid author may be."""
    staff = MessageKind.STAFF
    assert match_written([intent(1, "ok")], [row(0, "ok", staff), row(1, "ok", own=False)], set()) == {}
    assert match_written([intent(1, "ok")], [row(0, "ok", MessageKind.NOTE), row(1, "ok", own=True)], set()) == {
        1: "m1"
    }
    outward = intent(1, "ok", direction=Direction.TO_EXTERNAL)
    assert match_written([outward], [row(0, "ok"), row(1, "ok", staff)], set()) == {1: "m1"}


def test_nothing_to_match() -> None:
    """An intent that was never stored, and an empty thread, match nothing."""
    assert match_written([intent(None, "ok")], [row(0, "ok")], set()) == {}
    assert match_written([intent(1, "ok")], [], set()) == {}


def test_a_notice_is_not_the_message_that_was_lost() -> None:
    """A write that main promised and lost is no notice of ours there; in other words it still names its source."""
    promised = intent(1, "text 7", state=IntentState.ACKED, covers=(Carried("7", "hash"),), last_known="m0")
    notice = row(1, "acme #1 was closed there.", own=True)
    signed = row(2, "acme #1/7 | Ann (client) | now\ntext 7, and words of the server", own=True)
    assert match_written([promised], [row(0, "x"), notice], set()) == {}
    assert could_be(promised, [row(0, "x"), notice], set()) == []
    assert match_written([promised], [row(0, "x"), notice, signed], set()) == {1: "m2"}
