"""The guard: refuses a plan that is too big or too strange (semantics section 8). Pure: counts in, verdicts out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from remotesupport.core.model import ChangeKind
from remotesupport.core.plan.change_keys import follows_departure
from remotesupport.core.plan.plan import Plan


class Limited(Protocol):
    """The limits of one connection: counts per run and connection; percents are of its linked tickets."""

    @property
    def creates(self) -> int: ...
    @property
    def posts(self) -> int: ...
    @property
    def closes(self) -> int: ...
    @property
    def closes_percent(self) -> float: ...
    @property
    def departures(self) -> int: ...
    @property
    def departures_percent(self) -> float: ...
    @property
    def share_from(self) -> int: ...
    @property
    def creates_an_hour(self) -> int: ...
    @property
    def posts_an_hour(self) -> int: ...
    @property
    def creates_a_day(self) -> int: ...
    @property
    def posts_a_day(self) -> int: ...
    @property
    def megabytes_an_hour(self) -> int: ...
    @property
    def megabytes_a_day(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits where none are given: a run gives those of ``GuardSettings``.

    A percent counts only where at least ``share_from`` tickets are linked.
    """

    creates: int = 50
    posts: int = 300
    closes: int = 20
    closes_percent: float = 20.0
    departures: int = 20
    departures_percent: float = 20.0
    share_from: int = 10
    creates_an_hour: int = 300
    posts_an_hour: int = 2000
    creates_a_day: int = 2000
    posts_a_day: int = 15000
    megabytes_an_hour: int = 1000
    megabytes_a_day: int = 5000


