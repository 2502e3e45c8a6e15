"""The values that the steps hand to each other: no step knows another step."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import pandas as pd

from connectors.errors import ConnectorError
from remotesupport.bootstrap import Context
from remotesupport.checks.report import ValidationReport
from remotesupport.core.connections.looks import ListLook
from remotesupport.core.plan.guard import Facts, Verdict
from remotesupport.core.plan.plan import Plan
from remotesupport.core.reconcile_io import Inputs
from remotesupport.core.records import Lease, Sighting
from remotesupport.core.run import RunReport, RunRequest
from remotesupport.steps.framing import Rows, enabled


@dataclass(frozen=True, slots=True)
class SideRead:
    """The result of reading one side: rows of TICKETS, MESSAGES, DEPARTMENTS; sightings that become true once all is
    done.

    ``fully_listed``: every listing was read to its end; ``complete``: and everything on it was readable. ``listed``:
    rows of listings that show every ticket there is, None where these do not (they never count as emptied).
    ``unreadable``: ticket → why, for rows or threads that could not be read this time; ``denied``: those of them that
    only this login may not see; ``not_understood``: those where a habit of the server is not understood. ``gone``:
    tickets that a direct look did not find. ``read_at``: our clock when reading began. ``fully_read_once``: every
    listing was read to its end in an earlier run. ``unasked``: tickets whose department is asked for in a later run.
    ``open_lately``: the departments of the open tickets whose rows changed within a day. ``looks``: the look at each
    listing that was read.
    """

    tickets: Rows
    messages: Rows
    departments: Rows
    complete: bool
    fully_listed: bool
    listed: int | None
    sightings: tuple[Sighting, ...] = ()
    unreadable: dict[str, str] = field(default_factory=dict)
    denied: frozenset[str] = frozenset()
    gone: tuple[str, ...] = ()
    read_at: datetime | None = None
    fully_read_once: bool = False
    not_understood: frozenset[str] = frozenset()
    unasked: frozenset[str] = frozenset()
    open_lately: tuple[str | None, ...] = ()
    looks: dict[str, ListLook] = field(default_factory=dict)

    @property
    def fresh(self) -> set[str]:
        """The tickets whose threads were read."""
        return {row["ticket"] for row in self.tickets if row["fresh"]}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Both sides of one connection, the correspondences that hold (rows of CORRESPONDENCES), and what reading cost.

    ``flagged``: remote departments as that billing marks them. ``unconfirmed``: external tickets of which a write had
    an open outcome when reading began. ``resolved``: the id that each name of a remote department means, where
    that is not recorded yet. ``mark``: the ledger's (``store.moves``) when reading, or looking again, began.
    ``unknown_types``: how often reading met which type of message that we do not know. ``linked``: tickets that the
    ledger linked when reading began; what another run links meanwhile may be on no list that was read.
    """

    name: str
    external: SideRead
    main: SideRead
    correspondences: Rows
    problems: tuple[str, ...]
    canary: bool | None
    requests: int
    seconds: float
    flagged: frozenset[str] = frozenset()
    unconfirmed: frozenset[str] = frozenset()
    resolved: dict[str, str] = field(default_factory=dict)
    mark: int = 0
    unknown_types: dict[str, int] = field(default_factory=dict)
    linked: int | None = None

    @property
    def corresponding(self) -> frozenset[str]:
        """The remote departments whose correspondence is enabled."""
        return enabled(self.correspondences)


UNDERSTOOD = "understood"  # the check of quarantine rows where a habit of the server is not understood
PERMITTED = "permitted"  # the check of quarantine rows of tickets that only this login may not see
Read: TypeAlias = "Snapshot | ConnectorError"
Reads: TypeAlias = dict[str, Read]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The frames that passed validation in one pass, plus quarantined rows and rejected connections."""

    tickets: pd.DataFrame
    messages: pd.DataFrame
    departments: pd.DataFrame
    quarantined: pd.DataFrame
    rejected: dict[str, str]
    reports: tuple[ValidationReport, ...] = ()


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything that plans were made from, and the guard's verdicts by these ``facts``; ``dropped`` as
    ``store.dropped`` gives it."""

    inputs: Inputs
    dropped: dict[tuple[str, str], str]
    facts: dict[str, Facts]
    verdicts: dict[str, Verdict]


@dataclass(frozen=True, slots=True)
class Proposal:
    """The diff's outcome (``reconcile_io.Outcome``) as a plan per connection, and the guard's verdicts.

    ``broken``: connections whose plan failed its own validation; no person can approve those. ``moving``: (connection,
    external ticket) that another run wrote to while this one read: nothing of them is known for certain.
    ``basis``: what it was made from.
    """

    plans: dict[str, Plan]
    verdicts: dict[str, Verdict]
    reasons: pd.DataFrame
    agreed: pd.DataFrame
    unfinished: pd.DataFrame
    broken: dict[str, str] = field(default_factory=dict)
    reports: tuple[ValidationReport, ...] = ()
    moving: frozenset[tuple[str, str]] = frozenset()
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """Values that the report step shows besides the report: the plans with their verdicts, and the validations."""

    plans: dict[str, Plan] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    validations: tuple[ValidationReport, ...] = ()

    def __or__(self, other: Findings) -> Findings:
        """Join the findings of two parts of a run, which have no connection in common."""
        validations = self.validations + other.validations
        return Findings(self.plans | other.plans, self.verdicts | other.verdicts, validations)


@dataclass(slots=True)
class Loaded:
    """The result of loading one plan. ``failed``: external ticket → cause, everything not written of it included.

    ``held``: (external ticket, direction) whose later rows wait. ``contradicts``: what was written showed that a habit
    of the server is another one. ``tried_first``: the one write went out that may go before a habit is known.
    """

    name: str
    written: int = 0
    parked: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    held: set[tuple[str, str]] = field(default_factory=set)
    access: str = ""
    stopped: str = ""
    contradicts: bool = False
    tried_first: bool = False
    receipts: list[dict[str, object]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a run as callables, so that the same cycle runs plainly or as Prefect tasks."""

    extract: Callable[[Context, tuple[str, ...], RunRequest], AsyncGenerator[tuple[str, Read], None]]
    extract_one: Callable[[Context, str, RunRequest], Awaitable[Snapshot]]
    resolve_open_intents: Callable[[Context, Snapshot], Awaitable[Snapshot]]
    validate: Callable[[Context, dict[str, Snapshot]], Awaitable[Accepted]]
    sync_departments: Callable[[Context, RunRequest, RunReport, pd.DataFrame], Awaitable[pd.DataFrame]]
    reconcile: Callable[[Context, RunRequest, dict[str, Snapshot], Accepted], Awaitable[Proposal]]
    load: Callable[[Context, Plan, Lease, str], Awaitable[Loaded]]
    verify: Callable[[Iterable[Loaded]], Awaitable[tuple[dict[str, str], ValidationReport | None]]]
    report: Callable[[Context, RunReport, Findings | None], Awaitable[None]]
