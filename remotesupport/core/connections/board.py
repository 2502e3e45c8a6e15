"""All connections on one board, the worst first; what the main billing's trouble is; the exit status of it all.

Pure. The words are for people; ``State`` steers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from remotesupport.core.connections.connection_state import ConnectionState, Failure, State, standing, stands_still
from remotesupport.core.connections.shards import Shard, newest
from remotesupport.core.model import Side
from remotesupport.core.records import ParkedChange

# How the main billing may fail everybody. A refused login is only its own connection's.
_EVERYBODYS = frozenset({Failure.UNREACHABLE, Failure.UNREADABLE, Failure.FATAL, Failure.VERSION})
_WORST_FIRST = (
    State.ACCESS, State.STOPPED, State.UNREACHABLE, State.NEVER_READ, State.NOT_RUNNING, State.BEHIND, State.PAUSED,
    State.OK,
)  # fmt: skip
_DONE, _FAILED, _PERSON = 0, 1, 3
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """One connection on the board; the names are those of ``status --json``.

    ``behind_s``: seconds since the oldest human action not carried, or the last good run; ``oldest_unsynced_s``: since
    the oldest human action not carried, None: all is. ``person``: it waits for somebody to act. ``in_vain``: scheduled
    looks in a row without an answer; ``next_look``: until then the schedule leaves it alone. ``failure``: the kind of
    what went wrong in its last run, "" for nothing.
    """

    name: str
    state: State
    since: datetime | None
    why: str
    person: bool
    last_read: datetime | None
    oldest_unsynced_s: int | None
    behind_s: int | None
    last_good: datetime | None
    parked: int
    parked_for_person: int
    oldest_parked_s: int | None
    kept_out: int
    failed_side: Side | None
    stopped: str | None
    access: str | None
    paused: bool
    reading: str
    in_vain: int
    next_look: datetime | None
    failure: Failure


@dataclass(frozen=True, slots=True)
class MainTrouble:
    """The main billing fails every connection: ``names`` are those that wait for it and for nothing else."""

    since: datetime | None
    why: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """``rows``: worst first. ``stands_still_since``: the newest run, where none has begun for too long; None there:
    none ever did."""

    rows: tuple[Row, ...]
    main: MainTrouble | None
    stands_still: bool
    stands_still_since: datetime | None

    @property
    def exit_status(self) -> int:
        """0 only when every connection is ok or a person has paused it; 3 when a person is needed; else 1."""
        if any(row.person for row in self.rows):
            return _PERSON
        fine = all(row.state in (State.OK, State.PAUSED) for row in self.rows)
        ever_read = any(row.last_read is not None for row in self.rows)
        return _DONE if fine and ever_read and not self.stands_still else _FAILED

    def only(self, names: Collection[str]) -> Board:
        """The board of some of its connections."""
        main = self.main
        if main is not None:
            main = replace(main, names=tuple(n for n in main.names if n in names))
        return replace(self, rows=tuple(row for row in self.rows if row.name in names), main=main)


def board(
    names: Iterable[str],
    states: Iterable[ConnectionState],
    began: datetime | None,
    now: datetime,
    parked: Iterable[ParkedChange] = (),
    shards: Mapping[Shard, datetime] | None = None,
) -> Board:
    """The board of the connections ``names``. ``began``: when the store's newest run began; ``parked``: all that is.

    ``shards``: where there are several, when the newest run of each began; a connection has its own shard's runs only.
    """
    known = {state.name: state for state in states}
    oldest = {p.connection: p.since for p in sorted(parked, key=lambda p: p.since, reverse=True)}
    own = {name: began if shards is None else newest(name, shards) for name in names}
    rows = [_row(name, known.get(name), own[name], now, oldest) for name in own]
    still = stands_still(began, now)
    main = None if still else _main_trouble([known[row.name] for row in rows if row.name in known], rows)
    return Board(tuple(sorted(rows, key=_badness)), main, still, began if still else None)


def _row(
    name: str, known: ConnectionState | None, began: datetime | None, now: datetime, parked: Mapping[str, datetime]
) -> Row:
    found = standing(name, known, began, now)
    at = known or ConnectionState(name)
    oldest = min((moment for moment in (at.pending_since, at.last_good) if moment), default=None)
    return Row(
        name,
        found.state,
        found.since,
        found.why,
        found.person,
        at.last_read,
        _seconds(at.pending_since, now),
        _seconds(oldest, now),
        at.last_good,
        at.parked,
        at.parked_for_person,
        _seconds(parked.get(name), now),
        at.kept_out,
        at.failed_side,
        f"{at.stopped_plan}: {at.stopped_why}" if at.stopped_plan else None,
        at.access or None,
        at.paused,
        at.read_outcome or "never read",
        at.in_vain,
        at.next_look,
        at.failure,
    )


def _seconds(since: datetime | None, now: datetime) -> int | None:
    return None if since is None else max(0, int((now - since).total_seconds()))


def _badness(row: Row) -> tuple[object, ...]:
    behind = row.behind_s if row.behind_s is not None else 10**9
    return (not row.person, _WORST_FIRST.index(row.state), -behind, row.name)


def _main_trouble(known: list[ConnectionState], rows: list[Row]) -> MainTrouble | None:
    """Return the main billing's trouble; None where nobody failed on it, or somebody has read it since."""
    failed = {s.name: s for s in known if s.failed_side is Side.MAIN and s.failure in _EVERYBODYS and not s.paused}
    last = max(failed.values(), key=_last_run, default=None)
    if last is None or any(s.last_read >= _last_run(last) for s in known if s.name not in failed and s.last_read):
        return None
    waiting = tuple(sorted(row.name for row in rows if row.name in failed and not row.parked_for_person))
    since = min((s.state_since for s in failed.values() if s.state_since), default=last.last_run)
    return MainTrouble(since, last.stopped_why, waiting)


def _last_run(known: ConnectionState) -> datetime:
    return known.last_run or _NEVER
