"""Two workers at the same second on one PostgreSQL: one of them writes, nothing is written twice."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from tests.http_desk import crossed_once
from tests.postgres_server import PostgresServer
from tests.three_billings import far, texts, three_billings
from tests.two_workers import work

pytest_plugins = ("tests.database_fixtures",)
pytestmark = pytest.mark.thorough("fifty rounds of two processes take a minute of CPU time")
ROUNDS = 50


def test_fifty_rounds_of_two(tmp_path: Path, postgres: PostgresServer) -> None:
    """Fifty times two runs at once, with new messages each time: every message crosses once and in order."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.two_workers", "tests.warm"])
    together, answers = context.Barrier(3), context.Queue()
    url = postgres.new_database()
    with three_billings(tmp_path) as world:
        with (tmp_path / "remotesupport.toml").open("a") as more:
            more.write("\n[guard]\nmessages_an_hour = 0\n")  # they answer as quickly as two machines
        said: list[str] = []
        answered: list[str] = []
        ticket = str(
            world.acme.act(as_="ivan", do="open", department="Technical support", subject="s", text="E<0>")["ticket"]
        )
        workers = [
            context.Process(target=work, args=(far(world), url, together, answers, ROUNDS), daemon=True)
            for _ in range(2)
        ]
        for worker in workers:
            worker.start()
        words = []
        for number in range(1, ROUNDS + 1):
            together.wait(60)
            together.wait(60)
            words += [line for _ in workers for line in answers.get(timeout=60)]
            said.append(f"E<{number}>")
            world.acme.act(as_="ivan", do="reply", ticket=ticket, text=said[-1])
            if world.copies(f"[acme #{ticket}]"):
                answered.append(f"M<{number}>")
                world.main.act(as_="anna", do="reply", ticket=world.copy(f"[acme #{ticket}]"), text=answered[-1])
        for worker in workers:
            worker.join(60)
        assert [worker.exitcode for worker in workers] == [0, 0]
        # What was said after the last round waits for the next minute.
        crossed_once(world.main, world.copy(f"[acme #{ticket}]"), ["E<0>", *said[:-1]])
        crossed_once(world.acme, ticket, answered[:-1])
        assert len(texts(world.acme, ticket)) == 1 + len(said) + len(answered) - 1
        assert any("another run holds" in reason for _, _, reason, _ in words)
        assert {state for _, state, _, _ in words} <= {"ok", "skipped"}
        assert answers.empty()
