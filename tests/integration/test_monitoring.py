"""Health and figures over real HTTP from a real store, and the files for Prometheus and Grafana that name them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

import deployments.monitoring
from deployments.monitoring.figures import Figures
from deployments.monitoring.health import HealthOf, Status
from deployments.monitoring.server import MonitoringServer
from remotesupport.cli.status import look_at
from remotesupport.core.connections.connection_state import Failure, State
from remotesupport.core.model import ChangeKind
from remotesupport.core.records import ParkedChange
from remotesupport.core.run import BillingResult, BillingState, RunKind, RunReport
from remotesupport.settings import Settings, load_settings
from remotesupport.steps.record.certificates import known_certificates, look_at_certificates
from remotesupport.store import Store
from tests.emulator_fixtures import running_emulator
from tests.fresh_store import fresh_sqlite, store_at
from tests.store_rows import FakeClock

FILES = Path(deployments.monitoring.__file__).parent
CONFIG = """
[main]
url = "https://main.example:1500/billmgr"
[monitoring]
hosts = ["remotesupport.example"]
"""
EXTERNAL = """
[[external]]
name = "{name}"
url = "https://billing.{name}.example:1500/billmgr"
login = "robot"
password = "env:INVENTED"
main_login = "{name}"
main_password = "env:INVENTED_TOO"
timezone = "Europe/Moscow"
"""
MINUTE = timedelta(minutes=1)


def settings_at(folder: Path, text: str = CONFIG) -> Settings:
    """Two billings, a store with its tables."""
    (folder / "remotesupport.toml").write_text(text + "".join(EXTERNAL.format(name=n) for n in ("acme", "globex")))
    environ = {"REMOTESUPPORT_HOME": str(folder)}
    found = load_settings(folder / "remotesupport.toml", environ)
    if not (folder / "remotesupport.sqlite3").exists():
        fresh_sqlite(folder / "remotesupport.sqlite3")
    return found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """As ``settings_at`` says."""
    return settings_at(tmp_path)


@pytest.fixture
def clock() -> FakeClock:
    """The time of store and figures."""
    return FakeClock()


@pytest.fixture
def store(settings: Settings, clock: FakeClock) -> Iterator[Store]:
    """The store of the configuration."""
    with store_at(settings.database_url, clock) as opened:
        yield opened


def ran(store: Store, clock: FakeClock, *lines: BillingResult, kind: RunKind = RunKind.SYNC) -> None:
    """A run of three seconds with these lines."""
    done = RunReport(f"r{clock.at.timestamp()}", kind, clock.at, list(lines), step_seconds={"extract": 1.5})
    store.begin_run(done.run, kind, None, done.started, [line.name for line in lines])
    clock.advance(3)
    store.finish_run(done.run, done.headline, done.to_json())


def shown(figures: Figures) -> dict[str, dict[tuple[str, ...], float]]:
    """All that Prometheus reads: name → labels' values → figure."""
    registry = CollectorRegistry()
    registry.register(figures)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_figures_are_what_the_store_knows(settings: Settings, store: Store, clock: FakeClock) -> None:
    """Each connection's state, ages and parked changes at the moment of asking; both, also one that was never read."""
    figures = Figures(store, lambda: settings, clock)
    good = clock.at
    fine = {"last_run": good, "last_good": good, "last_read": good, "state": State.OK, "state_since": good}
    store.set_connection("acme", **fine)
    waits = ParkedChange("acme", "7", None, ChangeKind.POST, "k", "words", good, 1, None, "r")
    store.park(waits)
    ran(store, clock, BillingResult("acme", written=4, requests=9))
    clock.advance(57)
    now = shown(figures)
    assert now["remotesupport_store_up"] == {(): 1}
    assert now["remotesupport_stands_still"] == now["remotesupport_main_down"] == {(): 0}
    assert now["remotesupport_last_run_timestamp_seconds"] == {(): good.timestamp()}
    states = {key for key, value in now["remotesupport_billing_state"].items() if value}
    assert states == {("acme", "behind"), ("globex", "never_read")}
    assert now["remotesupport_parked_changes"] == {("acme",): 1, ("globex",): 0}
    assert now["remotesupport_oldest_parked_seconds"] == {("acme",): 60, ("globex",): 0}
    assert now["remotesupport_last_good_read_timestamp_seconds"] == {("acme",): good.timestamp()}
    assert now["remotesupport_behind_seconds"] == {("acme",): 60}
    clock.advance(600)
    assert shown(figures)["remotesupport_stands_still"] == {(): 1}


