"""Checks the login that only lists main's tickets: whether it works, and whether its ids are those of the customer.

What must stay out: any other list, and deciding what a run leaves out (``steps.read.watch_main``).
"""

from __future__ import annotations

import asyncio
from typing import TypeAlias

from connectors.errors import ConnectorError, Fatal, ProtocolError
from remotesupport.bootstrap import Watch
from remotesupport.core.connections.watch import WatchedLook, same_tickets
from remotesupport.settings import SettingsError
from remotesupport.steps.operator.check_habits import FirstPages
from remotesupport.steps.operator.check_reach import failed, not_looked_at
from remotesupport.steps.operator.check_row import CheckRow

CHECK = "watch login"
SECONDS = 30.0
Looked: TypeAlias = "WatchedLook | ConnectorError | None"
_CURE = "Take watch_login and watch_password away from [main]; without them all works as before"
_DEPARTMENTS = "Make it a member of the departments that the tickets go to, or take watch_login away from [main]"


async def looked(watch: Watch | None) -> Looked:
    """Read the employee's list once for all connections; an error is a value. None: no such login is configured."""
    if watch is None:
        return None
    try:
        async with asyncio.timeout(SECONDS):
            return await watch.look({})
    except TimeoutError:
        return ProtocolError(f"no complete list came within {SECONDS:.0f} s", billing=CHECK, cure=_CURE)
    except SettingsError as error:
        problem = error.problems[0]
        return Fatal(f"{problem.where}: {problem.what}", billing=CHECK, cure=problem.cure)
    except ConnectorError as error:
        return error
    finally:
        await watch.aclose()


def watch_rows(looked: Looked, customers: FirstPages | None) -> list[CheckRow]:
    """The row of one connection, none without such a login. ``customers``: what its own view of main shows first."""
    return [] if looked is None else [_row(looked, customers)]


def _row(looked: WatchedLook | ConnectorError, customers: FirstPages | None) -> CheckRow:
    if isinstance(looked, ConnectorError):
        return failed(CHECK, looked)
    if customers is None:
        return not_looked_at(CHECK)
    shown = {row.ticket: row.activity for row in customers.rows if not row.partial}
    missing = shown.keys() - looked.rows.keys()
    if not shown:
        return CheckRow(CHECK, True, "it lists tickets; this customer has none yet to compare their ids with")
    if len(missing) == len(shown):
        return CheckRow(CHECK, False, "it shows none of this customer's tickets", _DEPARTMENTS)
    if not same_tickets(shown, looked.rows):
        what = "its ids are not those of the customer's own list: the same ids have other times; it is not used"
        return CheckRow(CHECK, False, what, _CURE)
    both = f"{len(shown) - len(missing)} of {len(shown)} tickets of the customer's list are in its list"
    cure = f"While one is missing it saves nothing for this connection. {_DEPARTMENTS}" if missing else ""
    return CheckRow(CHECK, True, f"{both}, with the same ids", cure)
