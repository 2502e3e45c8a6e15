"""The laws that need a process of their own: what is imported, what is printed."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROBE = """
import sys
from remotesupport.checks import gate_snapshot, gate, render_html
from remotesupport.core import frames
from tests import checks_rows as rows
{act}
print(*(name in sys.modules for name in ("great_expectations", "scipy.stats._stats_py")))
"""
QUIET = """
known = rows.departments({})
gate_snapshot(known, rows.tickets({"fresh": False}), rows.messages(), known=known)
for name, schema in (("departments", frames.DEPARTMENTS), ("tickets", frames.TICKETS), ("messages", frames.MESSAGES)):
    gate(name, frames.empty(schema))
gate("changes", frames.empty(frames.CHANGES), messages=rows.messages())
"""
BUSY = 'gate("messages", rows.messages({}))'
ODD = 'gate("messages", rows.messages({"body": "quiet please" + chr(0)}))'


def run(act: str) -> subprocess.CompletedProcess[str]:
    """A Python of its own, with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE.format(act=act)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("act", "imported"),
    [(QUIET, "False False"), (BUSY, "False False"), (ODD, "True False")],
    ids=["quiet", "busy", "odd"],
)
def test_only_odd_rows_import_great_expectations(act, imported):
    """Good rows do not pay for Great Expectations, odd ones not for statistics.

    And an odd one prints no bar, warning or text of customers.
    """
    done = run(act)
    assert (done.stdout.strip(), done.stderr, done.returncode) == (imported, "", 0)