def test_each_run_is_counted_once(settings: Settings, store: Store, clock: FakeClock) -> None:
    """Counters grow by each run that ends, by whichever process, and by none that ended before or twice."""
    ran(store, clock, BillingResult("acme", requests=100))
    clock.advance(1)
    figures = Figures(store, lambda: settings, clock)
    assert shown(figures)["remotesupport_requests_total"] == {("acme",): 0, ("globex",): 0}
    bad = BillingResult("globex", state=BillingState.FAILED, failure=Failure.UNREACHABLE, requests=1)
    for _ in range(3):
        ran(store, clock, BillingResult("acme", requests=10, written=2), bad)
        assert shown(figures) == shown(figures)
        clock.advance(57)
    ran(store, clock, BillingResult("acme", state=BillingState.SKIPPED), kind=RunKind.AUDIT)
    now = shown(figures)
    assert now["remotesupport_requests_total"] == {("acme",): 30, ("globex",): 3}
    assert now["remotesupport_written_total"] == {("acme",): 6, ("globex",): 0}
    assert now["remotesupport_errors_total"]["globex", "unreachable"] == 3
    assert sum(now["remotesupport_errors_total"].values()) == 3
    assert now["remotesupport_runs_total"] == {("audit", "skipped"): 1, ("sync", "failed"): 3}
    assert now["remotesupport_step_seconds_total"] == {("extract",): 6}
    assert now["remotesupport_run_seconds_total"] == {("sync",): 9, ("audit",): 3}


def test_a_store_that_does_not_answer_is_a_figure_too(settings: Settings, clock: FakeClock) -> None:
    """Without a store there are no figures but the one that says so, and no error."""
    with Store.open("postgresql+psycopg://nobody:invented@127.0.0.1:9/none") as gone:
        now = shown(Figures(gone, lambda: settings, clock))
        assert HealthOf(gone, clock).now().status is Status.NO_STORE
    assert now["remotesupport_store_up"] == {(): 0}
    assert set(now) == {"remotesupport_store_up", "remotesupport_info"}


def test_health_is_whether_runs_begin(store: Store, clock: FakeClock) -> None:
    """Well while runs begin, and for three minutes after a start; not well when none has begun for longer."""
    health = HealthOf(store, clock)
    assert health.now().status is Status.STARTING
    clock.advance(181)
    assert health.now().status is Status.NOT_RUNNING
    ran(store, clock, BillingResult("acme", state=BillingState.FAILED))
    assert health.now().status is Status.OK
    clock.advance(600)
    assert not health.now().is_well


@pytest.fixture
def server(settings: Settings) -> Iterator[MonitoringServer]:
    """The server as a worker starts it."""
    serving = MonitoringServer(settings)
    serving.start()
    yield serving
    serving.stop()


def asked(server: MonitoringServer, path: str, **headers: str) -> httpx.Response:
    """An answer over HTTP."""
    return httpx.get(server.url + path, headers=headers, timeout=30, trust_env=False)


def test_health_and_figures_are_served_without_a_login(server: MonitoringServer) -> None:
    """On loopback anybody on this machine may ask; health tells nothing of single billings."""
    health = asked(server, "/health")
    assert (health.status_code, health.json()["status"]) == (200, "starting")
    assert "acme" not in health.text
    figures = asked(server, "/metrics")
    assert figures.status_code == 200
    assert 'remotesupport_billing_state{billing="acme",state="never_read"} 1.0' in figures.text
    assert asked(server, "/else").status_code == 404
    assert httpx.post(server.url + "/health", timeout=30, trust_env=False).status_code == 405


