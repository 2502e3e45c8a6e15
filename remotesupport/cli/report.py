"""``report``: one billing's month as a page and a table. From the store alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from remotesupport.cli import output, session
from remotesupport.cli.errors import PERSON, Refusal
from remotesupport.cli.options import AsJson, Billings
from remotesupport.core.text.durations import span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from remotesupport.core.report.month import Month
    from remotesupport.settings import ExternalSettings, Settings
    from remotesupport.steps.report.files import Report
    from remotesupport.store import Store

MonthName = Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="Else the last whole month.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FOLDER", help="Where to write; else reports/ in the state folder.")
]
Pdf = Annotated[bool, typer.Option("--pdf", help="Also as PDF, by a Chromium of this machine.")]


def report(
    billing: Billings = None, month: MonthName = None, out: Out = None, pdf: Pdf = False, as_json: AsJson = False
) -> None:
    """The monthly report for a provider, as HTML and CSV: tickets, answer times, what was not carried and why."""
    settings, now = session.configuration(), datetime.now(UTC)
    chosen = [settings.connection(name) for name in dict.fromkeys(billing or ())] or list(settings.enabled())
    wanted = _month(month)
    program = _browser() if pdf else None
    for external in chosen:
        _not_ahead(wanted, external, now)
    with session.store_if_any(settings) as (where, store):
        if store is None:
            raise Refusal(f"There is nothing to report: no run has made a store yet ({where})")
        made = _written(settings, store, chosen, wanted, now, out)
    printed = {one.html: _printed(one, program) for one in made} if program else {}
    if as_json:
        output.document({"reports": [_as_json(one, printed) for one in made]})
    else:
        _show(made, printed)


def _month(text: str | None) -> Month | None:
    from remotesupport.core.report.month import Month

    try:
        return None if text is None else Month.parse(text)
    except ValueError as error:
        raise Refusal(f"--month: {error}") from None


def _not_ahead(month: Month | None, external: ExternalSettings, now: datetime) -> None:
    if month is not None and month.begin(ZoneInfo(external.timezone)) > now:
        raise Refusal(f"--month {month}: for {external.name} that month has not begun yet")


def _written(
    settings: Settings, store: Store, chosen: Sequence[ExternalSettings], month: Month | None, now: datetime,
    out: Path | None,
) -> list[Report]:  # fmt: skip
    from remotesupport.steps.report.files import FOLDER, write_report

    folder = out.expanduser().absolute() if out is not None else settings.home / FOLDER
    try:
        return [write_report(store, external, month, now, folder) for external in chosen]
    except OSError as error:
        raise Refusal(
            f"The report cannot be written to {folder} ({error.strerror}): name another one with --out"
        ) from None


def _browser() -> str:
    from remotesupport.steps.report.pdf import NotPrinted, browser

    try:
        return browser()
    except NotPrinted as error:
        raise Refusal(f"--pdf: {error}", PERSON) from None


def _printed(one: Report, program: str) -> Path:
    from remotesupport.steps.report.pdf import NotPrinted, print_page

    target = one.html.with_suffix(".pdf")
    try:
        print_page(one.html, target, program)
    except NotPrinted as error:
        raise Refusal(f"--pdf: {error}", PERSON) from None
    return target


def _as_json(one: Report, printed: Mapping[Path, Path]) -> dict[str, Any]:
    from remotesupport.core.report.table import document

    files = {"html": one.html, "csv": one.csv, "pdf": printed.get(one.html)}
    return {"billing": one.figures.billing, "month": str(one.figures.month), **files, "figures": document(one.figures)}


def _show(made: Sequence[Report], printed: Mapping[Path, Path]) -> None:
    columns = ("Billing", "Month", "Arrived", "First answer", "Until closed", "Open", "Files")
    output.table("Median times of the tickets that arrived", columns, [_row(one, printed) for one in made])


def _row(one: Report, printed: Mapping[Path, Path]) -> tuple[object, ...]:
    found = one.figures
    files = [str(one.html), one.csv.name, *([printed[one.html].name] if one.html in printed else [])]
    times = span(found.first.median), span(found.full.median)
    return (found.billing, found.month, found.arrived, *times, found.open_at_end, ", ".join(files))
