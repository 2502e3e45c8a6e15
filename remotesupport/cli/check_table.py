"""The answer of ``check`` for people: the rows by what they are about, then the verdict and what comes next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from remotesupport.cli import output
from remotesupport.cli.tables import Heading
from remotesupport.steps.operator.check_row import CheckRow, Part, Verdict

Found = Mapping[str, Sequence[CheckRow]]


def show(found: Found, verdict: Verdict, *, everything: bool) -> None:
    """The rows on standard output, the verdict for the person. ``everything``: what does not apply, too."""
    if found:
        _rows({n: [r for r in rows if everything or not (r.not_in or r.minor)] for n, rows in found.items()})
    if not everything:
        _left_out(row.not_in for rows in found.values() for row in rows if row.not_in)
    for warning in verdict.warnings:
        output.say(f"Worth a look: {warning}")
    output.say(verdict.sentence)
    for number, thing in enumerate(verdict.wrong, 1):
        output.say(f"  {number}. {thing}")
    output.say(f"{'Then again' if verdict.wrong else 'Next'}: {verdict.next}")


def _rows(shown: Found) -> None:
    """On a terminal the cures stand in the verdict, where there is room for them; elsewhere beside their rows."""
    if not output.out().is_terminal:
        rows = [(name, row.check, row.ok, row.detail, row.cure) for name, listed in shown.items() for row in listed]
        output.table("", ("Billing", "Check", "Ok", "Detail", "Cure"), rows)
        return
    output.table("", ("Check", "Ok", "Detail"), [line for name, rows in shown.items() for line in _by_part(name, rows)])


def _by_part(name: str, rows: Sequence[CheckRow]) -> Iterator[Sequence[object] | Heading]:
    for part in Part:
        listed = [row for row in rows if row.part is part]
        if listed:
            yield Heading(f"{name}: {part}")
        yield from ((row.check, row.ok if row.looked_at else None, row.detail) for row in listed)


def _left_out(versions: Iterable[str]) -> None:
    counted = Counter(versions)
    if not counted:
        return
    rows, are = ("1 row that does", "is") if counted.total() == 1 else (f"{counted.total()} rows that do", "are")
    lacking = " and ".join(sorted(counted))
    output.say(f"{rows} not apply to version {lacking} {are} left out; `remotesupport check --all` shows them")
