"""Maps remote departments to main departments, by the ids that both sides show in this run.

The main billing's own list "Remote support departments" says it where there is one (version 4), the configuration where
not. Both name departments by name or id; here they become ids. What is not found, and where the two differ, is a
problem to be named, never a guess: the tickets of such a department wait, as if it were switched off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from connectors.contract import Match
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.model import DepartmentRow
from remotesupport.settings import ExternalSettings
from remotesupport.settings_errors import offered
from remotesupport.steps.framing import Rows, department_rows
from remotesupport.steps.read.sides import said_by
from remotesupport.store import Store

NO_NAMES = (
    "cannot be looked up by its name in the main billing, whose form lists none: write the number of its category"
)

ASK_MAIN_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Departments:
    """Rows of both sides' DEPARTMENTS, and of the CORRESPONDENCES between them.

    ``flagged``: ids that the external billing marks as remote. ``lost``: departments that are not there (or more than
    once), ``disputed``: those about which two places differ, both in words.
    ``resolved``: the id that each name of a remote department means. ``notes``: what a person should know all the same.
    ``remembered``: main was not asked, since it said its own within ``ASK_MAIN_AGAIN``.
    """

    external: Rows
    main: Rows
    correspondences: Rows
    lost: tuple[str, ...]
    disputed: tuple[str, ...]
    flagged: frozenset[str]
    resolved: dict[str, str]
    notes: tuple[str, ...] = ()
    remembered: bool = False

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that keeps tickets waiting."""
        return self.lost + self.disputed


async def departments_of(
    ctx: Context, connection: Connection, known: Mapping[str, str] | None = None, *, skims: bool = False
) -> Departments:
    """Read both sides' departments and the main billing's list. Raises ConnectorError.

    ``known``: what names of remote departments meant, where the store was asked already. ``skims``: main's own are
    taken as they were, where they were in order within the last hour.
    """
    now, before = ctx.clock(), connection.main_departments if skims else None
    if before is not None and not timedelta() <= now - before[0] < ASK_MAIN_AGAIN:
        before = None
    known = resolved_names(ctx.store, connection.name) if known is None else known
    found, inside = await _read(connection, known, before[1] if before is not None else None)
    if found.problems:
        connection.main_departments = None
    elif before is None:
        connection.main_departments = (now, inside)
    return replace(found, remembered=before is not None)


async def read_departments(connection: Connection, known: Mapping[str, str]) -> Departments:
    """Return the same with what is remembered as ``known``. Raises ConnectorError."""
    return (await _read(connection, known, None))[0]


async def _read(
    connection: Connection, known: Mapping[str, str], remembered: tuple[DepartmentRow, ...] | None
) -> tuple[Departments, tuple[DepartmentRow, ...]]:
    """Return both sides' departments, and main's as it said them, now or (``remembered``) before."""
    external, main = connection.external, connection.main
    ask_main = main.departments if remembered is None else _as_said(remembered)
    listing = asyncio.gather(said_by(connection, external, external.departments), said_by(connection, main, ask_main))
    (outside, inside), setup = await asyncio.gather(listing, said_by(connection, main, main.setup))
    there, here = (department_rows(b.name, b.side, d) for b, d in ((external, outside), (main, inside)))
    listed = setup.matches if setup is not None else None
    flagged = frozenset(row.department for row in outside if row.remote)
    named = main.capabilities.names_departments
    found = corresponding(connection.settings, there, here, listed or (), known, flagged, main_named=named)
    return found, tuple(inside)


def _as_said(rows: Sequence[DepartmentRow]) -> Callable[[], Awaitable[Sequence[DepartmentRow]]]:
    async def say() -> Sequence[DepartmentRow]:
        return rows

    return say


def resolved_names(store: Store, name: str) -> dict[str, str]:
    """Return what each name of a remote department meant in the last good run."""
    return resolved_names_of(store, [name]).get(name, {})


