"""Version 4's conversation in HTML: every message as it is, or the whole ticket rejected; never a forged one."""

from __future__ import annotations

import contextlib
import time
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.billmanager.v4_hist import messages
from connectors.billmanager.v6_rows import BadRow
from remotesupport.core.model import PEOPLE, MessageKind

ZONE = "Europe/Moscow"
AT = "2026-11-20 10:15:00"
KINDS = {
    "support-msg": MessageKind.CLIENT,
    "support-msg-admin": MessageKind.STAFF,
    "support-msg-note": MessageKind.NOTE,
}


def block(kind: str, name: str, body: str) -> str:
    """One message; ``body`` is HTML already."""
    said = f"<div class='support-from'>From: {escape(name, quote=False)} - {AT}</div>"
    return f"<div class='{kind}'>{said}<div class='support-body'>{body}</div></div>"


def framed(kind: str, name: str, body: str, before: str, around: str, outside: str) -> str:
    """The same message with decoration: before its name, around name and text, around the whole of it."""
    said = f"<div class='support-from'>From: {escape(name, quote=False)} - {AT}</div>"
    inner = around.format(f"{said}<div class='support-body'>{body}</div>")
    return outside.format(f"<div class='{kind}'>{before}{inner}</div>")


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\x85"), max_size=30)
SAID = st.lists(st.tuples(st.sampled_from(sorted(KINDS)), WORDS), min_size=1, max_size=5)


@settings(max_examples=200)
@given(SAID)
def test_what_is_escaped_comes_out_as_it_was_said(said: list[tuple[str, str]]) -> None:
    """Any text of any kind, in order; equal messages have different keys."""
    read = messages("".join(block(kind, "Ann", escape(body, quote=False)) for kind, body in said), ZONE)
    assert [(m.kind, m.body) for m in read] == [(KINDS[kind], body) for kind, body in said]
    assert len({m.message for m in read}) == len(said)


BEFORE = [
    "", "<img src='/a.png'>", "<div><img src='/a.png'></div>",
    "<div class='support-avatar'><a href='#'><img></a></div>",
    "<span class='x y'><b class='z'></b></span><br/>", "<table><tr><td><img></td></tr></table>",
]  # fmt: skip
AROUND = ["{}", "<div class='text'>{}</div>", "<div><div class='a b'>{}</div><div class='clear'></div></div>"]
OUTSIDE = ["{}", "<div class='row'><div class='pic'><img></div>{}</div>", "\n<hr>\n{}\n"]


@settings(max_examples=200)
@given(SAID, st.sampled_from(BEFORE), st.sampled_from(AROUND), st.sampled_from(OUTSIDE), st.booleans())
def test_decoration_of_any_nesting_is_skipped(
    said: list[tuple[str, str]], before: str, around: str, outside: str, contained: bool
) -> None:
    """An avatar in a box, a box around name and text or around everything: the same messages, of the same keys."""
    plain = messages("".join(block(kind, "Ann", escape(body, quote=False)) for kind, body in said), ZONE)
    parts = [framed(kind, "Ann", escape(body, quote=False), before, around, outside) for kind, body in said]
    text = "".join(parts)
    assert messages(f"<div class='history'>{text}</div>" if contained else text, ZONE) == plain


@pytest.mark.parametrize("decoration", ["<div>word</div>", "<span>word", "word", "<div><img>word</div>", "<b>!</b>"])
@pytest.mark.parametrize("place", ["before", "outside"])
def test_text_outside_of_a_message_rejects_the_conversation(decoration: str, place: str) -> None:
    """What says something and is neither name nor text could be a message that is not understood."""
    before = decoration if place == "before" else ""
    with pytest.raises(BadRow):
        messages(framed("support-msg", "Ann", "one", before, "{}", decoration + "{}" if not before else "{}"), ZONE)


@pytest.mark.parametrize("tag", ["div", "span", "table", "b", "p"])
@pytest.mark.parametrize("inner", ["support-msg-note", "support-note", "note"])
def test_a_message_never_takes_in_the_next_one(tag: str, inner: str) -> None:
    """Unescaped markup that opens a box of another kind around the note behind it: the note is never a client's."""
    opened = f"</div></div><{tag} class='support-msg'><div><div>"
    text = block("support-msg", "Eve", f"one{opened}") + block(inner, "Bob", "NOTE")
    try:
        read = messages(text, ZONE)
    except BadRow:
        return
    assert all(m.kind not in PEOPLE for m in read if "NOTE" in m.body or m.author == "Bob")


HOSTILE = [
    "<!-- ", "<!-- --> x", "<!DOCTYPE html>", "<![CDATA[ x", "<?php x", "</div>", "</div></div>", "<div>",
    "<div><div>", "<b>", "<table><tr><td>", "<table><div class='support-msg'>", "<select><option>",
    "<textarea>", "<title>", "<plaintext>", "<xmp>", "<noscript>", "<svg><style>", "<math>", "<script>",
    "<script>x</script>", "<style>", "<iframe>", "<frameset>", "<body>", "</body>", "</html>", "<html>",
    "<head>", "<form>", "<a href='javascript:x'>y", "<img src=x onerror=y>", "<p><p>", "<li>", "&#0;", "\x00",
    "&bogus;", "&", "<", "<>", "< div>", "<div", "<div class='support-msg", "<div class='support-body'>",
    "<div class='support-from'>From: Boss - 2026-11-20 10:15:00</div>",
    "</div></div><div class='support-note'>", "<br><br/>", "<q", "\ufffe", "\u202e", "<template><div>",
    "<object>",
]  # fmt: skip


@pytest.mark.parametrize("around", ["{}", "<div class='text'>{}</div>"])
@pytest.mark.parametrize("raw", HOSTILE)
def test_unescaped_markup_costs_no_other_message(raw: str, around: str) -> None:
    """Markup that a server failed to escape: the others stand as they are, or the ticket is rejected."""
    said = [("support-msg", "Ann", "one"), ("support-msg", "Eve", raw), ("support-msg-note", "Bob", "3")]
    text = "".join(framed(kind, name, body, "", around, "{}") for kind, name, body in said)
    try:
        read = messages(text, ZONE)
    except BadRow:
        return
    assert [(m.author, m.kind) for m in read] == [
        ("Ann", MessageKind.CLIENT),
        ("Eve", MessageKind.CLIENT),
        ("Bob", MessageKind.NOTE),
    ]
    assert (read[0].body, read[2].body) == ("one", "3")


@pytest.mark.parametrize("piece", ["<div>", "<b>", "&amp;", "<br>", "</div>", "<!--", "<table>"])
def test_a_megabyte_of_markup_takes_no_more_than_its_share(piece: str) -> None:
    """Four times as much takes a few times as long, not its square; deep nesting is rejected or read, nothing else."""

    def took(size: int) -> float:
        text = block("support-msg", "Ann", piece * (size // len(piece)))
        began = time.process_time()
        with contextlib.suppress(BadRow):
            messages(text, ZONE)
        return time.process_time() - began

    took(1000)
    small, big = took(250_000), took(1_000_000)
    assert big < 16 * max(small, 0.01)
