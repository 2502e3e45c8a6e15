"""The figures as one long table, a number a row, and as a JSON document. The names in both are a contract.

Counts have the unit ``tickets``, ``messages``, ``edits`` or ``changes``; times are in minutes, shares in percent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from remotesupport.core.report.figures import DepartmentFigures, Figures, OneWay
from remotesupport.core.report.times import Times

COLUMNS = ("billing", "month", "figure", "department", "day", "hour", "reason", "value", "unit")
Row = dict[str, Any]


def rows(found: Figures) -> list[Row]:
    """One row for each number; what does not belong to a row is empty there."""
    listed = [*_totals(found), *_by_department(found), *_by_hour(found), *_not_carried(found)]
    own = {"billing": found.billing, "month": str(found.month)}
    return [{**dict.fromkeys(COLUMNS, ""), **own, **row} for row in listed]


def document(found: Figures) -> dict[str, Any]:
    """Return the figures as one JSON document for programs; times in seconds."""
    known = asdict(found)
    for one, made in zip(known["departments"], found.departments, strict=True):
        one["arrived"] = made.arrived
    shares = {"first": found.first.share, "full": found.full.share}
    known["limits"] = [{**asdict(limit), "what": str(limit.what)} for limit in found.limits]
    return {**known, "month": str(found.month), "arrived": found.arrived, "share_within_percent": shares}


def _totals(found: Figures) -> Iterator[Row]:
    yield _count("arrived", found.arrived, "tickets")
    yield from _times("first_answer", found.first)
    yield from _times("full_answer", found.full)
    yield _count("open_at_end", found.open_at_end, "tickets")
    yield _count("backfilled", found.backfilled, "tickets")
    for name, way in (("to_main", found.to_main), ("to_external", found.to_external)):
        yield _count(f"sent_{name}", way.messages, "messages")
        yield _count(f"edits_{name}", way.edits, "edits")
    for name in ("closed", "reopened", "departed"):
        yield _count(name, getattr(found, name), "changes")


def _times(name: str, judged: Times, **place: str) -> Iterator[Row]:
    yield _count(f"{name}_done", judged.done, "tickets", **place)
    yield _count(f"{name}_waiting", judged.open, "tickets", **place)
    yield _count(f"{name}_never", judged.over, "tickets", **place)
    for what, seconds in (("median", judged.median), ("p90", judged.p90), ("agreed", judged.agreed)):
        if seconds is not None:
            yield _count(f"{name}_{what}", round(seconds / 60, 2), "minutes", **place)
    if judged.share is not None:
        yield _count(f"{name}_within_agreed", round(judged.share, 1), "percent", **place)


def _by_department(found: Figures) -> Iterator[Row]:
    for one in found.departments:
        yield from _department(one, found)


def _department(one: DepartmentFigures, found: Figures) -> Iterator[Row]:
    yield _count("department_arrived", one.arrived, "tickets", department=one.name)
    yield _count("department_open_at_end", one.open_at_end, "tickets", department=one.name)
    yield from _times("department_first_answer", one.first, department=one.name)
    yield from _times("department_full_answer", one.full, department=one.name)
    for day, number in zip(found.days, one.by_day, strict=True):
        yield _count("arrived_on_day", number, "tickets", department=one.name, day=day.isoformat())


def _by_hour(found: Figures) -> Iterator[Row]:
    ways: tuple[tuple[str, OneWay], ...] = (("to_main", found.to_main), ("to_external", found.to_external))
    for name, way in ways:
        for hour, number in enumerate(way.by_hour):
            yield _count(f"written_in_hour_{name}", number, "messages", hour=str(hour))


def _not_carried(found: Figures) -> Iterator[Row]:
    for held in found.held:
        yield _count("not_carried_new", held.new, "tickets", reason=held.reason)
        yield _count("not_carried_older", held.older, "tickets", reason=held.reason)
    yield _count("parked", len(found.parked), "changes")
    yield _count("given_up", len(found.dropped), "changes")
    for limit in found.limits:
        if limit.count is not None:
            yield _count("not_known", limit.count, "", reason=str(limit.what))


def _count(figure: str, value: float, unit: str, **place: str) -> Row:
    return {"figure": figure, "value": value, "unit": unit, **place}
