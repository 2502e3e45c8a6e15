"""The catalog is data that fits the flows, and prefect.yaml says the same."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import prefect
import pytest
import yaml
from prefect import Task
from pydantic import ValidationError

import tasks
from deployments import settings_env
from deployments.catalog import CATALOG, Deployment, catalog, is_a_shards
from deployments.serve import flow_of, in_order, schedule_of
from flows.backfill import request_of
from flows.running import TELLING_S
from flows.window import BackfillWindow
from remotesupport.core.connections.shards import MOST, Shard
from remotesupport.core.run import RunKind
from remotesupport.steps.pipeline.turns import patience
from remotesupport.steps.read.extract import LONG_BUDGET
from remotesupport.steps.write.attachments import FETCH_SECONDS
from remotesupport.steps.write.writer import WRITE_SECONDS
from tasks.maintenance import FLOWS
from tasks.policy import SYNC_BUDGET_S

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
PREFECT_YAML = DEPLOYMENTS / "prefect.yaml"

EIGHT = catalog(8)
every = pytest.mark.parametrize("entry", [*CATALOG, EIGHT[0], EIGHT[7], EIGHT[15]], ids=lambda e: e.full_name)


@every
def test_parameters_fit_the_flow(entry: Deployment) -> None:
    """A scheduled run's parameters are the flow's own, valid, and complete."""
    flow = flow_of(entry)
    signature = inspect.signature(flow.fn)
    assert set(entry.parameters) <= set(signature.parameters)
    if entry.slug:
        required = {n for n, p in signature.parameters.items() if p.default is p.empty}
        assert required <= set(entry.parameters)
        flow.validate_parameters(dict(entry.parameters))


@every
def test_the_entry_names_its_flow(entry: Deployment) -> None:
    """The names in the catalog are those of the flows; every flow is async, as the warm worker needs it."""
    flow = flow_of(entry)
    assert flow.name == entry.flow
    assert flow.isasync
    assert entry.description
    assert not flow.retries
    assert flow.persist_result is False


def test_names_and_slugs_are_unique_and_schedules_have_one() -> None:
    """A schedule without a stable slug would be doubled by the next registration."""
    assert all(len({e.full_name for e in entries}) == len(entries) for entries in (CATALOG, EIGHT))
    assert all((schedule_of(e, active=True) is not None) == bool(e.slug) for e in CATALOG)
    assert {e.flow for e in CATALOG} == set(FLOWS)


def test_what_runs_every_minute_has_no_tag() -> None:
    """Neither the deployment nor a task of its runs: before each tagged task Prefect asks its server for a slot, which
    was measured at two seconds each, and stores each tag again with each event."""
    nightly = {"maintenance"}
    names = {module.name for module in iter_modules(tasks.__path__)} - nightly
    modules = [import_module(f"tasks.{name}") for name in sorted(names)]
    found = {id(t): t for m in modules for t in vars(m).values() if isinstance(t, Task)}.values()
    assert len(found) >= 8
    assert {task.name: task.tags for task in found if task.tags} == {}
    assert [module.__name__ for module in modules if prefect.tags in vars(module).values()] == []
    assert [entry.tags for entry in CATALOG if entry.name == "every-minute"] == [()]


def test_a_minutes_run_ends_by_what_it_may_take_and_not_by_its_deadline() -> None:
    """Whoever cancels a run cancels what it tells people: all reading, the wait for a turn, the first changes with
    their files, and the telling fit into each deadline; what comes later is not begun (``load``)."""
    change = FETCH_SECONDS + WRITE_SECONDS + TELLING_S
    deadlines = {entry.flow: entry.deadline_s for entry in CATALOG}
    assert SYNC_BUDGET_S + patience(RunKind.SYNC) + change < deadlines["sync"]
    assert LONG_BUDGET + patience(RunKind.AUDIT) + change < deadlines["audit"]


def test_the_audit_does_not_begin_with_a_minutes_sync() -> None:
    """Its hours are counted from second 30 of a minute, in which a usual sync is over."""
    audit = next(e for e in CATALOG if e.flow == "audit")
    assert audit.anchor is not None
    assert (audit.every_s, audit.anchor.minute, audit.anchor.second) == (3600, 17, 30)
    schedule = schedule_of(audit, active=True)
    assert schedule is not None
    assert (schedule.interval, schedule.anchor_date, schedule.slug) == (timedelta(hours=1), audit.anchor, "hourly")


def begins(entry: Deployment) -> datetime:
    """The moment that a schedule counts from."""
    assert entry.anchor is not None
    return entry.anchor


@pytest.mark.parametrize("count", [2, 7, 8, MOST])
def test_shards_begin_one_after_the_other(count: int) -> None:
    """Each shard has a sync a minute at a second of its own, evenly spread, and an audit an hour half a minute off."""
    syncs, audits = ([e for e in catalog(count) if e.flow == flow] for flow in ("sync", "audit"))
    seconds = [begins(e).second for e in syncs]
    assert len({*seconds}) == count
    assert {b - a for a, b in zip(seconds, [*seconds[1:], 60], strict=True)} <= {60 // count, 60 // count + 1}
    assert {(e.every_s, e.cron) for e in syncs} == {(60.0, None)}
    assert [(begins(a).second - s) % 60 for a, s in zip(audits, seconds, strict=True)] == [30] * count
    assert len({begins(e).replace(second=0) for e in audits}) == count
    assert [e.parameters for e in syncs] == [{"shard": f"{n}/{count}"} for n in range(1, count + 1)]


def test_one_shard_is_what_it_always_was() -> None:
    """With one shard names, schedules and parameters are those of an installation that knows of none; the first of
    several keeps its name and slug, so that its history and a person's pause stay."""
    assert [(e.full_name, e.cron, dict(e.parameters)) for e in CATALOG if e.flow == "sync"] == [
        ("sync/every-minute", "* * * * *", {})
    ]
    assert {e.name for e in EIGHT if not is_a_shards(e.name)} == {e.name for e in CATALOG}
    assert {e.slug for e in EIGHT} == {e.slug for e in CATALOG}


