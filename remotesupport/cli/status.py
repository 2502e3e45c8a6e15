"""``status``: how every connection is, from the store alone. It asks no billing, and makes no store where none is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from remotesupport.cli import output, session
from remotesupport.cli.options import AsJson, Billings
from remotesupport.core.connections.board import Board, Row, board
from remotesupport.core.connections.connection_state import RUNS_WITHIN, State
from remotesupport.core.connections.shards import WHOLE, Shard, shards, still
from remotesupport.core.connections.watch import NOTED, in_words
from remotesupport.core.run import READING, TOO_MANY_SKIPPED
from remotesupport.core.text.durations import span

if TYPE_CHECKING:
    from remotesupport.settings import Settings
    from remotesupport.store import RunRecord, Store

COLUMNS = ("Billing", "State", "Since", "Last good read", "Oldest unsynced", "Parked")


@dataclass(frozen=True, slots=True)
class Look:
    """The content of ``status``, of one moment. ``place``: the store for people; ``last``: the newest run that reads.

    ``audits_skipped``: connection → its newest audits in a row that had no turn. ``count``: of shards,
    and when the newest run of each ``began``, of those that are no more, too. ``warnings``: what did not work beside
    carrying tickets.
    """

    place: str
    last: RunRecord | None
    found: Board
    now: datetime
    audits_skipped: dict[str, int] = field(default_factory=dict)
    count: int = 1
    began: Mapping[Shard, datetime] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def still(self) -> tuple[Shard, ...]:
        """The shards of which no run has begun for too long."""
        return still(self.count, self.began, self.now - RUNS_WITHIN)


def status(billing: Billings = None, as_json: AsJson = False) -> None:
    """Each billing's state in a word, since when and why, last good read, oldest unsynced change; worst first.

    Exit status: 0 only when all enabled ones are ok, 1 behind, unreachable, never read or not running, 3 a person is
    needed.
    """
    settings = session.configuration()
    chosen = session.chosen(settings, billing)
    with session.store_if_any(settings) as (place, store):
        look = look_at(settings, place, store, datetime.now(UTC), chosen)
    if as_json:
        output.document(to_json(look))
    else:
        show(look)
    raise typer.Exit(look.found.exit_status)


def look_at(settings: Settings, place: str, store: Store | None, now: datetime, chosen: tuple[str, ...]) -> Look:
    """The board of the connections ``chosen`` (empty: all enabled ones); without a store nothing was ever read."""
    names = tuple(e.name for e in settings.enabled())
    if store is None:
        return Look(f"{place} is not there yet", None, board(names, [], None, now).only(chosen or names), now)
    last = store.newest_run(*READING)
    began = last.started if last is not None else None
    count = settings.scale.shards
    by_shard = store.shards_began(*READING) if count > 1 else None
    found = board(names, store.connection_states(), began, now, store.parked(names), by_shard)
    skipped = {name: count for name, count in store.audits_skipped(count).items() if name in (chosen or names)}
    if by_shard is None:
        by_shard = {} if began is None else {WHOLE: began}
    ending = _of_certificates(store, chosen or names, now, settings.alerts.certificate_days)
    warnings = [*store.input_warnings(), *_of_watch(settings, store), *ending]
    return Look(place, last, found.only(chosen or names), now, skipped, count, by_shard, warnings)


def _of_watch(settings: Settings, store: Store) -> list[str]:
    """Return what was wrong the last time that main's tickets were looked at with the login for lists."""
    noted = store.progress(NOTED) if settings.main.watch_login is not None else None
    return [in_words(noted["problem"])] if noted and noted["problem"] else []


def _of_certificates(store: Store, names: tuple[str, ...], now: datetime, days: int) -> list[str]:
    """Name the certificates of these billings and of main that end within ``days``, as the last look saw them."""
    from remotesupport.core.connections.alerts import when_it_ends
    from remotesupport.steps.record.certificates import known_certificates

    ending = [one for one in known_certificates(store, names) if (one.expires - now).days < days]
    return [f"The certificate of {one.billing or 'the main billing'}: {when_it_ends(one, now)}." for one in ending]


