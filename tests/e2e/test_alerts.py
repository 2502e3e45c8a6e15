"""A night of ``remotesupport up`` in real time: what its operator is told, and what not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from deployments.processes import free_port
from tests.prefect_fixtures import test_environ
from tests.receivers import Hook, hook, until_got
from tests.three_billings import ThreeBillings, three_billings
from tests.up_process import up_process

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.thorough("alerts wait for minutes of the schedule: seven of them pass"),
]

ALERTS = """
[alerts]
behind_minutes = 1
heartbeat_url = "env:HEARTBEAT"
[[alerts.receivers]]
name = "ops"
kind = "webhook"
url = "env:OPS"
"""
PATIENCE_S = 400.0


def told_of(world: ThreeBillings, web: Hook, heart: Hook) -> Mapping[str, Any]:
    """The environment of ``up`` with both receivers in its configuration."""
    config = world.home / "remotesupport.toml"
    config.write_text(config.read_text() + ALERTS)
    return test_environ(**world.environ, OPS=web.url, HEARTBEAT=heart.url)


def test_main_down_for_a_while_is_one_alert_and_one_end(tmp_path: Path) -> None:
    """Two billings that wait because main is down are one alert that names both; when it is back, one end; the
    heartbeat stops meanwhile, and goes on after it."""
    with three_billings(tmp_path) as world, hook() as web, hook() as heart:
        environ = told_of(world, web, heart)
        with up_process(world.home, free_port(), environ):
            until_got(heart.asked, 2, PATIENCE_S)
            world.main.stop()
            until_got(web.got, 1, PATIENCE_S)
            beats = len(heart.asked)
            world.main.start()
            until_got(web.got, 2, PATIENCE_S)
            until_got(heart.asked, beats + 1, PATIENCE_S)
    raised, ended = web.got
    assert raised["subject"] == "remotesupport: the main billing cannot be read, nothing is carried over"
    assert "Waiting for it: acme, globex" in raised["text"]
    assert ended["subject"].startswith("remotesupport: over: ")