class LimitedTogether(Protocol):
    """The limits of a whole run: counts over all its connections."""

    @property
    def run_creates(self) -> int: ...
    @property
    def run_posts(self) -> int: ...
    @property
    def run_closes(self) -> int: ...
    @property
    def run_departures(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that the guard needs of one connection.

    ``linked``: tickets that the ledger links. ``listed``: rows that the external listings showed, None when none was
    read or they do not show every ticket there is, so that they say nothing when they are empty; ``main_listed``: the
    same of the main billing. ``canary``: whether what must be readable was, None when nothing is configured.
    ``in_an_hour``, ``in_a_day``: what was written for it lately, as ``tally`` counts it, and its megabytes.
    """

    linked: int = 0
    listed: int | None = None
    canary: bool | None = None
    main_listed: int | None = None
    in_an_hour: Mapping[str, int] = field(default_factory=dict)
    in_a_day: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``why`` says what, how many, the limit and what to do; empty when all is well."""

    ok: bool
    why: str = ""


_ALL_WELL = Verdict(True)
_DEFAULTS = Limits()
_NOTHING = Facts()
_LATER = "later runs go on by themselves when there is room"


def judge(plans: Mapping[str, Plan], facts: Mapping[str, Facts], limits: Mapping[str, Limited]) -> dict[str, Verdict]:
    """Judge each connection that has a plan or facts by its own limits; none is written to before its verdict is known.

    What all connections of a run write together is ``judge_together``'s.
    """
    names = sorted({*plans, *facts})
    return {n: _judge(n, plans.get(n), facts.get(n, _NOTHING), limits.get(n, _DEFAULTS)) for n in names}


def _judge(name: str, plan: Plan | None, facts: Facts, limits: Limited) -> Verdict:
    odd = _emptied(name, facts)
    if plan is None:
        return Verdict(False, f"{'; '.join(odd)}. Nothing is written") if odd else _ALL_WELL
    odd += _too_many(plan, facts, limits) + _canary(plan, facts) + _emptied_main(plan, facts)
    early = _too_fast(plan, facts, limits)
    if not odd and not early:
        return _ALL_WELL
    ask = "Look at it, then write it with" if odd else "To write it now all the same:"
    return Verdict(False, f"{'; '.join([*odd, *early])}. {ask} `remotesupport apply {plan.id}`")


def _emptied(name: str, facts: Facts) -> list[str]:
    if facts.listed == 0 and facts.linked > 0:
        return [
            f"{name} shows no tickets at all, but {facts.linked} are linked: check the rights of its login "
            f"(`remotesupport check --billing {name}`). If they are really gone, "
            f"`remotesupport audit --billing {name}` plans their departure, for you to apply"
        ]
    return []


def _emptied_main(plan: Plan, facts: Facts) -> list[str]:
    """A main billing that shows nothing is no reason to create everything again."""
    if facts.main_listed == 0 and facts.linked > 0 and tally(plan)["creates"] > 0:
        return [f"the main billing shows no tickets at all, but {facts.linked} are linked: check the customer's user"]
    return []


def _too_many(plan: Plan, facts: Facts, limits: Limited) -> list[str]:
    n = tally(plan)
    share = facts.linked if facts.linked >= limits.share_from else None
    return [
        *_over("creates", n["creates"], limits.creates),
        *_over("posts", n["posts"], limits.posts),
        *_over("closes", n["closes"], limits.closes, limits.closes_percent, share),
        *_over("departures", n["departures"], limits.departures, limits.departures_percent, share),
        *_over("conflicts", n["conflicts"], limits.departures, limits.departures_percent, share),
    ]


def _too_fast(plan: Plan, facts: Facts, limits: Limited) -> list[str]:
    """Name what many plans, each small enough, would make together; later runs go on when there is room."""
    n = tally(plan)
    quotas = (
        ("creates", "hour", facts.in_an_hour, limits.creates_an_hour),
        ("posts", "hour", facts.in_an_hour, limits.posts_an_hour),
        ("creates", "day", facts.in_a_day, limits.creates_a_day),
        ("posts", "day", facts.in_a_day, limits.posts_a_day),
    )
    return [
        f"{what}: {n[what]} planned after {before.get(what, 0)} within the last {time}, and {what}_a"
        f"{'n' if time == 'hour' else ''}_{time} is {limit}; {_LATER}"
        for what, time, before, limit in quotas
        if n[what] and n[what] + before.get(what, 0) > limit
    ] + _too_large(plan, facts, limits)


def _too_large(plan: Plan, facts: Facts, limits: Limited) -> list[str]:
    """Name the bytes of texts and files that were written already; how many a plan has, is known once it is written."""
    quotas = (
        ("megabytes_an_hour", "hour", facts.in_an_hour, limits.megabytes_an_hour),
        ("megabytes_a_day", "day", facts.in_a_day, limits.megabytes_a_day),
    )
    return [
        f"{written} megabytes were written within the last {time}, and {name} is {limit}; {_LATER}"
        for name, time, before, limit in quotas
        if len(plan.changes) and (written := before.get("megabytes", 0)) >= limit
    ]


def judge_together(plan: Plan, before: Mapping[str, int], limits: LimitedTogether, own: Limited) -> Verdict:
    """Judge what ``plan`` would make of all that its run writes; ``before``: the sum of ``tally`` of what the run
    writes already. A connection whose ``own`` limit is above the run's may use that alone."""
    n = tally(plan)
    most = {
        "creates": max(limits.run_creates, own.creates),
        "posts": max(limits.run_posts, own.posts),
        "closes": max(limits.run_closes, own.closes),
        "departures": max(limits.run_departures, own.departures),
    }
    found = [
        f"{what}: {n[what]} planned, and {before.get(what, 0)} of other connections in this run; "
        f"the limit for all of them together is {limit}"
        for what, limit in most.items()
        if n[what] and n[what] + before.get(what, 0) > limit
    ]
    if not found:
        return _ALL_WELL
    cure = f"The next run begins anew; to write it now: `remotesupport apply {plan.id}`"
    return Verdict(False, f"{'; '.join(found)}. {cure}")


def tally(plan: Plan) -> dict[str, int]:
    """Count as the limits do: reopens write a message and count as posts; closing what this plan creates is no close,
    nor is the close that ends a departure, which was counted when main was told.

    Conflicts have the limits of departures: many at once mean that a billing was restored from a backup.
    """
    kinds = plan.changes["kind"].tolist()
    n = Counter[str](kinds)
    unborn = plan.changes["main_ticket"].isna().tolist()
    born = sum(new for kind, new in zip(kinds, unborn, strict=True) if kind == ChangeKind.CLOSE)
    late = sum(map(follows_departure, kinds, plan.changes["act"].tolist()))
    return {
        "creates": n[ChangeKind.CREATE],
        "posts": n[ChangeKind.POST] + n[ChangeKind.REOPEN],
        "closes": n[ChangeKind.CLOSE] - born - late,
        "departures": n[ChangeKind.DEPARTURE],
        "conflicts": n[ChangeKind.CONFLICT],
    }


def _over(what: str, count: int, limit: int, percent: float | None = None, linked: int | None = None) -> list[str]:
    if count > limit:
        return [f"{what}: {count} planned, the limit is {limit}"]
    if percent is not None and linked and count * 100 > percent * linked:
        return [f"{what}: {count} planned, {count * 100 / linked:.0f} % of {linked} linked, the limit is {percent:g} %"]
    return []


def _canary(plan: Plan, facts: Facts) -> list[str]:
    n = tally(plan)
    if facts.canary is False and n["closes"] + n["departures"] > 0:
        what = "a corresponding department or the canary (canary_department, canary_ticket)"
        return [f"{what} cannot be read, so nothing is closed or departs"]
    return []
