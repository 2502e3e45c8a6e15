"""The artifacts of a run as plain values: tables and markdown in which no foreign text comes alive.

Pure: no Prefect, no store. Foreign text (subjects, messages, what a billing answered) goes through ``plain`` always.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pandas as pd

from remotesupport.core.connections.board import Board, Row
from remotesupport.core.connections.connection_state import State
from remotesupport.core.records import ParkedChange
from remotesupport.core.run import BillingState, RunReport
from remotesupport.core.text.durations import span

ROWS = 200
SUBJECT_CHARS, TEXT_CHARS, REASON_CHARS = 80, 160, 300

# Characters that mean something to a Markdown or HTML renderer, and look-alikes that mean nothing to any of them:
# entities would be right in one place of the UI and garbage in another.
_LOOKALIKES = str.maketrans(
    {
        "<": "‹", ">": "›", "[": "⟦", "]": "⟧", "(": "❨", ")": "❩", "{": "❴", "}": "❵", "`": "ˋ", "|": "¦", "*": "∗",
        "_": "ˍ", "&": "＆", "\\": "＼", "@": "＠", "#": "♯", "~": "∼", "!": "ǃ", '"': "”", "'": "’", "$": "＄",
    }
)  # fmt: skip
_INVISIBLE = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
_SHOWN_INVISIBLE = "·"


def plain(text: object, limit: int = TEXT_CHARS) -> str:
    """Foreign text as one short line without any markup, link, picture, control or direction character."""
    one_line = " ".join(str(text).split())[: limit * 4]
    seen = "".join(_SHOWN_INVISIBLE if unicodedata.category(c) in _INVISIBLE else c for c in one_line)
    dead = seen.replace("://", ":∕∕").replace("//", "∕∕").translate(_LOOKALIKES)
    dead = dead.replace("www.", "www·").replace("WWW.", "WWW·")
    return dead if len(dead) <= limit else dead[: limit - 1] + "…"


def plan_table(changes: pd.DataFrame) -> list[dict[str, Any]]:
    """CHANGES of one connection → rows for a table, at most ``ROWS`` and one that says how many are not shown."""
    rows = [_change(row) for row in changes.head(ROWS).to_dict("records")]
    if len(changes) > ROWS:
        rows.append(dict.fromkeys(rows[0], "") | {"change": f"… and {len(changes) - ROWS} more"})
    return rows


def _change(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "change": plain(row["kind"]),
        "to": plain(row["direction"]).removeprefix("toˍ"),
        "ticket": plain(row["ext_ticket"], 40),
        "main ticket": plain(row["main_ticket"], 40) if isinstance(row["main_ticket"], str) else "",
        "subject": plain(row["subject"], SUBJECT_CHARS),
        "text": plain(row["body"], TEXT_CHARS),
        "detail": plain(row["detail"], TEXT_CHARS),
    }


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; every cell goes through ``plain``."""
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(plain(cell, REASON_CHARS) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def summary_markdown(done: RunReport) -> str:
    """The run: a line per connection, those out of order first."""
    heads = ("billing", "state", "tickets read", "changes", "written", "parked", "quarantined", "requests", "s", "why")
    lines = sorted(done.billings, key=lambda b: (b.state is BillingState.OK, b.name))
    rows = [
        (
            b.name, b.state, b.tickets_read, _counts(b.changes), b.written, b.parked, b.quarantined, b.requests,
            f"{b.seconds:.1f}", b.reason,
        )
        for b in lines
    ]  # fmt: skip
    head = f"**{plain(done.kind)}** run {plain(done.run)}: {plain(done.headline, 500)}\n\n"
    return head + markdown_table(heads, rows) + _estimates(done) + _departments(done)


def _estimates(done: RunReport) -> str:
    """Return what backfills that have written nothing would do; empty: there is none."""
    said = [one for b in done.billings if b.estimate is not None for one in b.estimate.sentences(b.name)]
    if not said:
        return ""
    return "\n\n**Nothing was written. This would come**\n\n" + "\n".join(f"* {plain(one, 500)}." for one in said)


def _departments(done: RunReport) -> str:
    """The departments that changed, if any."""
    fields = ("side", "department", "name", "what", "was")
    rows = [(b.name, *(d[f] for f in fields)) for b in done.billings for d in b.departments]
    if not rows:
        return ""
    heads = ("billing", "side", "id", "department", "what", "before")
    return "\n\n**Departments that changed**\n\n" + markdown_table(heads, rows[:ROWS])


def _counts(changes: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {kind}" for kind, n in changes.items() if n)


# What a person does about a connection in this state; {0} is its name.
_CURES = {
    State.OK: "",
    State.BEHIND: "remotesupport parked --billing {0}",
    State.UNREACHABLE: "nothing: each run tries again; whether it is us or them: remotesupport check --billing {0}",
    State.ACCESS: "put login or password right, then: remotesupport check --billing {0}",
    State.STOPPED: "remotesupport plan --billing {0}, then apply what it shows or put the cause right",
    State.PAUSED: "remotesupport resume {0}",
    State.NEVER_READ: "remotesupport check --billing {0}",
    State.NOT_RUNNING: "remotesupport up",
}
BOARD_HEADS = (
    "billing", "state", "since", "last good read", "oldest change not carried", "answered within", "certificate",
    "parked", "oldest parked",
)  # fmt: skip


def board_markdown(
    board: Board,
    now: datetime,
    parked: Sequence[ParkedChange] = (),
    answered: Mapping[str, str] = MappingProxyType({}),
    certificates: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Show the board of ``status`` in its words: what is wrong and what to do, a line per connection, what is parked.

    Causes and cures stand above the table: the UI breaks no line in one, so they would push the rest out of sight.

    ``parked``: oldest first. ``answered``: how long reading a connection took; ``certificates``: how long theirs hold,
    that of main under "".
    """
    rows = [
        (
            row.name, row.state.words, _time(row.since) if row.since else "", _time(row.last_read),
            _length(row.oldest_unsynced_s), answered.get(row.name, ""), certificates.get(row.name, ""), row.parked,
            _length(row.oldest_parked_s),
        )
        for row in board.rows
    ]  # fmt: skip
    main = f"\n\nCertificate of the main billing: {plain(certificates[''])}" if "" in certificates else ""
    return _as_of(now) + _main(board) + _wrong(board) + markdown_table(BOARD_HEADS, rows) + main + _parked(parked, now)


def _wrong(board: Board) -> str:
    """Say of each connection that is not in order what is wrong and what to do, the worst first."""
    lines = [
        f"* **{row.name}** is {row.state.words}. {plain(row.why, REASON_CHARS)}{'. ' if row.why else ''}To do: {act}"
        for row in board.rows
        if (act := cure(row))
    ]
    return "".join(f"{line}\n" for line in lines) + ("\n" if lines else "")


def cure(row: Row) -> str:
    """The one command or act that helps a connection in its state; "" where nothing has to be done."""
    return _CURES[row.state].format(row.name)


def _as_of(now: datetime) -> str:
    """A page that nobody renews looks like one on which all is well: so it says its time first."""
    return (
        f"As of **{now:%Y-%m-%d %H:%M:%S} UTC**, renewed by each run. If that is more than three minutes ago, no run "
        "goes on: `remotesupport status` says why.\n\n"
    )


def _main(board: Board) -> str:
    """One sentence where the main billing fails everybody."""
    main = board.main
    if main is None:
        return ""
    since = f" since {_time(main.since)}" if main.since else ""
    return f"**The main billing cannot be read{since}**: {plain(main.why, REASON_CHARS)}\n\n"


def _length(seconds: int | None) -> str:
    return "" if seconds is None else span(seconds)


def _parked(parked: Sequence[ParkedChange], now: datetime) -> str:
    """List what waits with its age and cause, the oldest ``ROWS``."""
    if not parked:
        return ""
    heads = ("id", "billing", "ticket", "change", "age", "tries", "next try", "cause")
    rows = [
        (
            p.id, p.connection, p.ext_ticket, p.kind, _age(p.since, now), p.attempts,
            _time(p.next_try) if p.next_try else "when a person has looked", p.cause,
        )
        for p in parked[:ROWS]
    ]  # fmt: skip
    more = f"\n\n… and {len(parked) - ROWS} more" if len(parked) > ROWS else ""
    return "\n\n**Parked, oldest first**\n\n" + markdown_table(heads, rows) + more


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "never"


def _age(at: datetime | None, now: datetime) -> str:
    return span((now - at).total_seconds()) if at else ""


def validation_markdown(reports: Iterable[Mapping[str, Any]]) -> str:
    """Show what validation kept out (``ValidationReport.to_json``): counts, connections, tickets by id. Never their
    text."""
    return "\n\n".join(part for report in reports for part in _validation(report))


def _validation(report: Mapping[str, Any]) -> list[str]:
    kept_out = report["quarantined"]
    parts = [
        f"**{plain(report['suite'])}**: {report['accepted']} of {report['rows']} rows accepted, "
        f"{kept_out['count']} kept out"
    ]
    if report["failures"]:
        parts.append(markdown_table(("check", "rows"), report["failures"].items()))
    if report["rejected"]:
        parts.append(markdown_table(("billing", "rejected because"), report["rejected"].items()))
    if kept_out["rows"]:
        heads = ("connection", "side", "ticket", "check", "reason")
        parts.append(markdown_table(heads, ([row.get(h, "") for h in heads] for row in kept_out["rows"][:ROWS])))
    return parts
