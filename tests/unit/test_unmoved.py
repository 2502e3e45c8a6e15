"""The early exit of the reconcile: where nothing has moved, the diff itself would have said the same."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from typing import Any

import pandas as pd
import pytest

from remotesupport.core.changes.states import CLOSE_EXTERNAL
from remotesupport.core.changes.unmoved import unmoved
from remotesupport.core.reconcile import Inputs, reconcile, three_way_diff
from tests.core_inputs import carried, inputs, link, message, read, reply, ticket

Row = dict[str, Any]
STATES, PLACES = ("open", "closed"), ("7", "9", None)
LINKS = (
    None,
    *(
        {"ext_state": e, "main_state": m, "department": d, "departed": gone}
        for e, m, d, gone in itertools.product(STATES, STATES, PLACES, (False, True))
    ),
)
SEEN = (None, *({"state": s, "department": d} for s, d in itertools.product(STATES, PLACES)))
MAIN = (None, *({"state": s, "origin": o} for s, o in itertools.product(STATES, ("1", None, "2"))))
ON, OFF = ({"department": "7", "main_department": "70", "enabled": on} for on in (True, False))
ODD = (
    {}, {}, {}, {"outcome": "unreachable"}, {"complete": False}, {"waits": True}, {"absent": True}, {"moving": True},
    {"unasked": True},
)  # fmt: skip


def all_inputs(worlds: Iterable[tuple[Row | None, ...]], **more: Any) -> Inputs:
    """One connection for each world: the link, the external and the main ticket, and the correspondence there."""
    rows: dict[str, list[Row]] = {"tickets": [], "links": [], "correspondences": [], "reads": []}
    for number, (linked, seen, main, place) in enumerate(worlds):
        here = {"connection": f"billing-{number}"}
        rows["reads"] += [read(side, **here) for side in ("external", "main")]
        rows["links"] += [link(**here, **linked)] if linked is not None else []
        rows["tickets"] += [ticket("1", fresh=False, **here, **seen)] if seen is not None else []
        rows["tickets"] += [ticket("900", "main", fresh=False, **here, **main)] if main is not None else []
        rows["correspondences"] += [here | place] if place is not None else []
    return inputs(**rows, **more)


def assert_same(given: Inputs) -> int:
    """Fail where the exit says anything else than the diff; how many connections took it."""
    short, whole = reconcile(given), three_way_diff(given)
    for part in ("changes", "reasons", "agreed", "unfinished"):
        one, other = getattr(short, part), getattr(whole, part)
        pd.testing.assert_frame_equal(one.astype(object), other.astype(object), check_dtype=False, obj=part)
    assert short.altered == whole.altered
    return len(unmoved(given))


@pytest.mark.parametrize("more", [False, True])
def test_the_exit_says_what_the_diff_says(more: bool) -> None:
    """For each way that one ticket's link, rows and correspondence may look, the outcome is the diff's."""
    worlds = [*itertools.product(LINKS, SEEN, MAIN, (ON, OFF, None))]
    names = [f"billing-{number}" for number in range(len(worlds))]
    said = {
        "create_closed": True,
        "unable": frozenset((name, CLOSE_EXTERNAL) for name in names),
        "flagged": frozenset((name, "9") for name in names),
    }
    assert assert_same(all_inputs(worlds, **(said if more else {}))) > 100


def odd_connection(dice: random.Random, name: str, rows: dict[str, list[Row]], pairs: dict[str, set[Any]]) -> None:
    """Add three tickets of one connection that may claim each other's main ticket, and perhaps one odd thing."""
    here, odd = {"connection": name}, dice.choice(ODD)
    for side in ("external", "main"):
        rows["reads"].append(read(side, **here) | {k: v for k, v in odd.items() if k in ("outcome", "complete")})
    rows["correspondences"].append(here | dice.choice((ON, ON, ON, OFF)))
    for number in ("1", "2", "3"):
        calm = dice.random() < 0.8
        linked = {"ext_state": "open", "main_state": "open", "department": "7"} if calm else dice.choice(LINKS)
        seen = {"state": "open", "department": "7"} if calm else dice.choice(SEEN)
        claim = number if calm else dice.choice(("1", "2", None))
        main = {"state": dice.choice(STATES) if not calm else "open", "origin": claim}
        target = f"90{number if calm else dice.choice('123')}"
        if linked is not None:
            rows["links"].append(link(ext_ticket=number, main_ticket=target, **here, **linked))
        if seen is not None:
            rows["tickets"].append(ticket(number, fresh=dice.random() < 0.03, **here, **seen))
        rows["tickets"].append(ticket(f"90{number}", "main", fresh=False, **here, **main))
    wait = {"ext_ticket": "1", "direction": "to_main", "cause": "it waits", "kind": "", "parked": False}
    rows["waits"] += [here | wait] if "waits" in odd else []
    gone = {"side": "external", "ticket": "3", "detail": "not found"}
    rows["absent"] += [here | gone] if "absent" in odd else []
    for what in ("moving", "unasked"):
        pairs[what] |= {(name, "2")} if what in odd else set()


