"""Whether the end of a thread is two machines that answer each other."""

from __future__ import annotations

from typing import Any

import pytest

from remotesupport.core.messages.machine_talk import ROUNDS, rounds
from remotesupport.core.model import Side

NINE = 9 * 3600


def said(who: str, seconds: int, number: int = 0) -> dict[str, Any]:
    """A message of somebody, so many seconds after nine."""
    at = NINE + seconds
    clock = f"{at // 3600:02d}:{at // 60 % 60:02d}:{at % 60:02d}"
    return {"kind": who, "own": None, "at_text": f"2026-11-20 {clock}", "ordinal": number or seconds}


def talk(times: int, *, pause: int = 60, answer: int = 2) -> list[dict[str, Any]]:
    """In main: a client's message, and support's answer so many seconds later; again and again."""
    return [
        said(who, n * pause + after) for n in range(1, times + 1) for who, after in (("client", 0), ("staff", answer))
    ]


def test_each_quick_answer_is_a_round() -> None:
    """Answers within seconds are counted from the end of the thread."""
    assert rounds(talk(ROUNDS), Side.MAIN) == ROUNDS


@pytest.mark.parametrize("answer", [11, 40])
def test_who_takes_his_time_is_a_person(answer: int) -> None:
    """An answer that took more than ten seconds is no round."""
    assert rounds(talk(9, answer=answer), Side.MAIN) == 0


def test_a_persons_word_ends_the_row() -> None:
    """After one slow answer at the end nothing before it counts; after one in the middle only what follows."""
    assert rounds([*talk(9), said("client", 700), said("staff", 800)], Side.MAIN) == 0
    assert rounds([said("client", 1), said("staff", 40), *talk(2)], Side.MAIN) == 2


def test_a_machine_that_thanks_a_patient_client_is_none() -> None:
    """Quick thanks for messages that come with pauses as people make them are no talk of machines."""
    assert rounds(talk(9, pause=400), Side.MAIN) == 1


@pytest.mark.parametrize("thread", [[], talk(1)[:1], [said("staff", 1), said("staff", 2)]])
def test_no_answer_is_no_round(thread: list[dict[str, Any]]) -> None:
    """Where the last two are not ours and an answer to it there is nothing to count."""
    assert rounds(thread, Side.MAIN) == 0


def test_dates_that_cannot_be_read_count_as_none() -> None:
    """A thread without dates says nothing."""
    assert rounds([{**row, "at_text": "soon"} for row in talk(9)], Side.MAIN) == 0


def test_notes_are_no_answers() -> None:
    """System messages between are not looked at."""
    thread = talk(3)
    assert rounds([*thread, said("system", 999)], Side.MAIN) == 3


def test_outside_ours_is_what_staff_say() -> None:
    """In an external thread we are the staff and the client's machine is the other; their own staff is neither."""
    mirrored = [{**row, "kind": {"client": "staff", "staff": "client"}[row["kind"]]} for row in talk(4)]
    assert rounds(mirrored, Side.EXTERNAL) == 4
    assert rounds([{**row, "own": "no"} for row in mirrored], Side.EXTERNAL) == 0
