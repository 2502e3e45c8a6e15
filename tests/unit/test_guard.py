"""The guard: limits, emptied lists, canaries."""

from typing import Any

import pytest

from remotesupport.core import frames
from remotesupport.core.plan.guard import Facts, Limits, Verdict, judge, judge_together
from remotesupport.core.plan.plan import Plan, make_plan
from remotesupport.settings_models import GuardSettings

NOBODY = Facts(linked=0)


def plan(**many: int) -> Plan:
    """A plan with so many changes of each kind."""
    rows: list[dict[str, Any]] = []
    for kind, count in many.items():
        rows += [
            {
                "connection": "acme", "kind": kind, "direction": "to_main", "rank": 1, "ext_ticket": f"{kind}{i}",
                "main_ticket": "9", "act": kind, "ordinal": 0, "subject": "", "department": None, "body": "",
                "body_hash": "", "files": "[]", "covers": "[]", "ext_state": "open", "main_state": "open", "detail": "",
            }
            for i in range(count)
        ]  # fmt: skip
    return make_plan("acme", frames.build(frames.CHANGES, rows))


def verdict(changes: Plan, facts: Facts = NOBODY, limits: Limits | None = None) -> Verdict:
    """The verdict on one plan."""
    return judge({"acme": changes}, {"acme": facts}, {"acme": limits} if limits else {})["acme"]


@pytest.mark.parametrize(("kind", "limit"), [("create", 50), ("post", 300), ("close", 20), ("departure", 20)])
def test_counts(kind: str, limit: int) -> None:
    """As many as the limit pass, one more stops, and the verdict says what, how many and what to do."""
    assert verdict(plan(**{kind: limit - 1})).ok
    assert verdict(plan(**{kind: limit})).ok
    many = plan(**{kind: limit + 1})
    stopped = verdict(many)
    assert not stopped.ok
    assert f"{limit + 1} planned" in stopped.why
    assert f"the limit is {limit}" in stopped.why
    assert f"remotesupport apply {many.id}" in stopped.why


TOGETHER = [key for key in GuardSettings.model_fields if key.startswith("run_")]


@pytest.mark.parametrize("key", TOGETHER)
def test_each_limit_of_a_run_stops_what_would_be_above_it(key: str) -> None:
    """What the run writes already counts: up to the limit it may go, and one more stops with the words to write it."""
    what = key.removeprefix("run_")
    limits, own, one = GuardSettings(**{key: 5}), Limits(**{what: 0}), plan(**{what.removesuffix("s"): 1})
    assert judge_together(one, {what: 4}, limits, own).ok
    stopped = judge_together(one, {what: 5}, limits, own)
    assert not stopped.ok
    assert "the limit for all of them together is 5. The next run begins anew" in stopped.why
    assert f"to write it now: `remotesupport apply {one.id}`" in stopped.why


def test_the_close_after_a_departure_is_counted_with_it() -> None:
    """Closes that end departures stop no later run: they were counted when main was told."""
    late = plan(close=21)
    assert not verdict(late).ok
    assert verdict(make_plan("acme", late.changes.assign(act="departure/close/0a1b2c3d"))).ok


@pytest.mark.parametrize("kind", ["close", "departure"])
@pytest.mark.parametrize(
    ("linked", "count", "ok"), [(10, 1, True), (10, 2, True), (10, 3, False), (15, 3, True), (15, 4, False)]
)
def test_shares(kind: str, linked: int, count: int, ok: bool) -> None:
    """More than a fifth of the linked tickets is too much."""
    assert verdict(plan(**{kind: count}), Facts(linked=linked)).ok is ok


@pytest.mark.parametrize(("linked", "ok"), [(9, True), (10, False), (11, False)])
def test_small_connections_have_no_share(linked: int, ok: bool) -> None:
    """The share counts only from ten linked tickets up."""
    assert verdict(plan(close=3), Facts(linked=linked)).ok is ok


def test_large_connections_keep_the_count() -> None:
    """Twenty-one closes of thousands are too many, though a small share."""
    assert verdict(plan(close=20), Facts(linked=5000)).ok
    assert not verdict(plan(close=21), Facts(linked=5000)).ok


def test_own_limits() -> None:
    """A connection's own limits replace the defaults."""
    assert verdict(plan(create=60), limits=Limits(creates=60)).ok
    assert not verdict(plan(post=1), limits=Limits(posts=0)).ok
    assert verdict(plan(close=5), Facts(linked=10), Limits(closes_percent=50.0)).ok


@pytest.mark.parametrize(
    ("lately", "ok"),
    [({"in_an_hour": {"creates": 299}}, True), ({"in_an_hour": {"creates": 300}}, False),
     ({"in_a_day": {"creates": 1999}}, True), ({"in_a_day": {"creates": 2000}}, False),
     ({"in_an_hour": {"posts": 5000}}, True),
     ({"in_an_hour": {"megabytes": 999}}, True), ({"in_an_hour": {"megabytes": 1000}}, False),
     ({"in_a_day": {"megabytes": 4999}}, True), ({"in_a_day": {"megabytes": 5000}}, False)],
)  # fmt: skip
def test_small_plans_are_counted_over_time(lately: dict[str, dict[str, int]], ok: bool) -> None:
    """W11: what many plans have written within an hour or a day counts, of the kinds that this one has."""
    found = verdict(plan(create=1), Facts(**lately))
    assert found.ok is ok
    assert ok or "later runs go on by themselves" in found.why


def test_reopens_are_messages() -> None:
    """A reopen writes a message and counts as a post; what a plan creates closed is no mass close."""
    assert not verdict(plan(post=200, reopen=101)).ok
    created = plan(create=40, close=40)
    born = make_plan(
        "acme",
        created.changes.assign(main_ticket=created.changes["main_ticket"].where(created.changes["kind"].ne("close"))),
    )
    assert verdict(born, Facts(linked=100)).ok
    assert not verdict(created, Facts(linked=100)).ok


def test_emptied_list() -> None:
    """A list that is suddenly empty stops a connection that has links, with or without a plan."""
    assert not verdict(plan(post=1), Facts(linked=1, listed=0)).ok
    assert verdict(plan(post=1), Facts(linked=0, listed=0)).ok
    assert verdict(plan(post=1), Facts(linked=1, listed=None)).ok
    assert verdict(plan(post=1), Facts(linked=1, listed=1)).ok
    assert "no tickets at all" in judge({}, {"acme": Facts(linked=3, listed=0)}, {})["acme"].why


def test_canary() -> None:
    """Without its canary a connection closes nothing and lets nothing depart; posts go on."""
    blind = Facts(linked=100, canary=False)
    assert not verdict(plan(close=1), blind).ok
    assert not verdict(plan(departure=1), blind).ok
    assert verdict(plan(post=5, create=2, reopen=1), blind).ok
    assert verdict(plan(close=1), Facts(linked=100, canary=True)).ok


def test_isolated() -> None:
    """One connection's stop is not another's, and who has no plan and no trouble is fine."""
    verdicts = judge({"acme": plan(post=301)}, {"acme": NOBODY, "beta": Facts(linked=5, listed=5)}, {})
    assert [v.ok for v in verdicts.values()] == [False, True]
    assert verdicts["beta"].why == ""