@pytest.mark.parametrize("seed", range(2))
def test_the_exit_never_hides_what_is_odd(seed: int) -> None:
    """Claims that contradict, waits, absences and reads that failed go the whole way, each connection by itself."""
    dice = random.Random(seed)
    rows: dict[str, list[Row]] = {k: [] for k in ("tickets", "links", "correspondences", "reads", "waits", "absent")}
    pairs: dict[str, set[Any]] = {"moving": set(), "unasked": set()}
    for number in range(400):
        odd_connection(dice, f"billing-{number}", rows, pairs)
    given = inputs(**rows, **{what: frozenset(found) for what, found in pairs.items()})
    assert 20 < assert_same(given) < 380


CHANGED = (
    "text", "reply's text", "said", "replied", "target gone", "answer gone", "not ours", "source gone", "no target",
    "edited", "unknown", "note", "staff here", "by us", "not known", "only here", "only there", "departed", "closed",
)  # fmt: skip


def talk(name: str, change: str | None) -> dict[str, list[Row]]:
    """One connection whose threads were read: what a client and main's staff said has crossed; then one ``change``."""
    here = {"connection": name}
    said, answer = message("1", **here), reply("7", **here)
    copy = message("8", side="main", ticket="900", own="yes", **here)
    theirs = message("2", "staff", answer["body"], own="yes", **here)
    into, out = carried(said, "8"), carried(answer, "2")
    rows = {"messages": [said, answer, copy, theirs], "ledger": [into, out], "links": [link(**here)]}
    seen, main = ticket("1", **here), ticket("900", "main", **here)
    rows |= {"tickets": [seen, main], "correspondences": [ON | here]}
    rows["reads"] = [read(side, name) for side in ("external", "main")]
    more = {
        "said": message("3", **here), "replied": reply("9", **here), "note": message("3", "note", **here),
        "unknown": message("3", "unknown", **here), "staff here": message("3", "staff", own="no", **here),
        "by us": message("3", "staff", own="yes", **here),
    }  # fmt: skip
    gone = {"target gone": copy, "answer gone": theirs, "source gone": said}
    fields: dict[str, tuple[Row, Row]] = {
        "text": (said, {"body_hash": "x" * 32}), "reply's text": (answer, {"body_hash": "x" * 32}),
        "not ours": (theirs, {"own": "no"}), "no target": (into, {"target_message": None}),
        "only here": (main, {"fresh": False}), "only there": (seen, {"fresh": False}),
        "departed": (rows["links"][0], {"departed": True}), "closed": (seen, {"state": "closed"}),
    }  # fmt: skip
    if change in more:
        rows["messages"].append(more[change])
    elif change in gone:
        rows["messages"].remove(gone[change])
    elif change in fields:
        row, new = fields[change]
        row.update(new)
    elif change == "edited":
        rows["ledger"].append(into | {"source_message": "1/edit/1", "target_message": None, "body_hash": "y" * 32})
    elif change == "not known":
        rows["ledger"].clear()
    return rows


def together(worlds: Iterable[dict[str, list[Row]]]) -> Inputs:
    """The rows of several connections."""
    rows: dict[str, list[Row]] = {}
    for world in worlds:
        for part, more in world.items():
            rows.setdefault(part, []).extend(more)
    return inputs(**rows, standing=False)


def test_threads_that_have_crossed_whole_are_not_compared() -> None:
    """Where each message of a thread is known with its text of now, the exit is taken; what else there is goes on."""
    given = together(talk(str(change), change) for change in (None, *CHANGED))
    assert assert_same(given) == 3
    assert unmoved(given).keys() == {"None", "note", "no target"}


def test_a_quiet_connection_is_never_compared() -> None:
    """A connection without anything new takes the exit, also beside one that is busy."""
    quiet = {"connection": "quiet"}
    given = inputs(
        tickets=[ticket("1"), ticket("1", fresh=False, **quiet), ticket("900", "main", fresh=False, **quiet)],
        links=[link(**quiet)],
        correspondences=[ON | quiet, ON | {"connection": "acme"}],
        reads=[read(side, name) for side in ("external", "main") for name in ("acme", "quiet")],
    )
    assert [*unmoved(given)] == ["quiet"]
    assert reconcile(given).reasons["connection"].tolist() == ["acme", "quiet"]


def test_a_double_row_is_still_an_error() -> None:
    """A ticket that a quiet connection shows twice is refused, as it would be elsewhere."""
    twice = [ticket("1", fresh=False), ticket("1", fresh=False)]
    given = inputs(tickets=twice, links=[link()])
    with pytest.raises(ValueError, match="not unique"):
        reconcile(given)
