"""A moment of the past as people write it: ``yesterday``, ``2h``, ``2026-11-01``. Without an offset it is UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from remotesupport.cli.errors import Refusal

_SPAN = re.compile(r"(\d{1,5})(min|m|h|d)")
_UNITS = {"m": timedelta(minutes=1), "min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_DAYS = {"today": 0, "yesterday": 1}
FORMS = "today, yesterday, 90min, 2h, 3d, 2026-11-01 or 2026-11-01T10:00+03:00; without an offset it is UTC"

Since = Annotated[str, typer.Option("--since", metavar="WHEN", help=f"From then on: {FORMS}.")]


def moment_of(text: str, now: datetime) -> datetime:
    """The moment that ``text`` means, in UTC. Raises Refusal."""
    word = text.strip().lower()
    if word in _DAYS:
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=_DAYS[word])
    if span := _SPAN.fullmatch(word):
        return now.astimezone(UTC) - int(span[1]) * _UNITS[span[2]]
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refusal(f"--since {text}: write it as {FORMS}") from None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
