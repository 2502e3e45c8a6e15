"""Very many plain tickets, for measuring: 70 % in Technical support, statuses and ages mixed, one or two messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from remotesupport.emulator.database import Database
from remotesupport.emulator.desk import ARCHIVED, AWAITING, CLOSED, NEW
from remotesupport.emulator.people import People

Rows = Sequence[tuple[Any, ...]]
_DEPARTMENTS = ("Technical support",) * 7 + ("Sales", "Billing", "Outsourced support")
_STATUSES = (NEW, AWAITING, CLOSED, ARCHIVED, AWAITING)
_SPAN_S = 180 * 86_400


def plant_many(database: Database, people: People, now: int, count: int, logins: Sequence[str]) -> None:
    """``count`` tickets with activity over half a year before ``now``, of these clients in turn."""
    clients = [people.named(login) for login in logins]
    homes = [people.department(name).id for name in _DEPARTMENTS]
    staff = people.named("olga").id
    first = 1 + (database.value("SELECT seq FROM sqlite_sequence WHERE name = 'ticket'") or 0)
    tickets, messages, assignments = [], [], []
    for i in range(count):
        ticket, client, home, status = first + i, clients[i % len(clients)], homes[i % 10], _STATUSES[i % 5]
        at = now - _SPAN_S + i * _SPAN_S // count
        answered = status != NEW
        tickets.append(
            (
                ticket,
                f"Server {i:06} does not answer",
                client.account,
                client.id,
                home,
                home,
                status,
                answered,
                at,
                at + 60,
                at + 60,
            )
        )
        messages.append((ticket, client.id, "client", f"Please look at server {i:06}: ping and SSH time out.", at))
        if answered:
            messages.append((ticket, staff, "staff", "Restarted, please check.", at + 60))
        else:
            assignments.append((ticket, home, at))
    _insert(database, tickets, messages, assignments)


def _insert(
    database: Database,
    tickets: Rows,
    messages: Rows,
    assignments: Rows,
) -> None:
    database.many(
        "INSERT INTO ticket (id, subject, account, client, department, responsible, status, answered, started,"
        " last_message, last_activity) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        tickets,
    )
    database.many("INSERT INTO message (ticket, user, kind, body, at) VALUES (?,?,?,?,?)", messages)
    database.many("INSERT INTO assignment (ticket, user, since) VALUES (?,?,?)", assignments)
