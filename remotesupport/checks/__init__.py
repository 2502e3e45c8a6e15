"""Validation: suites as data, the gate that splits frames into accepted and quarantined, and the report of it.

Great Expectations is imported by the first row that looks odd and not before. What must stay out: Prefect, the store,
the wire.
"""

from remotesupport.checks.gate import Gated, gate
from remotesupport.checks.report import ValidationReport, render_html, write_report
from remotesupport.checks.snapshot import GatedSnapshot, gate_snapshot
from remotesupport.checks.structure import UnattributableFrame
from remotesupport.checks.suites import RECEIPT_FRAME, SUITES, Check, Suite

__all__ = [
    "RECEIPT_FRAME",
    "SUITES",
    "Check",
    "Gated",
    "GatedSnapshot",
    "Suite",
    "UnattributableFrame",
    "ValidationReport",
    "gate",
    "gate_snapshot",
    "render_html",
    "write_report",
]
