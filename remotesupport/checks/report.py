"""The findings of the last validations, for people: a value, its JSON and a page that needs no other host.

Ids and our own words only, never the text of customers. What must stay out: Prefect (tasks make the artifact).
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from remotesupport.checks.suites import Suite

FILE_NAME = "validation.html"
SHOWN = 200


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """One ticket that is kept out, and why. ``ticket`` is empty for a department."""

    connection: str
    side: str
    ticket: str
    check: str
    reason: str


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """One validation. ``failures`` and ``warnings``: check → number of rows; ``rejected``: connection → why."""

    suite: str
    rows: int
    accepted: int
    at: datetime
    failures: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    quarantined: tuple[QuarantinedRow, ...] = ()
    rejected: Mapping[str, str] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Nothing was kept out."""
        return not (self.failures or self.quarantined or self.rejected)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the artifact and ``--json``; the quarantined rows are bounded, their number is not."""
        row = asdict(self)
        row["at"] = self.at.isoformat(timespec="seconds")
        row["quarantined"] = {"count": len(self.quarantined), "rows": row["quarantined"][:SHOWN]}
        return row


def report_of(
    suite: Suite,
    rows: int,
    accepted: int,
    quarantined: pd.DataFrame,
    bad: pd.DataFrame,
    rejected: Mapping[str, str],
    found: Mapping[str, Sequence[int]],
    at: datetime,
) -> ValidationReport:
    """The report of one call of the gate."""
    return ValidationReport(
        suite=suite.name,
        rows=rows,
        accepted=accepted,
        at=at,
        failures=dict(sorted(Counter(bad["check"]).items())),
        warnings={c.name: len(found[c.name]) for c in suite.checks if c.warn and c.name in found},
        quarantined=tuple(QuarantinedRow(*row) for row in quarantined.itertuples(index=False, name=None)),
        rejected=dict(rejected),
    )


def render_html(reports: Sequence[ValidationReport]) -> str:
    """One self-contained page: no script, no outside host, everything escaped."""
    return str(_template().render(reports=reports, shown=SHOWN))


def write_report(home: Path, reports: Sequence[ValidationReport]) -> Path:
    """Write ``<home>/validation.html``: a reader sees the old page or the new one, never a half. Raises OSError."""
    target = home / FILE_NAME
    handle, name = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=home)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as page:
            page.write(render_html(reports))
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target


@cache
def _template() -> Any:
    import jinja2

    text = Path(__file__).with_name("report.html.jinja").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(text)
