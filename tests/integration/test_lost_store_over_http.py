"""A store that was lost between servers that show what they do only while tickets are read: that is lost, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from remotesupport.core.run import BillingState
from remotesupport.steps.operator.rebuild_links import LinksResult, rebuild_links
from tests.http_desk import HttpDesk, crossed_once, http_desk
from tests.three_billings import ThreeBillings, texts, three_billings

pytestmark = pytest.mark.thorough("two seconds of CPU time each; a store that is lost is in `make test`")

EMPTY = "another.sqlite3"


@contextmanager
def v4_that_cannot_close(folder: Path) -> Iterator[ThreeBillings]:
    """Tickets in main begin with a notice, so that they do not say by themselves which type of message is ours."""
    with three_billings(folder, acme_version="4.0.68") as world:
        world.acme.act(do="rights", login="support-robot", functions=[])
        yield world


def opened(world: ThreeBillings) -> str:
    """A ticket of acme with one message of its client."""
    order = {"subject": "s", "department": "Technical support", "text": "E1"}
    return str(world.acme.act(as_="ivan", do="open", **order)["ticket"])


async def rebuilt(desk: HttpDesk) -> LinksResult:
    """The line of acme."""
    (line,) = (await rebuild_links(desk.context, ("acme",))).billings
    return line


async def test_one_rebuild_is_enough_where_nothing_is_known_of_the_servers(tmp_path: Path) -> None:
    """After a loss, one rebuild learns what main's server does, reads every thread, and knows what has crossed."""
    with v4_that_cannot_close(tmp_path) as world:
        ticket = opened(world)
        async with http_desk(world) as desk:
            await desk.run()
            copy = world.copy(f"[acme #{ticket}]")
            world.main.act(as_="anna", do="reply", ticket=copy, text="M1")
            await desk.drain()
        async with http_desk(world, url=f"sqlite:///{tmp_path / EMPTY}") as desk:
            line = await rebuilt(desk)
            assert (line.state, line.unread, line.linked, line.recognised) == (BillingState.OK, 0, 1, 2)
            assert not [written for report in await desk.drain() for written in report.billings if written.written]
            crossed_once(world.main, copy, ["E1"])
            crossed_once(world.acme, ticket, ["M1"])


async def test_a_rebuild_by_a_new_process_knows_what_was_learned(tmp_path: Path) -> None:
    """A rebuild in a process that has read nothing yet reads each thread as the runs before it did."""
    with v4_that_cannot_close(tmp_path) as world:
        opened(world)
        async with http_desk(world) as desk:
            await desk.drain()
            await desk.context.aclose()
            desk.context = desk.open()
            line = await rebuilt(desk)
            assert (line.kept, line.unread, line.forgotten) == (1, 0, 0)


async def test_an_answer_reaches_a_closed_ticket_that_an_employee_holds_after_a_loss(tmp_path: Path) -> None:
    """A closed external ticket whose row names an employee is asked for where main carries it: nothing is lost."""
    with three_billings(tmp_path) as world:
        ticket = opened(world)
        async with http_desk(world) as desk:
            await desk.drain()
            world.acme.act(as_="olga", do="take", ticket=ticket)
            world.acme.act(as_="olga", do="reply", ticket=ticket, text="E2")
            world.acme.act(as_="ivan", do="archive", ticket=ticket)
            await desk.drain()
        copy = world.copy(f"[acme #{ticket}]")
        world.main.act(as_="anna", do="reply", ticket=copy, text="M1")
        async with http_desk(world, url=f"sqlite:///{tmp_path / EMPTY}") as desk:
            await desk.drain()
        crossed_once(world.acme, ticket, ["M1"])
        crossed_once(world.main, copy, ["E1", "E2"])


async def test_main_is_looked_at_twice_before_anything_is_created_on_an_empty_ledger(tmp_path: Path) -> None:
    """A main billing that shows empty lists for a moment, just after a loss, gets no second copies."""
    with three_billings(tmp_path) as world:
        ticket = opened(world)
        async with http_desk(world) as desk:
            await desk.drain()
        async with http_desk(world, url=f"sqlite:///{tmp_path / EMPTY}") as desk:
            world.main.fault(func="clientticket", count=1, empty_list=True)
            world.main.fault(func="clientticket_archive", count=1, empty_list=True)
            await desk.run()
            world.main.fault(clear=True)
            await desk.drain()
        assert len(world.copies(f"[acme #{ticket}]")) == 1


@pytest.mark.parametrize("answer", [{"truncate": True}, {"status": 503}, {"html": True}])
async def test_words_of_the_other_staff_are_not_ours_because_one_answer_was_cut_off(
    tmp_path: Path, answer: dict[str, object]
) -> None:
    """After a loss, a list of employees that is not given once leaves nobody taken for us: their words cross too."""
    with three_billings(tmp_path) as world:
        ticket = opened(world)
        async with http_desk(world) as desk:
            await desk.drain()
        copy = world.copy(f"[acme #{ticket}]")
        world.acme.act(as_="olga", do="reply", ticket=ticket, text="E2")
        world.main.act(as_="anna", do="reply", ticket=copy, text="M1")
        async with http_desk(world, url=f"sqlite:///{tmp_path / EMPTY}") as desk:
            world.acme.fault(func="employee", count=1, **answer)
            await desk.drain()
        crossed_once(world.main, copy, ["E1", "E2"])
        assert [text for text in texts(world.acme, ticket) if "M1" in text] == ["M1"]
