"""The configuration of an installation: remotesupport.toml and three environment variables.

Here: where the file, the state folder and the store are, reading, and the rules about several connections together.
What must stay out: the keys themselves (settings_models), passwords (settings_secrets), Prefect.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import platformdirs
from pydantic import ValidationError

from remotesupport.settings_alerts import AlertsSettings, MonitoringSettings, ReceiverSettings
from remotesupport.settings_errors import Problem, SettingsError, nearest, problems_of
from remotesupport.settings_file import FileSettings
from remotesupport.settings_models import (
    BellSettings,
    DepartmentSettings,
    ExternalSettings,
    GuardSettings,
    KeepSettings,
    MainSettings,
    ScaleSettings,
)
from remotesupport.settings_secrets import BlockReader, SecretRef

__all__ = [
    "AlertsSettings",
    "BellSettings",
    "BlockReader",
    "DepartmentSettings",
    "ExternalSettings",
    "GuardSettings",
    "KeepSettings",
    "MainSettings",
    "MonitoringSettings",
    "Problem",
    "ReceiverSettings",
    "ScaleSettings",
    "SecretRef",
    "Settings",
    "SettingsError",
    "config_path",
    "load_settings",
    "ready_state_folder",
    "state_folder",
]

FILE_NAME = "remotesupport.toml"
CONFIG_VARIABLE = "REMOTESUPPORT_CONFIG"
HOME_VARIABLE = "REMOTESUPPORT_HOME"
DATABASE_VARIABLE = "REMOTESUPPORT_DATABASE_URL"
DATABASE_FILE = "remotesupport.sqlite3"
_HOME = f"Set {HOME_VARIABLE} to a folder that this user may write"
_DATABASES = ("sqlite:///", "postgresql+psycopg://")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a run needs to know. Holds references to secrets, never a secret; ``repr`` is safe to print."""

    home: Path
    database_url: str = field(repr=False)
    main: MainSettings
    external: tuple[ExternalSettings, ...]
    guard: GuardSettings
    config_path: Path
    bell: BellSettings = field(default_factory=BellSettings)
    scale: ScaleSettings = field(default_factory=ScaleSettings)
    alerts: AlertsSettings = field(default_factory=AlertsSettings)
    monitoring: MonitoringSettings = field(default_factory=MonitoringSettings)
    keep: KeepSettings = field(default_factory=KeepSettings)

    def connection(self, name: str) -> ExternalSettings:
        """The connection called ``name``, enabled or not. Raises SettingsError with the nearest known name."""
        for one in self.external:
            if one.name == name:
                return one
        known = nearest(name, (e.name for e in self.external))
        raise SettingsError([Problem(str(self.config_path), f'there is no [[external]] called "{name}"', known)])

    def enabled(self) -> tuple[ExternalSettings, ...]:
        """The connections that are switched on, in the file's order."""
        return tuple(e for e in self.external if e.enabled)

    def secrets(self) -> tuple[str, ...]:
        """Every secret value that is at hand, to be removed from logs and shown nowhere."""
        references = [r for e in self.external for r in (e.password, e.main_password)]
        values = [r.peek() for r in references] + [urlsplit(self.database_url).password or ""]
        values += self.alerts.secrets()
        values += [one.peek() for one in (self.monitoring.token, self.keep.key, self.main.watch_password) if one]
        return tuple(dict.fromkeys(v for v in values if v))

    def departments_of(self, name: str) -> set[str]:
        """The remote departments that correspond for one connection, as it names them, in small letters."""
        return {pair.remote.strip().casefold() for pair in self.connection(name).departments if pair.enabled}

    def limits(self, name: str) -> GuardSettings:
        """The guard's limits for one connection: its own where it has them, else those of ``[guard]``."""
        own = self.connection(name).guard.model_dump(exclude_none=True)
        return self.guard.model_copy(update=own)


