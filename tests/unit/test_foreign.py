"""The border for foreign text and numbers: harmless, short, without secrets."""

from __future__ import annotations

import logging
import pickle

import pytest

from connectors.billmanager import v4_answers, v6_errors
from connectors.billmanager.request import Answer, Call
from connectors.errors import ConnectorError, ProtocolError
from remotesupport.core.text.foreign import Redactor, natural, quoted, seconds, visible
from remotesupport.logs import RedactingFormatter

PASSWORD = "invented one/77"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;x\x07", "␛]0;x␇"),
        ("a\x00b\x7f", "a␀b␡"),
        ("\u202eabc\u2066\u200f", "⟨U+202E⟩abc⟨U+2066⟩⟨U+200F⟩"),
        ("\x9b31m\ud800", "⟨U+009B⟩31m⟨U+D800⟩"),
        ("a\u2028b", "a⟨U+2028⟩b"),
        ("Пётр 🙂 \u0301 \u00a0", "Пётр 🙂 \u0301 \u00a0"),
    ],
)
def test_what_could_steer_is_shown(text: str, shown: str) -> None:
    """W8: controls and direction marks are shown as stand-ins, and everything else stays."""
    assert visible(text) == shown


@pytest.mark.parametrize("text", ["²", "٣", "-1", "+1", "1_000", "", "nan", "1e9", "9" * 5000, "1.5", None])
def test_what_is_no_plain_number_is_none(text: str | None) -> None:
    """W7: a number from outside is ASCII digits of a sane length, or it is none."""
    assert natural(text) is None


@pytest.mark.parametrize(
    ("header", "wait"), [("nan", None), ("inf", None), ("-1", None), ("1e9", None), ("²", None), ("1.2.3", None),
                         ("9" * 500, None), ("9" * 20, 3600.0), ("2.5", 2.5), (" 7 ", 7.0), (None, None)]
)  # fmt: skip
def test_a_wait_is_finite_and_bounded(header: str | None, wait: float | None) -> None:
    """W7: a span that a server asks for is a finite number of seconds up to the bound, or it was not asked for."""
    assert seconds(header, 3600.0) == wait


@pytest.mark.parametrize("shown", ["type", "object", "text"])
def test_an_echoed_secret_is_in_no_error(shown: str) -> None:
    """W10: a password that comes back in an error's type, object or text is in no field and no form of the error."""
    parts = {"type": "access", "object": "x", "text": "no"} | {shown: PASSWORD}
    body = '<doc><error type="{type}" object="{object}"><msg>{text}</msg></error></doc>'.format(**parts).encode()
    with pytest.raises(ConnectorError) as raised:
        v6_errors.read(Answer(200, "utf-8", None, body), Call("ticket"), "acme", secrets=[PASSWORD])
    assert PASSWORD not in str(raised.value) + repr(raised.value) + str(vars(raised.value))


@pytest.mark.parametrize("shown", ["code", "obj", "msg"])
def test_an_echoed_secret_is_in_no_error_of_version_4(shown: str) -> None:
    """W10: nor is it in an error of version 4."""
    parts = {"code": "9", "obj": "x", "msg": "no"} | {shown: PASSWORD}
    body = '{{"error":{{"code":"{code}","obj":"{obj}","msg":"{msg}"}}}}'.format(**parts).encode()
    with pytest.raises(ConnectorError) as raised:
        v4_answers.read(Answer(200, "utf-8", None, body), Call("ticket"), "acme", secrets=[PASSWORD])
    assert PASSWORD not in str(raised.value) + repr(raised.value) + str(vars(raised.value))


@pytest.mark.parametrize("secret", ["four", "a b  c", "with\x1bcontrol", "per cent/%"])
def test_words_with_a_secret_are_left_out(secret: str) -> None:
    """W10: words of a billing that hold a secret, in whatever form, are left out whole."""
    assert quoted(f"no, {secret} is wrong", 120, [secret]) == ""
    assert quoted("no,\n that\x1b is wrong", 120, [secret]) == "no, that␛ is wrong"


def test_an_error_is_harmless_and_short_whatever_it_was_given() -> None:
    """W8: an error's text has nothing that steers a terminal and a bounded length, also after a change of process."""
    error = ProtocolError("\x1b[2J" + "x" * 10_000, billing="acme", ticket="\u202e7" * 1000, function="f\x07")
    for one in (error, pickle.loads(pickle.dumps(error))):
        assert visible(str(one)) == str(one)
        assert len(str(one)) < 3000


@pytest.mark.parametrize("text", ["a." * 40_000, "a://" * 30_000, "secret " * 20_000, "billmgrses" * 20_000])
def test_a_record_is_cut_before_it_is_cleaned(text: str) -> None:
    """W4: a record of any length becomes a line of bounded length, with a word on what was left out."""
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", (text,), None)
    line = RedactingFormatter(Redactor(["invented-secret"])).format(record)
    assert len(line) < 20_000
    assert "more characters" in line


@pytest.mark.parametrize("before", range(90, 101))
def test_a_cut_never_shows_part_of_a_secret(before: int) -> None:
    """W4: a secret that the cut would go through is left out whole."""
    assert "inven" not in Redactor(["invented-secret"])("x" * before + "invented-secret" + "y" * 50, 100)


def test_a_record_cannot_steer_a_terminal() -> None:
    """W8: escape sequences of a billing's text are readable in the log and do nothing."""
    record = logging.LogRecord("x", logging.INFO, "", 0, "said %s", ("\x1b]0;x\x07\u202e",), None)
    assert "said ␛]0;x␇⟨U+202E⟩" in RedactingFormatter(Redactor()).format(record)
