"""The sections [alerts] and [monitoring]: what is understood, and what is refused in which words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from remotesupport.settings import Settings, SettingsError, load_settings

MAIN = '[main]\nurl = "https://main.example:1500/billmgr"\n'


def load(folder: Path, text: str) -> Settings:
    """A configuration with nothing but main and this."""
    file = folder / "remotesupport.toml"
    file.write_text(MAIN + text, encoding="utf-8")
    return load_settings(file, {"REMOTESUPPORT_HOME": str(folder / "state")})


def refused(folder: Path, text: str) -> str:
    """Return why it is."""
    with pytest.raises(SettingsError) as caught:
        load(folder, text)
    return str(caught.value)


def test_without_the_sections_nobody_is_told_and_loopback_is_served(tmp_path: Path) -> None:
    """Alerts need a receiver; figures are on a free port of this machine."""
    found = load(tmp_path, "")
    assert not found.alerts.told
    assert (found.monitoring.address, found.monitoring.port) == ("127.0.0.1", 0)


def test_blocks_of_prefect_are_named_by_type_and_name(tmp_path: Path) -> None:
    """Each entry of ``to`` is a block that Prefect has; anything else is refused with how it looks."""
    found = load(tmp_path, '[alerts]\nto = ["prefect-block:slack-webhook/ops"]\n')
    assert found.alerts.blocks == (("slack-webhook", "ops"),)
    assert '"prefect-block:TYPE/NAME"' in refused(tmp_path, '[alerts]\nto = ["slack"]\n')


def test_an_address_of_a_receiver_is_a_secret(tmp_path: Path) -> None:
    """A literal address is refused and not repeated; a reference is taken, and what it holds goes into no log."""
    text = '[[alerts.receivers]]\nname = "ops"\nkind = "webhook"\nurl = "{}"\n'
    said = refused(tmp_path, text.format("https://invented-secret.example/hook"))
    assert "invented-secret" not in said
    assert "[[alerts.receivers]], url: a literal password is refused here. Expected: where its address stands" in said
    (tmp_path / "hook").write_text("https://invented-secret.example/hook\n")
    found = load(tmp_path, text.format(f"file:{tmp_path}/hook"))
    assert found.alerts.told
    assert "https://invented-secret.example/hook" in found.secrets()


def test_a_receiver_has_a_kind_and_a_name_of_its_own(tmp_path: Path) -> None:
    """Kinds are a closed list, names are unique."""
    one = '[[alerts.receivers]]\nname = "ops"\nkind = "{}"\nurl = "env:OPS"\n'
    assert '"webhook", "slack", "teams", "apprise"' in refused(tmp_path, one.format("pigeon"))
    assert 'the receiver "ops" is there twice' in refused(tmp_path, one.format("slack") * 2)


def test_a_heartbeat_is_an_address_or_a_reference(tmp_path: Path) -> None:
    """Either is taken, an address too goes into no log; a word is refused."""
    text = '[alerts]\nheartbeat_url = "{}"\n'
    assert "https://watch.example/invented" in load(tmp_path, text.format("https://watch.example/invented")).secrets()
    assert str(load(tmp_path, text.format("env:BEAT")).alerts.heartbeat_url) == "env:BEAT"
    for wrong in ("watch.example", "http://"):
        assert "heartbeat_url" in refused(tmp_path, text.format(wrong))


def test_quiet_hours_are_by_the_clock_of_their_zone(tmp_path: Path) -> None:
    """22 o'clock in Moscow is 19 UTC; without a zone, or with no such hours, they are refused."""
    quiet = '[alerts]\nquiet_hours = "22:00-07:00"\n'
    alerts = load(tmp_path, quiet + 'timezone = "Europe/Moscow"\n').alerts
    hours = [hour for hour in range(24) if alerts.is_quiet(datetime(2026, 11, 23, hour, 30, tzinfo=UTC))]
    assert hours == [0, 1, 2, 3, 19, 20, 21, 22, 23]
    assert "quiet_hours need a timezone" in refused(tmp_path, quiet)
    for wrong in ("22-7", "24:00-07:00", "07:00-07:00"):
        assert "these are no hours of a day" in refused(tmp_path, f'[alerts]\nquiet_hours = "{wrong}"\n')


def test_figures_are_not_open_to_a_network(tmp_path: Path) -> None:
    """An address that is not this machine alone needs a token; a name of a host is no pattern."""
    text = '[monitoring]\naddress = "10.0.0.5"\n'
    assert "give a token" in refused(tmp_path, text)
    assert str(load(tmp_path, text + 'token = "env:TOKEN"\n').monitoring.token) == "env:TOKEN"
    assert "this is no name of a host" in refused(tmp_path, '[monitoring]\nhosts = ["*"]\n')
