"""Remedies for tickets that contradict the ledger: one wording, with the exact command."""

from __future__ import annotations


def rebuild_advice(connection: str) -> str:
    """The command that takes what both billings show as the truth, and what it does."""
    return (
        f"`remotesupport links rebuild --billing {connection}` takes links that do not hold out of the ledger and "
        "links by the origins in main's subjects; it writes to no billing"
    )


def no_department_advice(connection: str) -> str:
    """Say what to do about a ticket whose department cannot be told."""
    return (
        "its department cannot be told (habit 'responsible' of that server): neither its row nor its form names one of "
        f"the departments that the server lists. `remotesupport habits --billing {connection}` shows what was seen. "
        "Departments of equal names have to be told apart there; if that is not it, report it"
    )


def reused_number_advice(connection: str) -> str:
    """For a main ticket that several tickets claim."""
    return (
        f"If main lost a ticket and gave its number to another one: {rebuild_advice(connection)}. Else take the wrong "
        f"`[{connection} #…]` out of its subject"
    )


def resume_advice(connection: str) -> str:
    """The command that ends a pause, and what it does first."""
    return f"`remotesupport resume {connection}` shows what waits, then lets it take part again"
