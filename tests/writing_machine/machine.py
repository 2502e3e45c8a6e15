"""The writing of messages as a state machine: people write, runs carry, everything that can go wrong does.

The real Writer, the real read-back and settling, a real store; no diff (the source's order is known here) and no HTTP.
Laws, at every moment: what the other side shows of ours is a beginning of what was said, in order, none twice; and in
the end, when all is well again: everything.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from connectors.errors import ConnectorError
from connectors.memory import MemoryBilling
from remotesupport.bootstrap import Connection, Context
from remotesupport.core.model import ChangeKind, Direction
from remotesupport.core.plan.change import Change
from remotesupport.core.records import Carried, LinkRow
from remotesupport.core.text.normalize import body_hash
from remotesupport.steps.leases import LEASE_SECONDS
from remotesupport.steps.values import Loaded
from remotesupport.steps.write.load import confirmed
from remotesupport.steps.write.readback import resolve_open_intents
from remotesupport.steps.write.writer import Stop, Writer
from remotesupport.store.pairs import carried_of
from remotesupport.store.tables import metadata
from tests.cycle_fixtures import Clock, settings_for
from tests.fresh_store import store_at
from tests.inline_executor import Inline
from tests.writing_machine.billings import READ_FATES, STORE_FATES, WRITE_FATES, Death, Fates, Mortal, Unreliable

NAME = "acme"
LONGEST_WAIT_S = 200
EMPTYING = [f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)]
HEALING_RUNS = 12  # of a minute each: the quarantine is over in three, a chain of waiting messages needs more


class House:
    """One store and one event loop for all examples; each starts with empty tables."""

    def __init__(self) -> None:
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # the disk is not what is tried here
        self.folder = tempfile.TemporaryDirectory(prefix="remotesupport-machine-", dir=memory)
        self.clock = Clock()
        self.settings = settings_for(Path(self.folder.name), NAME)
        self.store = store_at(f"sqlite:///{self.folder.name}/ledger.sqlite3", self.clock)
        self.loop = asyncio.new_event_loop()
        self.loop.set_default_executor(Inline())

    def empty(self) -> None:
        with self.store._db.write() as conn:
            for statement in EMPTYING:
                conn.exec_driver_sql(statement)

    def close(self) -> None:
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        self.store.close()
        self.folder.cleanup()


_house: list[House] = []


def house() -> House:
    """The one of this process."""
    if not _house:
        _house.append(House())
    return _house[0]


def close_house() -> None:
    """Close what ``house`` opened."""
    while _house:
        _house.pop().close()


threads = st.tuples(st.integers(0, 1), st.sampled_from(tuple(Direction)))
fates = {
    "said": st.lists(st.tuples(threads, st.booleans()), min_size=1, max_size=3),
    "writes": st.lists(st.sampled_from(WRITE_FATES), min_size=1, max_size=3),
    "reads": st.lists(st.sampled_from(("ok", *READ_FATES)), max_size=3),
    "stores": st.lists(st.sampled_from(("ok", "ok", "ok", "ok", *STORE_FATES)), max_size=5),
}


class Writing(RuleBasedStateMachine):
    """Two linked tickets, both directions."""

    def __init__(self) -> None:
        super().__init__()
        self.house = house()
        self.house.empty()
        self.clock, self.store = self.house.clock, self.house.store
        self.external = MemoryBilling("external", clock=self.clock)
        self.main = MemoryBilling("main", clock=self.clock)
        self.external.add_staff("robot", "Robot", ["Technical support"])
        self.pairs = [self._pair(n) for n in range(2)]
        self.fates = Fates(self.clock)
        self.said: dict[tuple[int, Direction], list[tuple[str, str]]] = {
            (n, d): [] for n in range(2) for d in Direction
        }
        self.ids, self.runs = itertools.count(1000), itertools.count(1)

    def _pair(self, n: int) -> tuple[str, str]:
        ext = self.external.client_opens("ivan", "Technical support", f"subject {n}", "before")
        main = self.main.client_opens(NAME, "Technical support", f"[acme #{ext}]", "before")
        self.store.link(NAME, LinkRow(NAME, ext, main, "open", "open", None), [], "setup")
        return ext, main

    # --- what people and time do ---------------------------------------------------------------------------

    def _say(self, said: list[tuple[tuple[int, Direction], bool]]) -> None:
        """Messages to be carried; equal words are allowed."""
        for thread, equal in said:
            number = str(next(self.ids))
            self.said[thread].append((number, "ok" if equal else f"text {number}"))

    @rule(seconds=st.integers(1, LONGEST_WAIT_S))
    def wait(self, seconds: int) -> None:
        """Time passes; what was late may come."""
        self.fates.pass_time(seconds)

    @rule(**fates)
    def run(
        self, said: list[tuple[tuple[int, Direction], bool]], writes: list[str], reads: list[str], stores: list[str]
    ) -> None:
        """People write, then one run, with what happens to its calls. A death leaves the lease as it is."""
        self._say(said)
        self.fates.writes, self.fates.reads, self.fates.stores = list(writes), list(reads), list(stores)
        try:
            self.house.loop.run_until_complete(self._carry())
        except Death:
            pass
        finally:
            self.fates.heal()

    @rule(thread=threads)
    def a_paused_run_wakes_up(self, thread: tuple[int, Direction]) -> None:
        """Its lease has passed on meanwhile: it must not write."""
        lease = self.store.acquire_lease(NAME, "paused", LEASE_SECONDS)
        left = self._left(thread)
        if lease is None or not left:
            return
        writer = Writer(self._context(), self._connection(), lease, "paused")
        self.fates.pass_time(LEASE_SECONDS + 1)
        other = self.store.acquire_lease(NAME, "other", LEASE_SECONDS)
        assert other is not None
        assert other.token > lease.token
        before = self._shown(thread)
        try:
            self.house.loop.run_until_complete(writer.write(self._change(thread, left[0])))
        except Stop:
            pass
        else:
            raise AssertionError("a run whose lease has passed on went on writing")
        assert self._shown(thread) == before
        self.store.release_lease(other)

    # --- a run ---------------------------------------------------------------------------------------------

    async def _carry(self) -> None:
        ctx, run = self._context(), f"run-{next(self.runs)}"
        lease = self.store.acquire_lease(NAME, run, LEASE_SECONDS)
        if lease is None:
            return
        try:
            await resolve_open_intents(ctx, SimpleNamespace(name=NAME))  # type: ignore[arg-type]
            writer = Writer(ctx, ctx.connections[NAME], lease, run)
            for thread in self.said:
                await self._carry_thread(ctx, writer, thread)
        except (ConnectorError, Stop):
            pass
        self.store.release_lease(lease)

    async def _carry_thread(self, ctx: Context, writer: Writer, thread: tuple[int, Direction]) -> None:
        left, now = self._left(thread) if self.said[thread] else [], self.clock()
        if not left:
            return
        ext, direction = self.pairs[thread[0]][0], thread[1]
        waiting = [p for p in self.store.parked([NAME]) if (p.ext_ticket, p.direction) == (ext, direction)]
        if any(p.next_try is None or p.next_try > now for p in waiting):
            return
        for message in left:
            change = self._change(thread, message)
            written = await writer.write(change)
            if not written.ok or not await confirmed(ctx, writer.connection, change, written, Loaded(NAME)):
                return

    def _context(self) -> Context:
        async def no_sleep(seconds: float) -> None:
            self.clock.advance(seconds)

        store: Any = Mortal(self.store, self.fates)
        return Context(self.house.settings, store, {NAME: self._connection()}, clock=self.clock, sleep=no_sleep)

    def _connection(self) -> Connection:
        staff = Unreliable(self.external.staff("robot", name=NAME), self.fates, self._staff_says)
        customer = Unreliable(self.main.customer(NAME, name=NAME), self.fates, self._customer_says)
        external: Any = staff
        main: Any = customer
        return Connection(self.house.settings.external[0], external, main)

    def _staff_says(self, ticket: str, body: str) -> None:
        self.external.staff_replies(ticket, body, staff="robot")

    def _customer_says(self, ticket: str, body: str) -> None:
        self.main.client_writes(ticket, body, customer=NAME)

    def _change(self, thread: tuple[int, Direction], message: tuple[str, str]) -> Change:
        (ext, main), (number, text) = self.pairs[thread[0]], message
        body = f"acme #{ext}/{number} | x\n{text}" if thread[1] is Direction.TO_MAIN else text
        covers = (Carried(number, body_hash(text)),)
        return Change(NAME, ChangeKind.POST, thread[1], ext, number, main_ticket=main, body=body, covers=covers)

    def _left(self, thread: tuple[int, Direction]) -> list[tuple[str, str]]:
        """What the ledger does not have yet, in order."""
        said, ext = self.said[thread], self.pairs[thread[0]][0]
        with self.store._db.read() as conn:
            done = {c.source_message for c in carried_of(conn, NAME, str(thread[1]), ext, [n for n, _ in said])}
        return [message for message in said if message[0] not in done]

    # --- the laws ------------------------------------------------------------------------------------------

    def _shown(self, thread: tuple[int, Direction]) -> list[str]:
        """What the other side shows of ours."""
        ext, main = self.pairs[thread[0]]
        if thread[1] is Direction.TO_EXTERNAL:
            return [m.body for m in self.external.thread(self.external.find(ext)) if m.user == "robot"]
        return [m.body for m in self.main.thread(self.main.find(main)) if m.user == NAME][1:]

    def _meant(self, thread: tuple[int, Direction]) -> list[str]:
        return [self._change(thread, message).body for message in self.said[thread]]

    @invariant()
    def never_twice_and_in_order(self) -> None:
        """What is there is a beginning of what was said."""
        for thread in self.said:
            shown, meant = self._shown(thread), self._meant(thread)
            assert shown == meant[: len(shown)], f"{thread}: {shown} is no beginning of {meant}"

    def teardown(self) -> None:
        """All is well again: everything arrives, and nothing stays open."""
        self.fates.heal()
        for _ in range(HEALING_RUNS):
            if self._all_is_done():
                break
            self.fates.pass_time(60)
            self.house.loop.run_until_complete(self._carry())
            self.never_twice_and_in_order()
        for thread in self.said:
            shown, meant = self._shown(thread), self._meant(thread)
            assert shown == meant, f"{thread}: {shown}, but {meant} was said"
        assert self.store.open_intents(NAME) == []
        add(self.fates.met)

    def _all_is_done(self) -> bool:
        there = all(self._shown(t) == self._meant(t) for t in self.said)
        return there and not self.fates.due and not self.store.open_intents(NAME)


MET: dict[str, int] = {}


def add(met: dict[str, int]) -> None:
    """Count what the examples have met, so that it can be shown that the faults were really there."""
    for name, count in met.items():
        MET[name] = MET.get(name, 0) + count


def every_fate() -> Iterable[str]:
    """The names that ``MET`` must hold after enough examples."""
    return [
        *(f"write {f}" for f in WRITE_FATES), *(f"read {f}" for f in READ_FATES), *(f"store {f}" for f in STORE_FATES)
    ]  # fmt: skip