@pytest.mark.parametrize("path", ["/health", "/metrics"])
def test_no_page_of_another_site_reaches_them(server: MonitoringServer, path: str) -> None:
    """Asked by a name that is not this server's it refuses; by its own names and the configured ones it answers."""
    assert asked(server, path, Host="attacker.example").status_code == 400
    for name in ("localhost:1", "127.0.0.1", "remotesupport.example:80"):
        assert asked(server, path, Host=name).status_code == 200


def test_figures_ask_for_the_token_where_there_is_one(settings: Settings) -> None:
    """With a token only who has it sees figures; health stays open."""
    serving = MonitoringServer(settings, "invented-token")
    serving.start()
    try:
        assert asked(serving, "/health").status_code == 200
        assert asked(serving, "/metrics").status_code == 401
        assert asked(serving, "/metrics", Authorization="Bearer wrong").status_code == 401
        assert asked(serving, "/metrics", Authorization="Bearer invented-token").status_code == 200
    finally:
        serving.stop()


async def test_the_end_of_a_certificate_is_seen_and_shown(settings: Settings, store: Store, clock: FakeClock) -> None:
    """A look at an https address remembers when its certificate ends; plain http has none, and nothing is shown."""
    with running_emulator("acme", tls=True) as acme:
        connection = SimpleNamespace(settings=SimpleNamespace(url=acme.url))
        main = SimpleNamespace(main=SimpleNamespace(url="http://127.0.0.1:9/billmgr"))
        context: Any = SimpleNamespace(connections={"acme": connection}, settings=main, store=store)
        await look_at_certificates(context)
    (seen,) = known_certificates(store, ["acme", "globex"])
    soon, then = (look_at(settings, "here", store, seen.expires - timedelta(days=n), ("acme",)) for n in (20, 22))
    assert soon.warnings == [f"The certificate of acme: it ends on {seen.expires:%Y-%m-%d}, in 20 days."]
    assert then.warnings == []
    days = shown(Figures(store, lambda: settings, clock))["remotesupport_certificate_days_left"]
    assert days == {("acme", "external"): pytest.approx((seen.expires - clock.at).total_seconds() / 86400)}


def names_in(expression: str) -> set[str]:
    """The figures that an expression names."""
    return set(re.findall(r"\bremotesupport_[a-z_]+\b", expression))


def expressions() -> dict[str, str]:
    """Each expression of the rules and the dashboard by where it stands."""
    rules = yaml.safe_load((FILES / "alert-rules.yaml").read_text())["groups"][0]["rules"]
    found = {rule["alert"]: rule["expr"] for rule in rules}
    board: dict[str, Any] = json.loads((FILES / "grafana-dashboard.json").read_text())
    for panel in board["panels"]:
        found |= {f"{panel['id']} {panel['title']} {t['refId']}": t["expr"] for t in panel["targets"]}
    return found | {f"variable {v['name']}": v.get("definition", "") for v in board["templating"]["list"]}


async def test_rules_and_dashboard_name_only_figures_that_are_shown(
    settings: Settings, store: Store, clock: FakeClock
) -> None:
    """Every figure in the shipped files is one that /metrics shows, and every one that it shows is in the manual."""
    figures = Figures(store, lambda: settings, clock)
    store.save_progress("certificate/acme", {"expires": (clock.at + timedelta(days=5)).isoformat()})
    store.set_connection("acme", last_run=clock.at, last_good=clock.at, last_read=clock.at)
    ran(store, clock, BillingResult("acme"))
    known = set(shown(figures))
    used = {where: names_in(expression) for where, expression in expressions().items()}
    assert {where: names - known for where, names in used.items() if names - known} == {}
    assert len([names for names in used.values() if names]) >= 20
    manual = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    assert [name for name in sorted(known) if f"`{name}" not in manual] == []