def resolved_names_of(store: Store, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the same for each of these connections that has any."""
    keys = {_memory(name): name for name in names}
    return {keys[key]: {str(k): str(v) for k, v in said.items()} for key, said in store.progress_of(keys).items()}


def remember(ctx: Context, name: str, resolved: Mapping[str, str]) -> None:
    """Keep which id a name means, so that a renamed department keeps its correspondence."""
    if resolved and ctx.store.progress(_memory(name)) != resolved:
        ctx.store.save_progress(_memory(name), resolved)


def _memory(name: str) -> str:
    return f"departments/{name}"


def names_of(departments: Rows) -> dict[str, str]:
    """DEPARTMENTS of one side → name by id."""
    return {row["department"]: row["name"] for row in departments}


def department_id(names: Mapping[str, str], wanted: str) -> str | None:
    """The id that ``wanted`` (id or name) means among one side's ``names`` by id; None when it is not there once."""
    if wanted in names:
        return wanted
    same = wanted.strip().casefold()
    found = [department for department, name in names.items() if name.strip().casefold() == same]
    return found[0] if len(found) == 1 else None


def missing(names: Mapping[str, str], wanted: str, side: str, see: str) -> str:
    """The sentence about a department that is not there once: the ids of its twins, or the names that there are."""
    same = wanted.strip().casefold()
    twins = sorted(department for department, name in names.items() if name.strip().casefold() == same)
    if len(twins) > 1:
        return (
            f"department {wanted!r} is in the {side} billing {len(twins)} times (ids {', '.join(twins)}); its tickets "
            f"wait. Write the id that is meant in place of the name. {see}"
        )
    return (
        f"department {wanted!r} is not in the {side} billing, as this login sees it; its tickets wait. "
        f"{offered(wanted, names.values())}. {see}"
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    remote: str
    main: str | None
    on: bool
    label: str


class _Resolver:
    """Names of remote departments as ids; ``resolved``, ``lost``, ``disputed``, ``notes`` hold what was seen so far."""

    def __init__(self, external: Mapping[str, str], known: Mapping[str, str], see: str) -> None:
        self.external, self.known, self.see = external, known, see
        self.resolved: dict[str, str] = {}
        self.unsure: set[str] = set()
        self.lost: list[str] = []
        self.disputed: list[str] = []
        self.notes: list[str] = []

    def remote(self, name: str, *, on: bool) -> str | None:
        """The id of ``name``: by what it means now, else by what it meant before it was renamed."""
        now, before = department_id(self.external, name), self.known.get(name)
        if before not in self.external:
            before = None
        if now is not None and before is not None and now != before:
            self.disputed.append(
                f"the name {name!r} was department {before} and is department {now} now; its tickets wait. "
                f"Write the id that is meant in place of the name. {self.see}"
            )
            self.resolved[name] = before
            self.unsure.add(before)
            return before
        found = now or before
        if found is None:
            if on:
                self.lost.append(missing(self.external, name, "external", self.see))
            return None
        if now is None:
            self.notes.append(
                f"department {found} was {name!r} and is called {self.external[found]!r} now; it still corresponds"
            )
        self.resolved[name] = found
        return found


def corresponding(
    settings: ExternalSettings,
    external: Rows,
    main: Rows,
    listed: Sequence[Match] = (),
    known: Mapping[str, str] | None = None,
    flagged: frozenset[str] = frozenset(),
    *,
    main_named: bool = True,
) -> Departments:
    """DEPARTMENTS of both sides, the main billing's list (empty: none) and remembered ids → Departments.

    ``main_named``: the main billing tells the names of its departments.
    """
    resolver = _Resolver(names_of(external), known or {}, f"See `remotesupport departments --billing {settings.name}`")
    configured = _configured(settings, names_of(main), resolver, main_named)
    in_main = _in_main(listed, resolver)
    rows = _agreed(configured, in_main, resolver) if listed else configured
    made = [
        {"connection": settings.name, "department": p.remote, "main_department": p.main or "",
         "enabled": p.on and p.main is not None and p.remote not in resolver.unsure}
        for p in rows.values()
    ]  # fmt: skip
    return Departments(
        external, main, made, tuple(resolver.lost), tuple(resolver.disputed), flagged, resolver.resolved,
        tuple(dict.fromkeys(resolver.notes)),
    )  # fmt: skip


def _configured(
    settings: ExternalSettings, main: Mapping[str, str], resolver: _Resolver, main_named: bool
) -> dict[str, _Pair]:
    pairs = {}
    for pair in settings.departments:
        remote, local = resolver.remote(pair.remote, on=pair.enabled), department_id(main, pair.main)
        if local is None and pair.enabled:
            unlisted = f"department {pair.main!r} {NO_NAMES}; its tickets wait. {resolver.see}"
            resolver.lost.append(missing(main, pair.main, "main", resolver.see) if main_named else unlisted)
        if remote is not None:
            pairs[remote] = _Pair(remote, local, pair.enabled, pair.remote)
    return pairs


def _in_main(listed: Sequence[Match], resolver: _Resolver) -> dict[str, _Pair]:
    pairs = {}
    for match in listed:
        remote = resolver.remote(match.remote, on=match.active)
        if remote is not None:
            pairs[remote] = _Pair(remote, match.department, match.active, match.remote)
    return pairs


def _agreed(configured: dict[str, _Pair], in_main: dict[str, _Pair], resolver: _Resolver) -> dict[str, _Pair]:
    """The main billing's list, less what the configuration switches off or says otherwise."""
    rows = dict(in_main)
    for remote, ours in configured.items():
        theirs = in_main.get(remote)
        if theirs is None:
            rows[remote] = _Pair(remote, ours.main, False, ours.label)
            if ours.on:
                resolver.disputed.append(
                    f"department {ours.label!r} is configured, but not in the main billing's list of remote support "
                    "departments; its tickets wait. Add it there, or take it out of the configuration"
                )
        elif ours.on and theirs.on and ours.main != theirs.main:
            rows[remote] = _Pair(remote, theirs.main, False, ours.label)
            resolver.disputed.append(
                f"department {ours.label!r} goes to {ours.main} by the configuration and to {theirs.main} by the "
                "main billing's own list; its tickets wait until both say the same"
            )
        else:
            rows[remote] = _Pair(remote, theirs.main, ours.on and theirs.on, theirs.label)
            if ours.on != theirs.on:
                where = "in the main billing" if ours.on else "in the configuration"
                resolver.notes.append(f"department {ours.label!r} is switched off {where}")
    for remote in in_main.keys() - configured.keys():
        resolver.notes.append(f"department {in_main[remote].label!r} is only in the list of the main billing")
    return rows