def state_folder(environ: Mapping[str, str] | None = None) -> Path:
    """``REMOTESUPPORT_HOME``, or the platform's folder for state (on Linux ``~/.local/state/remotesupport``)."""
    given = _environ(environ).get(HOME_VARIABLE)
    try:
        folder = Path(given).expanduser() if given else platformdirs.user_state_path("remotesupport", appauthor=False)
    except RuntimeError:
        raise SettingsError([Problem(f"{HOME_VARIABLE}={given}", "there is no such user's folder", _HOME)]) from None
    return folder.absolute()


def ready_state_folder(home: Path) -> None:
    """Make the state folder (readable by its owner only) and write in it. Raises SettingsError where it cannot be."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        what = f"the state folder cannot be made or written ({error.strerror})"
        raise SettingsError([Problem(str(home), what, _HOME)]) from None


def config_path(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Path:
    """Find the configuration: ``path``, ``REMOTESUPPORT_CONFIG``, this folder, or the state folder. Absolute."""
    env = _environ(environ)
    if path is not None:
        return path.expanduser().absolute()
    if given := env.get(CONFIG_VARIABLE):
        return Path(given).expanduser().absolute()
    here = Path(FILE_NAME).absolute()
    in_home = state_folder(env) / FILE_NAME
    return in_home if _is_file(in_home) and not _is_file(here) else here


def load_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check the configuration. Raises SettingsError with every problem at once, each with its cure."""
    env = _environ(environ)
    file = config_path(path, env)
    raw = _read(file)
    home = state_folder(env)
    problems = [*_collisions(raw), *_database_problems(env)]
    try:
        parsed = FileSettings.model_validate(raw, context={"folder": file.parent})
    except ValidationError as error:
        raise SettingsError([*problems_of(error, FileSettings, raw), *problems], str(file)) from None
    if problems:
        raise SettingsError(problems, str(file))
    url = env.get(DATABASE_VARIABLE) or _in_folder(home)
    more = (parsed.bell, parsed.scale, parsed.alerts, parsed.monitoring, parsed.keep)
    return Settings(home, url, parsed.main, parsed.external, parsed.guard, file, *more)


def _in_folder(home: Path) -> str:
    """The address of the store in ``home``; what means something else in an address is written in its quoted form."""
    return f"sqlite:///{quote(str(home / DATABASE_FILE), safe='/')}"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # may not be looked at, or has a name that is too long
        return False


def _environ(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    return os.environ if environ is None else environ


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        cure = f"`remotesupport init` writes one; or name it with --config or {CONFIG_VARIABLE}"
        raise SettingsError([Problem(str(file), "there is no such configuration file", cure)]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            [Problem(str(file), f"cannot be read ({error})", "Make it a readable UTF-8 file")]
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([Problem(str(file), f"is not TOML: {error}", "Text values stand in quotes")]) from None


def _database_problems(env: Mapping[str, str]) -> Iterator[Problem]:
    url = env.get(DATABASE_VARIABLE, "")
    if url and not url.startswith(_DATABASES):
        yield Problem(
            DATABASE_VARIABLE, "no usable store address", "Expected: " + " or ".join(d + "…" for d in _DATABASES)
        )


def _collisions(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """Find what no single section can know: names used twice, and one customer user in two connections."""
    names: dict[str, int] = defaultdict(int)
    owners: dict[str, list[str]] = defaultdict(list)
    for number, one in enumerate(_sections(raw, "external"), 1):
        name = str(one.get("name", f"number {number}"))
        names[name] += 1
        if user := str(one.get("main_login") or "").strip():
            owners[user.casefold()].append(name)
    for name, times in names.items():
        if times > 1:
            yield Problem(f'[[external]] "{name}"', f"the name is used {times} times", "Names are unique; rename one")
    yield from (_shared(user, listed) for user, listed in owners.items() if len(set(listed)) > 1)


def _shared(user: str, owners: list[str]) -> Problem:
    return Problem(
        " and ".join(f'[[external]] "{o}"' for o in dict.fromkeys(owners)),
        f'they share the customer user "{user}" of the main billing: each would take the other\'s tickets for its own',
        "Give each connection a main_login of its own",
    )


def _sections(raw: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    listed = raw.get(key, [])
    return [s for s in listed if isinstance(s, Mapping)] if isinstance(listed, list) else []
