"""Records changes of the configuration since the last run: a line of the history for each key, never a secret.

Two processes of one store with two configurations each note theirs when they begin, and not with each run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import PurePath
from typing import Any

from remotesupport.bootstrap import Context
from remotesupport.settings import Settings
from remotesupport.settings_secrets import SecretRef
from remotesupport.store import Changed, HistoryLine

_REMEMBERED = "history/configuration"
_PRODUCT = "remotesupport"


def note_configuration(ctx: Context) -> None:
    """Once per process and configuration: compare it with the last one that a run had. The first one is no change."""
    if _REMEMBERED in ctx.noted:
        return
    now = dict(flat(ctx.settings)) | {_PRODUCT: version(_PRODUCT)}
    before = ctx.store.progress(_REMEMBERED)
    if before != now:
        with ctx.store.together():
            ctx.store.save_progress(_REMEMBERED, now)
            ctx.store.add_history(differences(before, now) if before is not None else [])
    ctx.noted.add(_REMEMBERED)


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[HistoryLine]:
    """A line for each key whose value is another one, new or gone; a connection's keys are its own lines."""
    moved = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
    return [_line(key, before.get(key, ""), now.get(key, "")) for key in moved]


def _line(key: str, before: str, now: str) -> HistoryLine:
    if key == _PRODUCT:
        return HistoryLine("", Changed.VERSION, key, before, now)
    section, _, rest = key.partition("/")
    connection = rest.partition("/")[0] if section == "external" else ""
    return HistoryLine(connection, Changed.CONFIGURATION, key, before, now)


def flat(settings: Settings) -> Iterator[tuple[str, str]]:
    """Each key of the file with its value as text: ``external/acme/url``. Places on this machine are left out, so that
    two machines with one configuration have the same."""
    for section in ("main", "guard"):
        yield from _flat(section, getattr(settings, section).model_dump())
    for external in settings.external:
        place, known = f"external/{external.name}", external.model_dump(exclude={"name", "departments"})
        yield from _flat(place, known)
        for pair in external.departments:
            yield f"{place}/departments/{pair.remote}", pair.main + ("" if pair.enabled else " (off)")


def _flat(place: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{place}/{key}", value)
        elif isinstance(value, PurePath):
            yield f"{place}/{key}", value.name
        elif isinstance(value, SecretRef):  # the reference: env:NAME, and of a file its name only
            yield f"{place}/{key}", f"{value.kind}:{PurePath(value.place).name}"
        elif value is not None:
            yield f"{place}/{key}", str(value)
