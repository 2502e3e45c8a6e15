"""Names the billings that may be rung for: those in remotesupport.toml, as it is now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from remotesupport.core.connections.shards import Shard, number_of
from remotesupport.settings import Settings, SettingsError, load_settings

_Mark = tuple[int, int] | None


class Names:
    """The configured billings. A file that has changed is read again; while it is broken the last good one counts."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._settings = load_settings(environ=environ)
        self._mark = _mark_of(self._settings.config_path)

    def unknown(self, billing: str) -> str:
        """Say why this one cannot be rung for; "" where it can."""
        known = {external.name: external.enabled for external in self._current().external}
        if billing not in known:
            return f"there is no billing of that name in remotesupport.toml; it has {', '.join(known) or 'none'}"
        return "" if known[billing] else f"{billing} is switched off: enabled = false in remotesupport.toml"

    def shard(self, billing: str) -> Shard:
        """The shard that looks at it each minute."""
        count = self._current().scale.shards
        return Shard(number_of(billing, count), count)

    def _current(self) -> Settings:
        mark = _mark_of(self._settings.config_path)
        if mark != self._mark:
            self._mark = mark
            try:
                self._settings = load_settings(environ=self._environ)
            except SettingsError:
                return self._settings
        return self._settings


def _mark_of(file: Path) -> _Mark:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
