"""A tiny world for the laws of the reconcile: two billings as plain values, people who act, a ledger, and a sync.

It knows how a billing behaves (a message reopens, a note stays inside), not how the reconcile works.
"""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from remotesupport.core import frames
from remotesupport.core.reconcile import Inputs, Outcome, reconcile
from remotesupport.core.text.compose import origin_of
from remotesupport.core.text.normalize import body_hash

REMOTE, OTHER = "7", "9"
CONNECTION = "acme"


@dataclass
class Message:
    """One message; ``own`` as MESSAGES has it."""

    id: str
    kind: str
    body: str
    own: str | None = None


@dataclass
class Ticket:
    """One ticket of one side."""

    id: str
    subject: str
    department: str | None
    state: str = "open"
    messages: list[Message] = field(default_factory=list)
    activity: int = 0


@dataclass
class World:
    """Both billings, the ledger, and everything that was ever written, by its unique name."""

    says_own: bool = True
    external: dict[str, Ticket] = field(default_factory=dict)
    main: dict[str, Ticket] = field(default_factory=dict)
    links: dict[str, dict[str, Any]] = field(default_factory=dict)
    carried: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    written: list[tuple[str, ...]] = field(default_factory=list)
    counter: int = 0

    # --- what people do -------------------------------------------------------------------------------------

    def open_ticket(self, department: str, body: str) -> None:
        """A client opens a ticket in the external billing."""
        number = self._next()
        self.external[number] = Ticket(number, f"subject {body}", department)
        self.say(self.external[number], "client", body)

    def say(self, ticket: Ticket, kind: str, body: str, own: str | None = "no") -> str:
        """Somebody writes; what clients and staff write opens the ticket."""
        message = Message(self._next(), kind, body, own if self.says_own else None)
        ticket.messages.append(message)
        ticket.activity += 1
        if kind in ("client", "staff"):
            ticket.state = "open"
        return message.id

    def set_state(self, ticket: Ticket, state: str) -> None:
        """Somebody closes or opens."""
        ticket.state = state
        ticket.activity += 1

    def _next(self) -> str:
        self.counter += 1
        return str(self.counter)

    # --- what the product does ------------------------------------------------------------------------------

    def inputs(self, **more: Any) -> Inputs:
        """Both sides read completely, all threads fresh."""
        external = [self._ticket(t, "external") for t in self.external.values()]
        main = [self._ticket(t, "main") for t in self.main.values()]
        main = [row | {"origin": origin_of(row["subject"], row["connection"])} for row in main]
        tickets = frames.build(frames.TICKETS, [*external, *main])
        given: dict[str, Any] = {
            "tickets": tickets,
            "messages": frames.build(frames.MESSAGES, self._messages()),
            "links": frames.build(frames.LINKS, self.links.values()),
            "carried": frames.build(frames.CARRIED, self.carried.values()),
            "correspondences": frames.build(
                frames.CORRESPONDENCES,
                [{"connection": CONNECTION, "department": REMOTE, "main_department": "70", "enabled": True}],
            ),
            "reads": reads(),
            "blocked": frames.empty(frames.BLOCKED),
            "gone": frames.empty(frames.GONE),
        }
        return Inputs(**(given | more))

    def sync(self) -> Outcome:
        """One run: reconcile, write everything, record everything."""
        outcome = reconcile(self.inputs())
        for row in outcome.changes.astype(object).where(outcome.changes.notna(), None).to_dict("records"):
            self._write(row)
        for row in outcome.agreed.astype(object).where(outcome.agreed.notna(), None).to_dict("records"):
            self.links[row["ext_ticket"]] = row
        return outcome

    def settle(self, runs: int = 5) -> Outcome:
        """Sync until nothing is planned. Fails when that takes more than ``runs``."""
        for _ in range(runs):
            outcome = self.sync()
            if outcome.changes.empty:
                return outcome
        raise AssertionError(f"still planning after {runs} runs: {outcome.changes.to_dict('records')}")

    def _write(self, row: dict[str, Any]) -> None:
        name = (row["direction"], row["ext_ticket"], row["act"])
        if row["kind"] == "conflict":
            return
        assert name not in self.written or row["kind"] == "adopt", f"written twice: {name}"
        self.written.append(name)
        target = self._effect(row)
        for source, digest, known in json.loads(row["covers"]):
            self.carried[(row["direction"], row["ext_ticket"], source)] = {
                "connection": CONNECTION, "direction": row["direction"], "ext_ticket": row["ext_ticket"],
                "source_message": source, "target_message": known or target, "body_hash": digest,
            }  # fmt: skip

    def _effect(self, row: dict[str, Any]) -> str | None:
        kind, inward = row["kind"], row["direction"] == "to_main"
        if kind == "create":
            row["main_ticket"] = self._next()
            self.main[row["main_ticket"]] = Ticket(row["main_ticket"], row["subject"], None)
        old = self.links.get(row["ext_ticket"], {})
        main_id = row["main_ticket"] or old["main_ticket"]
        self.links[row["ext_ticket"]] = {
            "connection": CONNECTION, "ext_ticket": row["ext_ticket"], "main_ticket": main_id,
            "ext_state": row["ext_state"], "main_state": row["main_state"],
            "department": self.external[row["ext_ticket"]].department if kind != "departure" else old["department"],
            "departed": kind == "departure",
        }  # fmt: skip
        ticket = self.main[main_id] if inward else self.external[row["ext_ticket"]]
        said = None
        if kind in ("create", "post", "departure") or (kind == "reopen" and inward):
            said = self.say(ticket, "client" if inward else "staff", row["body"], "yes")
        if kind in ("close", "departure"):
            self.set_state(ticket, "closed")
        elif kind == "reopen":
            self.set_state(ticket, "open")
        return said

    def _ticket(self, t: Ticket, side: str) -> dict[str, Any]:
        return {
            "connection": CONNECTION, "side": side, "ticket": t.id, "subject": t.subject, "department": t.department,
            "state": t.state, "status": "", "author": "", "activity": str(t.activity), "origin": None, "fresh": True,
        }  # fmt: skip

    def _messages(self) -> list[dict[str, Any]]:
        return [
            {
                "connection": CONNECTION, "side": side, "ticket": t.id, "message": m.id, "ordinal": n, "kind": m.kind,
                "author": "A", "at_text": "t", "zone": "UTC", "at": None, "body": m.body,
                "body_hash": body_hash(m.body), "files": "[]", "own": m.own,
            }
            for side, tickets in (("external", self.external), ("main", self.main))
            for t in tickets.values()
            for n, m in enumerate(t.messages)
        ]  # fmt: skip


def reads(**more: Any) -> pd.DataFrame:
    """READS of both sides, complete and in order unless said otherwise (for both)."""
    good = {"connection": CONNECTION, "outcome": "ok", "complete": True, "detail": ""} | more
    return frames.build(frames.READS, [good | {"side": side} for side in ("external", "main")])


def shuffled(inputs: Inputs, seed: int) -> Inputs:
    """The same rows in another order."""
    mixed = {
        name: value.sample(frac=1, random_state=seed).reset_index(drop=True)
        for name, value in vars(inputs).items()
        if isinstance(value, pd.DataFrame)
    }
    return replace(inputs, **mixed)
