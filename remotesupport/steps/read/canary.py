"""Reads the canary: a department or a ticket that must be readable as long as the login's rights are what they were."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.errors import Missing, TicketDenied
from remotesupport.bootstrap import Connection
from remotesupport.steps.read.department_mapping import department_id
from remotesupport.steps.read.sides import said_by


async def unreadable_canary(connection: Connection, departments: Mapping[str, str]) -> str:
    """Return the setting whose canary cannot be read, "" when all that are set can be.

    ``departments``: names by id, as the external billing shows them. Raises ConnectorError for an answer that says
    nothing of the ticket.
    """
    wanted, ticket = connection.settings.canary_department, connection.settings.canary_ticket
    if wanted is not None and department_id(departments, wanted) is None:
        return "canary_department"
    if ticket is not None:
        try:
            await said_by(connection, connection.external, lambda: connection.external.ticket(ticket))
        except (Missing, TicketDenied):
            return "canary_ticket"
    return ""
