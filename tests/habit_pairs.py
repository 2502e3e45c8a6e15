"""Combinations of habits of two servers in which every pair of answers occurs: a covering array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TypeAlias

from allpairspy import AllPairs

from remotesupport.emulator.habits import HABITS

VERSIONS = {"4": ("4.0.63",), "5 and 6": ("5.350.1", "6.94.1")}
RELEASES = {"4": "4", "5 and 6": "6"}  # versions 5 and 6 have the same habits
SIDES = ("acme", "main")

# Reactions of a server to what the product writes there. The others are reactions to what people do.
OURS = {
    "acme": ("after_answer", "after_close", "after_reopen"),
    "main": ("after_new_ticket", "after_client_message", "after_archive", "after_client_reopen"),
}
# Answers with which the main job cannot be done; tests/integration/test_habits_not_told.py says what comes instead.
CANNOT = {
    ("acme", "responsible"): {"employee"},
    ("main", "responsible"): {"employee"},
    ("acme", "state"): {"lists"},
    ("acme", "staff_types"): {"client_outcoming"},
    ("acme", "message_refusal"): {"blocked", "paid"},
    ("main", "message_refusal"): {"blocked", "paid"},
    ("main", "after_archive"): {"open", "awaiting", "closed", "unchanged", "drawn"},  # its close is parked, in words
    ("acme", "after_reopen"): {"awaiting", "closed", "archived", "unchanged", "drawn"},
}
# Once answered, such a ticket is in no queue, which alone says its department; what is said there waits, in words.
HIDDEN = {("acme responsible", "employee_with_queue_row"), ("acme reply_reopens", "no")}
# What a server makes of our texts is tried by itself, in every answer (tests/integration/test_changed_texts.py): with
# it there would be twice as many combinations.
APART = {"stored_text"}
Combination: TypeAlias = Mapping[str, str]  # "acme version", "main state" … → the answer


def parameters(group: str) -> dict[str, list[str]]:
    """Everything that varies in a group, as ``side habit`` → its answers."""
    found = {f"{side} version": list(VERSIONS[group]) for side in SIDES if len(VERSIONS[group]) > 1}
    for side in SIDES:
        for habit in HABITS:
            ours = not habit.name.startswith("after_") or habit.name in OURS[side]
            answers = [a for a in habit.names if a not in CANNOT.get((side, habit.name), ())]
            mixed = ours and habit.name not in APART
            if RELEASES[group] in habit.versions and mixed and len(answers) > 1:
                found[f"{side} {habit.name}"] = answers
    return found


@cache
def covering(group: str) -> list[Combination]:
    """The same combinations each time, about a hundred; they take some seconds to find."""
    varied = parameters(group)
    names = list(varied)

    def can(row: Sequence[str]) -> bool:
        return not set(zip(names, row, strict=False)).issuperset(HIDDEN)

    return [dict(zip(names, row, strict=True)) for row in AllPairs(list(varied.values()), filter_func=can)]


def of_side(combination: Combination, side: str) -> tuple[str | None, dict[str, str]]:
    """One server of a combination: its version, None where it does not vary, and its habits."""
    own = {name.removeprefix(f"{side} "): answer for name, answer in combination.items() if name.startswith(side)}
    return own.pop("version", None), own


@cache
def alone(group: str) -> list[Combination]:
    """Combinations of what one server does that is both sides at once; its reactions to writes are the usual ones."""
    both, names = parameters(group), [h.name for h in HABITS if RELEASES[group] in h.versions]
    varied = {"version": list(VERSIONS[group])}
    for name in (each for each in names if not each.startswith("after_")):
        inside = both.get(f"main {name}", [])
        if answers := [answer for answer in both.get(f"acme {name}", []) if answer in inside]:
            varied[name] = answers
    return [dict(zip(varied, row, strict=True)) for row in AllPairs(list(varied.values()))]
