"""What holds for every test: no settings of the person's own, no telemetry, no network but this machine's loopback."""

from __future__ import annotations

import ipaddress
import os
import sys
import tempfile
from typing import Any

for name in [n for n in os.environ if n.startswith(("REMOTESUPPORT_", "PREFECT_"))]:
    if not name.startswith("REMOTESUPPORT_LIVE_"):
        del os.environ[name]

os.environ |= {
    "PREFECT_HOME": tempfile.mkdtemp(prefix="remotesupport-tests-prefect-"),
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
}


class OutsideNetwork(RuntimeError):
    """A test tried to reach another machine."""


def _loopback_only(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or not isinstance(arguments[1], tuple):
        return
    host = str(arguments[1][0])
    try:
        inside = ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        inside = host in ("", "localhost")
    if not inside:
        raise OutsideNetwork(f"tests reach this machine only, not {host}")


if not os.environ.get("REMOTESUPPORT_LIVE_URL"):
    sys.addaudithook(_loopback_only)
