"""The protections of the product, each as the text that makes it and what is left when it is taken out. Data only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """``old`` occurs exactly once in ``file``, as do those of ``also``; ``tests`` are those that must notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    also: tuple[tuple[str, str], ...] = ()


ONCE = "tests/integration/test_exactly_once.py"
JOURNAL = "tests/integration/test_store_journal.py"
READBACK, WRITING = "remotesupport/steps/write/readback.py", "remotesupport/steps/write/writer.py"

MUTANTS = (
    Mutant(
        "intent commit",
        "remotesupport/store/journal.py",
        "        with self._db.write() as conn:\n            require_lease(",
        "        with self._db.read() as conn:\n            require_lease(",
        (JOURNAL,),
    ),
    Mutant(
        "read-back",
        READBACK,
        "        message = matched.get(intent.id or 0)\n        if _shows",
        "        message = None\n        if _shows",
        (ONCE,),
    ),
    Mutant(
        "quarantine",
        READBACK,
        "    if ctx.clock() < intent.deadline + QUARANTINE:\n        return False\n",
        "",
        (ONCE,),
    ),
    Mutant(
        "two looks",
        READBACK,
        "    return ctx.store.count_absent(intent) >= ABSENT_READS\n",
        "    return ctx.store.count_absent(intent) >= 1\n",
        (ONCE,),
    ),
    Mutant(
        "order in a run",
        "remotesupport/steps/write/load.py",
        "                if (change.ext_ticket, change.direction) in loaded.held:\n                    continue\n",
        "",
        ("tests/integration/test_parked.py",),
    ),
    Mutant(
        "order over runs",
        "remotesupport/store/journal.py",
        "        if other.direction is intent.direction and other.key != intent.key:",
        "        if False:",
        (JOURNAL,),
    ),
    Mutant(
        "lease",
        "remotesupport/store/journal.py",
        "            require_lease(self._db, conn, lease, intent)\n",
        "",
        ("tests/integration/test_store_leases.py",),
    ),
    Mutant(
        "guard",
        "remotesupport/core/plan/guard.py",
        "_too_many(plan, facts, limits) + _canary(plan, facts) + ",
        "_canary(plan, facts) + ",
        ("tests/unit/test_guard.py",),
    ),
    Mutant(
        "canary",
        "remotesupport/core/plan/guard.py",
        "_too_many(plan, facts, limits) + _canary(plan, facts) + ",
        "_too_many(plan, facts, limits) + ",
        ("tests/unit/test_guard.py",),
    ),
    Mutant(
        "an empty list is an outage",
        "remotesupport/core/plan/guard.py",
        "    odd = _emptied(name, facts)\n",
        "    odd: list[str] = []\n",
        ("tests/unit/test_guard.py",),
    ),
    Mutant(
        "DOCTYPE refusal",
        "connectors/billmanager/wire.py",
        '    if b"<!DOCTYPE" in body[: start if start >= 0 else len(body)]:\n',
        "    if False:\n",
        ("tests/unit/test_wire.py",),
        also=(("    if root.getroottree().docinfo.doctype:\n", "    if False:\n"),),
    ),
    Mutant(
        "POST only",
        "connectors/billmanager/transport.py",
        'self._client.build_request("POST", self.url, content=urlencode(form).encode(), headers=_FORM)',
        'self._client.build_request("GET", f"{self.url}?{urlencode(form)}", headers=_FORM)',
        ("tests/unit/test_transport_writes.py", "tests/unit/test_transport_session.py"),
    ),
    Mutant(
        "one request for one intent",
        WRITING,
        "                receipt = await request(self.connection, change, parcel, intent.key)\n",
        "                await request(self.connection, change, parcel, intent.key)\n"
        "                receipt = await request(self.connection, change, parcel, intent.key)\n",
        ("tests/integration/test_cycle.py",),
    ),
    Mutant(
        "files are compared",
        READBACK,
        "    if wrong:\n        park_spoilt_files(",
        "    if False:\n        park_spoilt_files(",
        ("tests/integration/test_attachments.py",),
    ),
    Mutant(
        "our own messages are no sources",
        "remotesupport/core/messages/pending.py",
        '    external = external[~is_in(external, ours, MESSAGE, [*EXT, "target_message"])]\n',
        "",
        ("tests/unit/test_reconcile_messages.py", "tests/integration/test_cycle.py"),
    ),
    Mutant(
        "notes stay",
        "remotesupport/core/messages/pending.py",
        '    rows = rows[rows["kind"].isin(PEOPLE)]\n',
        "",
        ("tests/unit/test_reconcile_messages.py", "tests/property/test_reconcile_laws.py"),
    ),
)