def to_json(look: Look) -> dict[str, Any]:
    """The documented shape."""
    found, last = look.found, look.last
    run = None if last is None else {
        "run": last.run, "kind": last.kind, "began": last.started, "finished": last.finished, "flow_run": last.flow_run
    }  # fmt: skip
    return {
        "exit": found.exit_status,
        "store": look.place,
        "last_run": run,
        "running": not found.stands_still,
        "not_running_since": found.stands_still_since,
        "main": asdict(found.main) if found.main is not None else None,
        "audits_skipped": look.audits_skipped,
        "warnings": look.warnings,
        "shards": [
            {"shard": str(one), "began": look.began.get(one), "running": one not in look.still()}
            for one in shards(look.count)
        ],
        "billings": [asdict(row) for row in found.rows],
    }


def show(look: Look) -> None:
    """For people: what concerns all connections first, in sentences; then the rows, then why they are as they are."""
    for sentence in headlines(look):
        output.line(sentence)
    waiting = look.found.main.names if look.found.main is not None else ()
    rows = [row for row in look.found.rows if row.name not in waiting]
    if rows:
        _table(rows, look.now)


def headlines(look: Look) -> list[str]:
    """The sentences before the table: the worst first, the last one says on which store this looks."""
    said = (_stands_still, _shards_stand_still, _main, _audits, _warnings, _last_run, _none)
    return [text for sentence in said if (text := sentence(look))]


def _stands_still(look: Look) -> str:
    if not look.found.stands_still:
        return ""
    cure = "Is `remotesupport up` running? Its terminal and remotesupport.log say why no run begins"
    since = look.found.stands_still_since
    if since is None:
        return f"Not running: no run has ever begun on this store. {cure}."
    return f"Not running since {_at(since, look.now)}: no run has begun after that. {cure}."


def _shards_stand_still(look: Look) -> str:
    """Say which shards stand still; that nothing runs at all is another sentence."""
    idle = look.still()
    if look.found.stands_still or not idle:
        return ""
    return (
        f"{len(idle)} of {look.count} shards stand still: no run of {', '.join(map(str, idle))} has begun for too "
        "long, and their billings are not looked at. Is the schedule of each sync deployment on in Prefect, and do "
        "workers keep up? `python -m deployments.serve` registers all shards anew."
    )


def _main(look: Look) -> str:
    main = look.found.main
    if main is None:
        return ""
    waiting = f" Waiting for it: {', '.join(main.names)}." if main.names else ""
    since = f" since {_at(main.since, look.now)}" if main.since else ""
    return f"The main billing cannot be read{since}: {main.why.rstrip('.')}.{waiting}"


def _audits(look: Look) -> str:
    late = [f"{name} ({n} in a row)" for name, n in look.audits_skipped.items() if n >= TOO_MANY_SKIPPED]
    if not late:
        return ""
    return (
        f"The hourly audit had no turn: {', '.join(late)}. Other runs take too long; `remotesupport audit` does it now."
    )


def _warnings(look: Look) -> str:
    """Say what did not work beside carrying tickets."""
    return "; ".join(look.warnings)


def _last_run(look: Look) -> str:
    if look.last is None:
        return f"Last run: none. {look.place}."
    return f"Last run: {look.last.kind}, began {_at(look.last.started, look.now)}. {look.place}."


def _none(look: Look) -> str:
    return "" if look.found.rows else "No connection is enabled: add [[external]] sections to the configuration."


def _at(moment: datetime, now: datetime) -> str:
    return f"{output.moment(moment)} ({output.age(moment, now)} ago)"


def _table(rows: list[Row], now: datetime) -> None:
    """On a terminal a row has its cause below the table, where it has room for whole words; elsewhere beside it."""
    if not output.out().is_terminal:
        output.table("", (*COLUMNS, "Why"), [(*_cells(row, now), row.why) for row in rows])
        return
    output.table("Connections, worst first", COLUMNS, [_cells(row, now) for row in rows])
    for row in rows:
        if row.why or row.state is not State.OK:
            since = f" since {output.moment(row.since)}" if row.since else ""
            output.line(f"{row.name}: {row.state.words}{since}: {row.why}")


def _cells(row: Row, now: datetime) -> tuple[object, ...]:
    parked = f"{row.parked} ({row.parked_for_person} for you)" if row.parked_for_person else str(row.parked)
    return (
        row.name,
        row.state.words,
        output.age(row.since, now),
        output.age(row.last_read, now) if row.last_read else "never",
        span(row.oldest_unsynced_s),
        parked,
    )