NAMES = [f"billing-{n}" for n in range(300)]


@pytest.mark.parametrize(("before", "after"), [(1, 2), (8, 9), (9, 8), (3, 11), (11, 3), (60, 1), (1, 60)])
def test_no_connection_is_without_a_shard_while_shards_are_registered(before: int, after: int) -> None:
    """Registration may end after any of its steps: each connection is in some shard, and in two at most."""
    deployed = {e.full_name: Shard.parse(e.parameters.get("shard", "1/1")) for e in syncs(before)}
    steps = in_order(syncs(after))
    for entry in steps:
        deployed[entry.full_name] = Shard.parse(entry.parameters.get("shard", "1/1"))
        assert {sum(shard.has(name) for shard in deployed.values()) for name in NAMES} <= {1, 2}
    kept = {name: shard for name, shard in deployed.items() if name in {e.full_name for e in steps}}
    assert {sum(shard.has(name) for shard in kept.values()) for name in NAMES} == {1}


def syncs(count: int) -> list[Deployment]:
    """The sync deployments of so many shards."""
    return [e for e in catalog(count) if e.flow == "sync"]


def test_prefect_yaml_says_the_same() -> None:
    """The file for ordinary process pools has the catalog's deployments, schedules and parameters, and no limits."""
    listed = yaml.safe_load(PREFECT_YAML.read_text())["deployments"]
    assert [_of_yaml(one) for one in listed] == [_of_catalog(e) for e in CATALOG]
    assert not any("concurrency_limit" in one for one in listed)


def test_the_compose_sample_has_the_settings_of_up(tmp_path: Path) -> None:
    """The sample's server differs from the one of ``up`` in its addresses and secrets only."""
    services = yaml.safe_load((DEPLOYMENTS / "compose" / "compose.yaml").read_text())["services"]
    own = {
        "PREFECT_HOME",
        "PREFECT_SERVER_ENCRYPTION_KEY",
        "PREFECT_SERVER_API_AUTH_STRING",
        "PREFECT_SERVER_UI_API_URL",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL",
    }
    sample = {k: v for k, v in services["prefect"]["environment"].items() if k not in own}
    ours = {k: v for k, v in settings_env.server_env(tmp_path, 4200, {}).items() if k not in own}
    assert sample == ours
    assert services["prefect"]["ports"] == ["127.0.0.1:4200:4200"]


def _of_yaml(one: Mapping[str, Any]) -> tuple[object, ...]:
    schedules = [(s.get("cron"), s.get("interval"), s.get("anchor_date"), s["slug"]) for s in one.get("schedules", [])]
    return one["name"], one["entrypoint"], schedules, one["parameters"], tuple(one["tags"]), one["description"]


def _of_catalog(e: Deployment) -> tuple[object, ...]:
    anchor = e.anchor.isoformat() if e.anchor else None
    schedules = [(e.cron, e.every_s, anchor, e.slug)] if e.slug else []
    return e.name, e.entrypoint, schedules, dict(e.parameters), e.tags, e.description


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("window", "what"),
    [
        ({"since": NOW + timedelta(days=1)}, "future"),
        ({"since": NOW - timedelta(days=1), "until": NOW - timedelta(days=2)}, "after since"),
        ({"since": NOW - timedelta(days=366 * 30)}, "longer than"),
        ({}, "window or tickets"),
        ({"since": NOW - timedelta(days=1), "billings": ["Not a name"]}, "billings"),
        ({"since": NOW - timedelta(days=1), "tickets": [""]}, "tickets"),
        ({"since": NOW - timedelta(days=1), "unknown": 1}, "unknown"),
    ],
)
def test_a_wrong_window_is_refused_by_name(window: dict[str, Any], what: str) -> None:
    """Each wrong value of the form is refused, and the message names the field or the matter."""
    with pytest.raises(ValidationError, match=what):
        BackfillWindow(**window)


def test_a_window_is_a_quiet_backfill() -> None:
    """The form as a request: in UTC, and always quiet."""
    window = BackfillWindow(since=datetime(2026, 1, 1), billings=["acme"], tickets=["7"], plan_only=False)  # noqa: DTZ001
    request = request_of(window)
    assert (request.kind, request.quiet, request.plan_only) == (RunKind.BACKFILL, True, False)
    assert request.since == datetime(2026, 1, 1, tzinfo=UTC)
    assert (request.billings, request.tickets) == (("acme",), ("7",))


def test_the_form_plans_only_and_says_what_it_does() -> None:
    """As it stands the form writes nothing; it says that it is quiet, and how to stop it and go on."""
    assert request_of(BackfillWindow(tickets=["7"])).plan_only
    said = " ".join(BackfillWindow.model_json_schema()["description"].split())
    for words in ("nothing is written to the external billing", "may be started again", "only plans", "pause NAME"):
        assert words in said
