"""Looks once for all connections at the list that an employee of main is shown, so that the lists of those for which
nothing moved there are not read in this minute.

Only in a minute of the schedule. Where the look fails, or anything is doubtful, all is read as without it. What must
stay out: the rule by which a connection rests (``core.connections.watch``), columns (the connector).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from connectors.errors import AccessDenied, ConnectorError
from remotesupport.bootstrap import Connection, Context, Watch
from remotesupport.core.connections.watch import NOTED, WatchedLook, WatchedRow, in_words
from remotesupport.core.model import Side
from remotesupport.core.run import RunRequest
from remotesupport.settings import SettingsError
from remotesupport.steps.read.beginning import Beginning
from remotesupport.steps.read.side_reader import SETTLE
from remotesupport.steps.values import SideRead

SECONDS = 10.0  # that all connections wait for the list
AGAIN = timedelta(minutes=5)  # after a look that failed; a refused login must not be tried each minute
WHOLE = timedelta(hours=1)  # after so long the list is read to its end once more
_AS_WITHOUT = "; main is read as without it"


async def watch_main(ctx: Context, request: RunRequest, begun: Mapping[str, Beginning]) -> None:
    """Say of each connection whether main's lists need not be read. Raises StoreError.

    For one connection alone the list costs as much as it saves, so it is not read.
    """
    watch = ctx.watch
    if watch is None or not request.skims or len(begun) < 2 or _is_left_alone(watch, ctx.clock()):
        return
    look, problem = await _look(ctx, watch)
    shown, now = look.rows if look is not None else {}, ctx.clock()
    for name, one in begun.items() if look is not None else ():
        _see(ctx, ctx.connections[name], one, shown, now)
    if look is not None and any(one.linked for one in begun.values()) and not _shows_any(ctx, begun):
        problem = f"it shows none of the tickets that are carried{_AS_WITHOUT}"
    watch.problem, watch.next_try = problem, now + AGAIN if problem and look is None else None
    if watch.noted != problem:
        ctx.store.save_progress(NOTED, {"problem": problem})
        watch.noted = problem


def said_of_watch(ctx: Context, request: RunRequest) -> list[str]:
    """Return what is wrong with the employee's list, for the report of a run that would have used it."""
    wrong = ctx.watch.problem if ctx.watch is not None and request.skims else ""
    return [in_words(wrong)] if wrong else []


def has_moved(external: SideRead) -> bool:
    """Tell whether the external side showed anything that was not as the ledger knows it."""
    calm = all(look.calm for look in external.looks.values())
    return bool(external.fresh or external.unreadable or external.gone) or not calm


def _is_left_alone(watch: Watch, now: datetime) -> bool:
    return watch.next_try is not None and now < watch.next_try


async def _look(ctx: Context, watch: Watch) -> tuple[WatchedLook | None, str]:
    """Read the list; None with the reason where that failed."""
    began = ctx.clock()
    due = watch.whole_at is None or began - watch.whole_at >= WHOLE
    try:
        async with asyncio.timeout(SECONDS):
            look = await watch.look({} if due else watch.known)
    except TimeoutError:
        return None, f"no complete list came within {SECONDS:.0f} s{_AS_WITHOUT}"
    except (ConnectorError, SettingsError) as error:
        if isinstance(error, AccessDenied):
            await watch.aclose()
        return None, " ".join(str(error).split()) + _AS_WITHOUT
    except Exception as error:  # whatever it is: the list only saves work; its words may be a row's
        return None, f"unexpected {type(error).__name__}{_AS_WITHOUT}"
    watch.known, watch.whole_at = look.rows, began if look.whole else watch.whole_at
    return look, ""


def _see(
    ctx: Context, connection: Connection, begun: Beginning, shown: Mapping[str, WatchedRow], now: datetime
) -> None:
    mine, main = connection.watched, connection.main
    if begun.moved or mine.tickets is None:
        mine.tickets = frozenset(ctx.store.linked(connection.name).values())
    mine.see(shown, now)
    if not (connection.identified and begun.nothing_waits) or connection.looked_at is None:
        return
    calm = all(look.calm for look in connection.looks[Side.EXTERNAL].values())
    listings, led = main.capabilities.listings, main.capabilities.follows
    begun.main_rests = calm and mine.at_rest(connection.looks[Side.MAIN], listings, led, now, SETTLE)


def _shows_any(ctx: Context, begun: Mapping[str, Beginning]) -> bool:
    return any(ctx.connections[name].watched.rows for name in begun)
