"""The environment of our own Prefect server, of its clients and of its workers.

Every setting that ``up`` makes is in here, with its reason; starting processes is in ``processes``.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from deployments.secret_file import made_once

RETENTION_DAYS = 3
AUTH_VARIABLE, CLIENT_AUTH_VARIABLE = "PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_AUTH_STRING"
ORIGINS_VARIABLE = "PREFECT_SERVER_CORS_ALLOWED_ORIGINS"
AUTH_FILE = "login.txt"
PREFETCH_SECONDS = 1
QUERY_SECONDS = 2

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LEASES_ON_DISK = "prefect.server.concurrency.lease_storage.filesystem"

# No outside request, whatever the environment says.
QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",  # V2 calls an outside host even with analytics off
}

# Nothing may start a server behind our back.
NO_EPHEMERAL = {"PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false"}


def prefect_home(home: Path) -> Path:
    """Tell where Prefect keeps its database and profiles: inside the state folder, readable by its owner only."""
    path = home.resolve() / "prefect"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def api_url(port: int) -> str:
    """The address of the API that ``up`` serves."""
    return f"http://127.0.0.1:{port}/api"


def encryption_key(home: Path) -> str:
    """The key of Prefect's Secret blocks, made once and kept beside the database instead of inside it."""
    key = prefect_home(home) / "encryption.key"
    return made_once(key, lambda: base64.urlsafe_b64encode(os.urandom(32)).decode())


def auth_file(home: Path) -> Path:
    """Tell where the login of our own server stands, as ``user:password``."""
    return prefect_home(home) / AUTH_FILE


def auth_string(home: Path) -> str:
    """The login of our own server: made at the first start, readable by the state folder's owner only."""
    return made_once(auth_file(home), lambda: f"remotesupport:{secrets.token_urlsafe(24)}")


def own_login(home: Path, url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The login for a client of our own server, which is on loopback; nothing where a person has set one."""
    path = home.resolve() / "prefect" / AUTH_FILE
    given = any(environ.get(name) for name in (CLIENT_AUTH_VARIABLE, AUTH_VARIABLE, "PREFECT_API_KEY"))
    if given or urlsplit(url).hostname not in _LOOPBACK or not path.is_file():
        return {}
    return {CLIENT_AUTH_VARIABLE: path.read_text().strip()}


def _retention() -> dict[str, str]:
    return {
        # Deletes old flow runs with their task runs, logs and artifacts, and old events.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(RETENTION_DAYS * 86400),
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P1D",  # plain seconds are a start-up error
    }


_SYSTEM = ("PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "VIRTUAL_ENV")
_SYSTEM_PREFIXES = ("PREFECT_", "PYTHON", "LC_", "LD_", "SSL_", "XDG_")


def _needed_by_server(environ: Mapping[str, str]) -> dict[str, str]:
    # The server gets no password of a billing.
    kept = {k: v for k, v in environ.items() if k in _SYSTEM or k.startswith(_SYSTEM_PREFIXES)}
    return {k: v for k, v in kept.items() if k not in ("PREFECT_API_URL", "PREFECT_PROFILE")}


def _server_defaults(home: Path, port: int) -> dict[str, str]:
    return _retention() | {
        ORIGINS_VARIABLE: f"http://127.0.0.1:{port},http://localhost:{port}",
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        # Leases in memory are lost at a restart and their slots stay taken for ever.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": _LEASES_ON_DISK,
        "PREFECT_SERVER_ENCRYPTION_KEY": encryption_key(home),
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    }


def server_env(home: Path, port: int, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for ``deployments.prefect_server`` on loopback at ``port``.

    What a person set in ``environ`` wins (another database, a longer retention, an origin of a proxy), except for
    what keeps the server quiet, on its address and in its folder. ``PREFECT_SERVER_API_AUTH_STRING`` passes through.
    The server goes by the names of its allowed origins only; its own are always among them.
    """
    fixed = {"PREFECT_HOME": str(prefect_home(home)), "PREFECT_SERVER_API_PORT": str(port)}
    made = _server_defaults(home, port) | _needed_by_server(environ) | QUIET | NO_EPHEMERAL | fixed
    more = environ.get(ORIGINS_VARIABLE, "").strip()
    own = _server_defaults(home, port)[ORIGINS_VARIABLE]
    return made | {ORIGINS_VARIABLE: f"{own},{more}" if more else own}


def client_env(home: Path, url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a process that talks to the server at ``url``: workers, deploying, runs from the CLI."""
    defaults = {
        "PREFECT_WORKER_PREFETCH_SECONDS": str(PREFETCH_SECONDS),
        "PREFECT_WORKER_QUERY_SECONDS": str(QUERY_SECONDS),
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "remotesupport",  # our own lines are seen in the run, too
        # "Beginning flow run", "Finished in state Completed()" say what the UI shows: the first line is one with news.
        "PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL": "WARNING",
        "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",
    }
    if auth := environ.get(AUTH_VARIABLE):
        defaults[CLIENT_AUTH_VARIABLE] = auth
    defaults |= own_login(home, url, environ)
    fixed = {"PREFECT_HOME": str(prefect_home(home)), "PREFECT_API_URL": url}
    inherited = {k: v for k, v in environ.items() if k != "PREFECT_PROFILE"}
    return defaults | inherited | QUIET | NO_EPHEMERAL | fixed
