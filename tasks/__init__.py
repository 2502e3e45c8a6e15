"""Thin Prefect wrappers around the steps of a run; the file names are the steps. No decisions in here."""

from __future__ import annotations

from remotesupport.steps.values import Steps
from tasks.extract import extract, extract_one, resolve_open_intents
from tasks.load import load
from tasks.reconcile import reconcile
from tasks.report import report
from tasks.sync_departments import sync_departments
from tasks.validate import validate, verify

PREFECT_STEPS = Steps(
    extract, extract_one, resolve_open_intents, validate, sync_departments, reconcile, load, verify, report
)  # fmt: skip
