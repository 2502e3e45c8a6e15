"""The store's disk is full, its file locked, its server gone, in the middle of a run: nothing twice, nothing lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from connectors.memory import MemoryCall
from remotesupport.core.run import BillingState, RunReport
from remotesupport.store import StoreError
from tests.cycle_fixtures import Desk
from tests.postgres_server import postgres_server

SAID = [f"E<{n}>" for n in range(6)]
ANSWERS = [f"M<{n}>" for n in range(4)]


def at_work(folder: Path, **options: Any) -> tuple[Desk, str]:
    """A linked ticket, and messages both ways that the next run has to carry."""
    desk = Desk(folder, "acme", **options)
    return desk, desk.externals["acme"].client_opens("ivan", "Technical support", "s", SAID[0])


async def busy(desk: Desk, ticket: str) -> str:
    """Linked by a run; then everybody writes. → the copy's id."""
    await desk.run()
    (copy,) = desk.main_tickets("acme")
    for text in SAID[1:]:
        desk.externals["acme"].client_writes(ticket, text)
    for text in ANSWERS:
        desk.main.staff_replies(copy, text)
    return copy


async def a_run(desk: Desk) -> RunReport | StoreError:
    """One run, whatever becomes of it."""
    try:
        return await desk.run()
    except StoreError as error:
        return error


async def recovered(desk: Desk, ticket: str, copy: str) -> None:
    """By itself, in the next runs, everything is there once and in order, and then nothing is left to do."""
    for _ in range(6):
        desk.clock.advance(150)
        report = await desk.run()
    assert [(b.state, b.written) for b in report.billings] == [(BillingState.OK, 0)]
    for said, thread in ((SAID, desk.main.bodies(copy)), (ANSWERS, desk.externals["acme"].bodies(ticket))):
        whole = "\n".join(thread)
        assert [whole.count(text) for text in said] == [1] * len(said), whole
        assert sorted(said, key=whole.index) == said


@contextmanager
def each_connection(*statements: str) -> Iterator[None]:
    """These PRAGMAs for every SQLite connection that is used inside."""

    def prepare(connection: Connection) -> None:
        for statement in statements:
            connection.connection.cursor().execute(statement)

    event.listen(Engine, "engine_connect", prepare)
    try:
        yield
    finally:
        event.remove(Engine, "engine_connect", prepare)


SOONER_OR_LATER = pytest.mark.thorough("the same at five more moments")


@pytest.mark.parametrize("pages", [3, *(pytest.param(n, marks=SOONER_OR_LATER) for n in (0, 1, 2, 5, 8))])
async def test_a_disk_that_is_full_after_so_many_pages(pages: int, tmp_path: Path) -> None:
    """Wherever in a run no page can be added any more, the message says so, and space makes everything good."""
    desk, ticket = at_work(tmp_path)
    copy = await busy(desk, ticket)
    with sqlite3.connect(tmp_path / "ledger.sqlite3") as file:
        (here,) = file.execute("PRAGMA page_count").fetchone()
    with each_connection(f"PRAGMA max_page_count = {here + pages}"):
        said = await a_run(desk)
    if isinstance(said, StoreError):
        assert "Free some space" in str(said)
    with each_connection("PRAGMA max_page_count = 4294967294"):
        await recovered(desk, ticket, copy)


async def test_a_file_that_another_process_locks_in_mid_run(tmp_path: Path) -> None:
    """The run stops at its next write to the store and says why; the next one goes on."""
    desk, ticket = at_work(tmp_path)
    copy = await busy(desk, ticket)
    other = sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None, timeout=20)

    def lock(_call: MemoryCall) -> None:
        desk.main.before.clear()
        other.execute("BEGIN IMMEDIATE")

    desk.main.before["reply"] = lock
    with each_connection("PRAGMA busy_timeout = 200"):
        said = await a_run(desk)
        other.execute("ROLLBACK")
    words = str(said) if isinstance(said, StoreError) else said.billings[0].reason
    assert "locked" in words
    await recovered(desk, ticket, copy)


@pytest.mark.thorough("a PostgreSQL server of its own, which is killed")
async def test_a_database_server_that_dies_in_mid_run(tmp_path: Path) -> None:
    """PostgreSQL is stopped at once while a message is being written, and started again a minute later."""
    with postgres_server() as server:
        desk, ticket = at_work(tmp_path, url=server.new_database())
        copy = await busy(desk, ticket)

        def stop(_call: MemoryCall) -> None:
            desk.main.before.clear()
            server.stop()

        desk.main.before["reply"] = stop
        said = await a_run(desk)
        words = str(said) if isinstance(said, StoreError) else said.billings[0].reason
        assert "the next run tries again" in words
        server.start()
        await recovered(desk, ticket, copy)
        desk.store.close()
