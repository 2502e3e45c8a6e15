"""``crossed``: every text that was sent to the other side, with its source; ``--verify`` reads the sources again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from remotesupport.cli import output, session
from remotesupport.cli.errors import DONE, PERSON
from remotesupport.cli.options import AsJson, Billings
from remotesupport.cli.prefect_ui import flow_run_address, ui_environ
from remotesupport.cli.since import FORMS, moment_of
from remotesupport.core.model import Side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from remotesupport.settings import Settings
    from remotesupport.steps.operator.crossed import Proof
    from remotesupport.store.crossings import Crossing

Since = Annotated[str | None, typer.Option("--since", metavar="WHEN", help=f"From then on: {FORMS}. Else: ever.")]
Verify = Annotated[bool, typer.Option("--verify", help="Read each source again: 0 all proven, 3 one is not.")]


def crossed(billing: Billings = None, since: Since = None, verify: Verify = False, as_json: AsJson = False) -> None:
    """Every text that was sent to the other side: source message, author, department, run. Did anything leak?

    With --verify each source is read again: it has to be a person's public message in a department that corresponds.
    Exit status then: 0 all are, 3 one is not, 1 a side cannot be read.
    """
    settings, now = session.configuration(), datetime.now(UTC)
    names = session.chosen(settings, billing) or tuple(e.name for e in settings.enabled())
    found = _found(settings, names, moment_of(since, now) if since else None)
    proofs = session.run(_proven(settings, found)) if verify else None
    rows = [(one, None) for one in found] if proofs is None else [(proof.crossing, proof) for proof in proofs]
    if as_json:
        output.document(_document(since, rows, ui_environ(settings.home), verify))
    else:
        _show(rows, verify)
    raise typer.Exit(DONE if proofs is None or all(proof.proven for proof in proofs) else PERSON)


def _found(settings: Settings, names: Sequence[str], since: datetime | None) -> list[Crossing]:
    """List what crossed; without a moment also what the ledger alone knows: pairs that were found, what was sent before
    this was kept."""
    with session.store_if_any(settings) as (_, store):
        if store is None:
            return []
        return [one for name in names for one in store.crossings(name, since)]


async def _proven(settings: Settings, found: Sequence[Crossing]) -> list[Proof]:
    from remotesupport.steps.operator.crossed import prove

    names = list(dict.fromkeys(one.connection for one in found))
    if not names:
        return []
    async with session.context_of(settings) as context:
        what = f"reading the sources of {len(found)} texts"
        async with session.progress(what, lambda: session.requests_of(context.connections)):
            return [p for n in names for p in await prove(context, n, [one for one in found if one.connection == n])]


Rows = Sequence[tuple["Crossing", "Proof | None"]]


def _document(since: str | None, rows: Rows, environ: Mapping[str, str], verified: bool) -> dict[str, Any]:
    return {
        "since": since,
        "verified": verified,
        "not_proven": sum(not proof.proven for _, proof in rows if proof) if verified else None,
        "crossed": [_as_json(one, proof, environ) for one, proof in rows],
    }


def _as_json(one: Crossing, proof: Proof | None, environ: Mapping[str, str]) -> dict[str, Any]:
    author, said_at = _who(one, proof)
    known = {
        "at": one.at, "billing": one.connection, "direction": one.direction, "kind": one.notice or "message",
        "ticket": one.ext_ticket, "main_ticket": one.main_ticket, "message": one.message or None,
        "author": author, "said_at": said_at,
        "department": one.department, "target_message": one.target, "confirmed_at": one.confirmed_at,
        "run": one.run, "url": flow_run_address(one.flow_run, environ) if one.flow_run else None,
    }  # fmt: skip
    return known if proof is None else known | {"proven": proof.proven, "why": proof.why, "edited": proof.edited}


def _who(one: Crossing, proof: Proof | None) -> tuple[str | None, datetime | None]:
    """Author and time: as the source shows them now, else as it did then."""
    if proof is None or proof.author is None:
        return one.author, one.said_at
    return proof.author, proof.said_at


def _show(rows: Rows, verified: bool) -> None:
    if not rows:
        output.line("Nothing was sent to the other side in that time.")
        return
    columns = ("At", "Billing", "To", "Ticket", "Message", "Author", "Department", "There", "Run")
    more = ("Proven", "Why") if verified else ()
    output.table("What was sent to the other side", (*columns, *more), [_row(one, proof) for one, proof in rows])
    if verified:
        wrong = sum(not proof.proven for _, proof in rows if proof)
        output.line(f"{wrong} of {len(rows)} are not proven: look at them." if wrong else _every(rows))


def _every(rows: Rows) -> str:
    """Say what all of them are: messages of people, and notices, which nobody wrote."""
    ours = sum(bool(one.notice) for one, _ in rows)
    people = f"Each of the {len(rows) - ours} was a person's public message in a department that corresponds"
    return f"{people}; notices of our own beside them, in fixed words: {ours}." if ours else f"{people}."


def _row(one: Crossing, proof: Proof | None) -> tuple[object, ...]:
    message = f"a notice of our own ({one.notice})" if one.notice else one.message
    there = f"{_there(one)}: {one.target or ('' if one.notice else 'not seen there yet')}".rstrip(": ")
    known = (
        one.at,
        one.connection,
        one.direction,
        one.ext_ticket,
        message,
        _who(one, proof)[0],
        one.department,
        there,
        one.run,
    )
    return known if proof is None else (*known, proof.proven, proof.why)


def _there(one: Crossing) -> str | None:
    return one.main_ticket if one.direction.target is Side.MAIN else one.ext_ticket
