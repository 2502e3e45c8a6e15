"""Make reports: read the store, count, and write a page and a table for each billing. Asks no billing anything."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from remotesupport.core.report.figures import Figures, Terms, figures
from remotesupport.core.report.month import Month
from remotesupport.core.report.table import COLUMNS, rows
from remotesupport.settings import ExternalSettings, Settings
from remotesupport.store import Store

FOLDER = "reports"  # in the state folder
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Report:
    """The report that was written for one billing, and its files."""

    figures: Figures
    html: Path
    csv: Path


def write_report(store: Store, external: ExternalSettings, month: Month | None, now: datetime, folder: Path) -> Report:
    """Write ``NAME-MONTH.html`` and ``.csv`` into ``folder``. ``month`` None: the last one that is over there.

    Raises OSError where they cannot be written, StoreError.
    """
    terms = _terms(external, now)
    chosen = month or last_month(external, now)
    facts = store.month_facts(external.name, chosen.begin(terms.zone))
    found = figures(external.name, chosen, facts, terms)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    base = folder / f"{external.name}-{chosen}"
    return Report(
        found, _write(base.with_suffix(".html"), _page(found, terms)), _write(base.with_suffix(".csv"), _table(found))
    )


def write_reports(settings: Settings, store: Store, now: datetime) -> list[Report]:
    """Write last month's report of each enabled billing into the state folder."""
    folder = settings.home / FOLDER
    return [write_report(store, external, None, now, folder) for external in settings.enabled()]


def last_month(external: ExternalSettings, now: datetime) -> Month:
    """The last month that is over in the billing's time zone."""
    return Month.of(now, ZoneInfo(external.timezone)).before


def _terms(external: ExternalSettings, now: datetime) -> Terms:
    agreed = external.agreed
    return Terms(
        ZoneInfo(external.timezone),
        ZoneInfo(external.zone_of_main),
        now,
        _minutes(agreed.first_answer_minutes),
        _minutes(agreed.full_answer_minutes),
    )


def _minutes(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(minutes=number)


def _page(found: Figures, terms: Terms) -> str:
    from remotesupport.steps.report.page import render

    return render(found, terms)


def _table(found: Figures) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: harmless(row[name]) for name in COLUMNS} for row in rows(found))
    return text.getvalue()


def harmless(value: object) -> object:
    """Quote a text that a spreadsheet would take for a formula: names of departments come from elsewhere."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _write(target: Path, text: str) -> Path:
    """Replace the file as a whole: nobody reads half of one."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target
