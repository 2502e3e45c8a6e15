"""The judge of the semantics over real HTTP: generated histories, for version 6, version 4 and mixed pairs."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from remotesupport.emulator.habits import HABITS
from tests.simulation.fuse import POINTS
from tests.simulation.over_http import ACTS, BILLINGS, EVENTS, PAIRS, READS, TEXTS, WRITES, Minute, Spoilt, lived
from tests.simulation.soak import history_over_http

EXAMPLES = 5  # of each pair
LOOKS = (
    "responsible", "form_department", "department_names", "types", "rates", "author", "realnames", "note_ids",
    "info_row", "system_rows", "groups", "thread_order", "total", "sort", "extra_columns", "utc_times", "whoami",
    "content_type", "form_posts", "dead_session", "new_id",
)  # fmt: skip
pytestmark = pytest.mark.thorough("each history takes five seconds of CPU time; those without HTTP are in `make test`")

EXTERNALS, NTH = st.sampled_from(BILLINGS[1:]), st.integers(0, 9)
SPOILT = st.one_of(
    st.builds(Spoilt, st.sampled_from(BILLINGS), st.just(only), st.sampled_from(list(kinds)), NTH, st.integers(1, 4))
    for only, kinds in (("reads", READS), ("writes", WRITES))
)
MINUTES = st.builds(
    Minute,
    acts=st.lists(st.tuples(EXTERNALS, st.sampled_from(ACTS), NTH), min_size=4, max_size=12).map(tuple),
    spoilt=st.lists(SPOILT, max_size=4).map(tuple),
    dies=st.just(("", 0, False)) | st.tuples(st.sampled_from(POINTS), st.integers(1, 12), st.booleans()),
    event=st.sampled_from(EVENTS),
    audit=st.booleans(),
)


# How servers of version 6 show things; how they react to writes is drawn in the simulation without HTTP.
SHOWN = {
    habit.name: st.sampled_from([answer for answer in habit.names if not answer.startswith("employee")])
    for habit in HABITS
    if habit.name in LOOKS
}


@settings(max_examples=4 * EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(
    minutes=st.lists(MINUTES, min_size=3, max_size=4),
    main=st.fixed_dictionaries(SHOWN),
    acme=st.fixed_dictionaries(SHOWN),
)
def test_between_servers_of_any_habits_the_same_holds(
    minutes: list[Minute], main: dict[str, str], acme: dict[str, str]
) -> None:
    """The same laws hold whatever a server's rows, threads and lists look like, on either side."""
    wrong, _ = asyncio.run(lived("6/6", minutes, main, acme))
    assert not wrong, f"main {main}, acme {acme}"


@pytest.mark.parametrize("pair", list(PAIRS))
@settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(minutes=st.lists(MINUTES, min_size=3, max_size=4), main=st.sampled_from(TEXTS), acme=st.sampled_from(TEXTS))
def test_servers_that_change_texts_make_no_message_twice(
    pair: str, minutes: list[Minute], main: str, acme: str
) -> None:
    """The same laws hold where main and an external billing change what is written to them, each in its own way."""
    wrong, _ = asyncio.run(lived(pair, minutes, {"stored_text": main}, {"stored_text": acme}))
    assert not wrong, f"main {main}, acme {acme}"


@pytest.mark.parametrize(("pair", "seed"), [("6/4", 777026), ("6/6", 777044), ("6/4", 777058)])
def test_a_history_that_once_broke_a_law_breaks_none(pair: str, seed: int) -> None:
    """G7: histories in which an answer came back as a message, or messages were lost, end as all others do."""
    _, broken, _ = history_over_http(pair, False, seed)
    assert not broken


@pytest.mark.parametrize("pair", list(PAIRS))
@settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(minutes=st.lists(MINUTES, min_size=3, max_size=4))
def test_over_http_nothing_twice_nothing_lost_nothing_leaked(pair: str, minutes: list[Minute]) -> None:
    """After any history: each message is there once and in order, states agree, and nothing else was ever sent."""
    wrong, _ = asyncio.run(lived(pair, minutes))
    assert not wrong


@pytest.mark.parametrize("watch", ["anna", "admin"])
@settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(minutes=st.lists(MINUTES, min_size=3, max_size=4))
def test_with_a_login_for_lists_the_same_holds(watch: str, minutes: list[Minute]) -> None:
    """After any history: nothing is lost while main's own lists rest by what an employee is shown."""
    wrong, _ = asyncio.run(lived("6/6", minutes, watch=watch))
    assert not wrong
