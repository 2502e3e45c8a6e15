"""``replay``: a past run planned again by today's code, from what was kept of it. Asks no billing, writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from remotesupport.cli import output, session
from remotesupport.cli.errors import DONE, FAILED, PERSON, WRONG, Refusal
from remotesupport.cli.options import AsJson, Billings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from remotesupport.core.replay.comparison import Difference
    from remotesupport.settings import Settings
    from remotesupport.steps.operator.replay import Replayed
    from remotesupport.store import Store
    from remotesupport.store.inputs import KeptInputs

Run = Annotated[
    str, typer.Argument(metavar="RUN", help="A run as `remotesupport runs` shows it, or a flow run's id in Prefect.")
]
SHOWN_ROWS, SHORT = 50, 60
_RUNS = "`remotesupport runs` lists them"


def replay(run: Run, billing: Billings = None, as_json: AsJson = False) -> None:
    """Plan a past run again, by this version's code: would it do the same? What would a fix have done?

    Exit status: 0 the same plan, by its id; 3 another one, and how it differs; 2 nothing is kept of that run, or no
    texts, so that the ids cannot be compared; 1 what is kept cannot be read.
    """
    settings = session.configuration(log_to_stderr=as_json)
    names = tuple(settings.connection(name).name for name in dict.fromkeys(billing or ()))
    with session.store_if_any(settings) as (where, store):
        if store is None:
            raise Refusal(f"There is no run {run}: no run has made a store yet ({where})")
        run, kept = _kept(settings, store, run, names)
    key = session.run(_key(settings)) if any(one.sealed for one in kept) else ""
    done = _replayed(kept, key)
    if as_json:
        output.document({"run": run, "exit": _status(done), "billings": [_as_json(one) for one in done]})
    else:
        _show(run, done)
    raise typer.Exit(_status(done))


def _kept(settings: Settings, store: Store, name: str, names: Sequence[str]) -> tuple[str, list[KeptInputs]]:
    """The run's id, and what is kept of it. Raises Refusal, which says why there is nothing."""
    found = store.find_run(name)
    if found is None:
        raise Refusal(f"There is no run {name}: {_RUNS}")
    kept = [one for one in store.kept_inputs(found.run) if not names or one.connection in names]
    if not kept:
        raise Refusal(_why_nothing(settings, found.run, found.summary, names))
    return found.run, kept


def _why_nothing(settings: Settings, run: str, summary: dict[str, Any], names: Sequence[str]) -> str:
    lines = [line for line in summary.get("billings", []) if not names or line.get("name") in names]
    of = f" of {', '.join(names)}" if names else ""
    if not lines:
        return f"Nothing{of} is kept of run {run}: no billing asked for took part in it"
    if not any(line.get("plan_id") or line.get("state") == "stopped" for line in lines):
        return f"Nothing{of} is kept of run {run}: it planned nothing there, so there is no plan to make again"
    if not settings.keep.inputs_days:
        return f"Nothing is kept of run {run}: [keep] inputs_days is 0 in {settings.config_path}"
    days = settings.keep.inputs_days
    warned = " ".join(summary.get("warnings", []))
    why = warned or f"it is older than [keep] inputs_days = {days}, or from before this version kept inputs"
    return f"Nothing{of} is kept of run {run}: {why}"


async def _key(settings: Settings) -> str:
    return "" if settings.keep.key is None else await settings.keep.key.resolve(session.block_reader())


def _replayed(kept: Sequence[KeptInputs], key: str) -> list[Replayed]:
    from remotesupport.steps.operator.replay import replay as again

    return [again(one, key) for one in kept]


def _status(done: Sequence[Replayed]) -> int:
    from remotesupport.steps.operator.replay import Result

    found = {one.result for one in done}
    by_result = ((Result.OTHER, PERSON), (Result.UNREADABLE, FAILED), (Result.WITHOUT_TEXTS, WRONG))
    return next((status for result, status in by_result if result in found), DONE)


def _as_json(one: Replayed) -> dict[str, Any]:
    return {
        "name": one.kept.connection, "result": one.result, "then": one.then or None, "now": one.now or None,
        "texts": one.kept.sealed, "kept_at": one.kept.at, "planned_by": one.kept.version, "same_as": one.kept.same_as,
        "guard": {"then": one.guard_then.why or None, "now": one.guard_now.why or None, "differs": one.guard_differs},
        "why": one.why or None,
        "difference": [_difference_as_json(row) for row in one.rows],
    }  # fmt: skip


def _difference_as_json(row: Difference) -> dict[str, Any]:
    return {
        "what": row.what, "kind": row.kind, "direction": row.direction, "ticket": row.ext_ticket,
        "main_ticket": row.main_ticket, "act": row.act,
        "columns": {name: {"then": then, "now": now} for name, (then, now) in row.columns.items()},
    }  # fmt: skip


def _show(run: str, done: Sequence[Replayed]) -> None:
    columns = ("Billing", "Result", "Plan then", "Plan now", "Differences", "Planned by")
    output.table(f"Run {run}, planned again", columns, [_row(one) for one in done])
    for one in done:
        if one.rows:
            heads = ("What", "Change", "Direction", "External ticket", "Main ticket", "Act", "Differs in")
            title = f"How the plan of {one.kept.connection} differs"
            output.table(title, heads, [_difference(row) for row in one.rows[:SHOWN_ROWS]])
        if len(one.rows) > SHOWN_ROWS:
            output.say(f"… and {len(one.rows) - SHOWN_ROWS} more: --json has all of them")
        for sentence in _sentences(one):
            output.line(f"{one.kept.connection}: {sentence}")


def _row(one: Replayed) -> tuple[object, ...]:
    now = "not known" if one.now is None else one.now or "nothing to do"
    return (one.kept.connection, one.result, one.then or "nothing to do", now, len(one.rows), one.kept.version)


def _difference(row: Difference) -> tuple[object, ...]:
    shown = [f"{name}: {_short(then)} → {_short(now)}" for name, (then, now) in row.columns.items()]
    return (row.what, row.kind, row.direction, row.ext_ticket, row.main_ticket, row.act, "; ".join(shown))


def _short(value: object) -> str:
    from remotesupport.core.text.normalize import shorten

    return "nothing" if value is None else shorten(str(value), SHORT)


def _sentences(one: Replayed) -> list[str]:
    """Return the sentences that say what the tables do not."""
    from remotesupport.steps.operator.replay import Result

    said = []
    if one.kept.same_as:
        said.append(f"it made the plan of run {one.kept.same_as} again, so what that one was made from stands for it")
    if one.result is Result.UNREADABLE:
        said.append(f"cannot be planned again: {one.why}")
    elif one.now is None:
        said.append(_without_texts(one))
    if one.guard_differs:
        said.append(_guard(one))
    return said


def _guard(one: Replayed) -> str:
    if one.guard_now.ok:
        return f"the guard would let it through now; then it said: {one.guard_then.why}"
    return f"the guard let it through then; now it says: {one.guard_now.why}"


def _without_texts(one: Replayed) -> str:
    cure = "With [keep] key in the configuration the next runs keep them, encrypted"
    if one.rows:
        return f"no texts were kept, so a difference may come from a text that is not there. {cure}"
    return (
        "no texts were kept, so the plans' ids cannot be compared: the same writes are planned for the same tickets, "
        f"and what they would say is not known. {cure}"
    )
