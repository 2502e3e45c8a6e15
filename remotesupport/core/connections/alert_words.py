"""An alert in words: what happened, to which billing, what to do, with the command.

Pure. Nothing here decides anything. Texts of billings appear in these words on one line and cut to a length.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from remotesupport.core.connections.alerts import Alert, Cause, Open, Phase
from remotesupport.core.connections.board import Row
from remotesupport.core.connections.seen import Seen
from remotesupport.core.connections.state_events import BILLING, MAIN, Event
from remotesupport.core.text.durations import span
from remotesupport.core.text.foreign import visible

ALERT = "remotesupport.alert"
_NAMED = 5  # billings that a subject names; the rest is counted
_LONGEST = 300

_IS = {
    Cause.MAIN: "the main billing cannot be read, nothing is carried over",
    Cause.ACCESS: "a login is refused",
    Cause.STOPPED: "stopped, a person is needed",
    Cause.BEHIND: "unreachable or behind",
    Cause.MACHINE_TALK: "two machines may be answering each other",
    Cause.PARKED: "changes have been waiting for long",
    Cause.CERTIFICATE: "the certificate ends soon",
    Cause.RUN: "no run begins, nothing is carried over",
}
_DO = {
    Cause.MAIN: "`remotesupport check` says what answers and what does not",
    Cause.ACCESS: "`remotesupport check --billing {name}` says which login, and what to do",
    Cause.STOPPED: "`remotesupport status --billing {name}` says why, and what to do",
    Cause.BEHIND: "`remotesupport check --billing {name}` says what answers and what does not",
    Cause.MACHINE_TALK: "end the automatic answer on one side, then: `remotesupport parked --billing {name}`",
    Cause.PARKED: "`remotesupport parked --billing {name}` shows each with its cause",
    Cause.CERTIFICATE: "have it renewed over there; `remotesupport check` shows the one that is seen",
    Cause.RUN: "`remotesupport status`, then the log of `remotesupport up`",
}


def event_of(alert: Alert, seen: Seen) -> Event:
    """The event that carries an alert; ``payload``: ``subject`` and ``text`` as they are sent, ``billings``."""
    names = [one.problem.billing for one in alert.problems]
    since = min(one.problem.since for one in alert.problems)
    about, title = (f"{BILLING}.{names[0]}", names[0]) if len(names) == 1 else (f"{ALERT}.{alert.cause}", alert.cause)
    if names == [""]:
        about, title = MAIN, "main"
    told = message(subject(alert), text(alert, seen), [name for name in names if name])
    gone = max((one.gone for one in alert.problems if one.gone), default=since)
    moment = since if alert.phase is Phase.RAISED else gone
    return Event(name_of(alert.cause, alert.phase), about, str(title), moment, told)


def name_of(cause: Cause, phase: Phase) -> str:
    """The name of the event of an alert: ``remotesupport.alert.stopped.raised``."""
    return f"{ALERT}.{cause}.{phase}"


def message(subject: str, text: str, billings: list[str] | None = None) -> Mapping[str, Any]:
    """The payload of an alert's event."""
    return {"subject": subject, "text": text, "billings": billings or []}


def subject(alert: Alert) -> str:
    """One line: ``remotesupport: acme: stopped, a person is needed``; its end begins with ``over``."""
    names = [one.problem.billing or "main" for one in alert.problems]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    whose = "" if alert.cause is Cause.MAIN else f"{', '.join(names[:_NAMED])}{more}: "
    words = {Phase.RAISED: "", Phase.ENDED: "over: ", Phase.PAST: "in quiet hours, over by now: "}[alert.phase]
    return f"remotesupport: {words}{whose}{_IS[alert.cause]}"


def text(alert: Alert, seen: Seen) -> str:
    """A line for each problem, and what to do."""
    lines = [_line(alert.phase, one, seen) for one in alert.problems]
    if alert.phase is Phase.RAISED:
        lines.append("What to do: " + _to_do(alert))
    return "\n".join(lines)


def _line(phase: Phase, one: Open, seen: Seen) -> str:
    problem, row = one.problem, seen.rows.get(one.problem.billing)
    name = problem.billing or "main"
    if phase is Phase.RAISED:
        waiting = _waiting(seen) if problem.cause is Cause.MAIN else ""
        return f"{name}: {_for(problem.cause, problem.since, seen.at)}{_short(problem.detail)}{waiting}"
    until = one.gone or seen.at
    lasted = "" if problem.cause is Cause.CERTIFICATE else f" after {span((until - problem.since).total_seconds())}"
    return f"{name}: over{lasted}, since {_clock(until)}{_now(row)}"


def _for(cause: Cause, since: datetime, now: datetime) -> str:
    if cause is Cause.CERTIFICATE:
        return ""
    return f"for {span((now - since).total_seconds())} (since {_clock(since)}): "


def _waiting(seen: Seen) -> str:
    names = [row.name for row in seen.board.rows if seen.waits_for_main(row)]
    return f". Waiting for it: {', '.join(names)}" if names else ""


def _now(row: Row | None) -> str:
    return f"; now: {row.state.words}" if row is not None else ""


def _to_do(alert: Alert) -> str:
    return _DO[alert.cause].format(name=" --billing ".join(one.problem.billing for one in alert.problems))


def _short(words: str) -> str:
    line = visible(" ".join(words.split()))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
