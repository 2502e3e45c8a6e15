"""``check`` says what each server does: before anything is known, once it is, and when it contradicts itself."""

from __future__ import annotations

from pathlib import Path

from remotesupport.steps.operator.check import check_connection
from remotesupport.steps.operator.check_row import CheckRow, Part
from tests.http_desk import HttpDesk, http_desk
from tests.main_job import MainJob
from tests.three_billings import three_billings


async def rows_of(desk: HttpDesk) -> dict[str, CheckRow]:
    """The rows of the part on servers, by their names."""
    connection, store = desk.context.connections["acme"], desk.context.store
    evidence = store.habit_evidence("acme")
    found = await check_connection(connection, desk.context.settings.main, evidence=evidence)
    return {row.check: row for row in found if row.part is Part.SERVER}


async def test_check_says_what_is_known_and_what_will_be_learned(tmp_path: Path) -> None:
    """Before the first ticket a habit that only a write shows is not seen yet; afterwards its answer and count are."""
    with three_billings(tmp_path, main_habits={"types": "by_direction"}, acme_habits={"responsible": "name"}) as world:
        async with http_desk(world) as desk:
            before = await rows_of(desk)
            assert before["main habit types"].ok
            assert before["main habit types"].detail.startswith("not seen yet; told by")
            await MainJob(desk).to_main()
            after = await rows_of(desk)
            assert after["main habit types"].detail.startswith("by_direction (seen ")
            assert after["external habit responsible"].detail.startswith("name (seen ")
            assert "of 12 are known" in after["external habits"].detail


async def test_check_names_the_habit_that_cannot_be_told(tmp_path: Path) -> None:
    """Where no ticket says its department, or its state, the row fails, names a ticket, and a person is needed."""
    for habit, answer in (("responsible", "employee"), ("state", "lists")):
        (folder := tmp_path / habit).mkdir()
        with three_billings(folder, acme_habits={habit: answer}) as world:
            world.acme.act(as_="ivan", do="open", department="Technical support", subject="s", text="t")
            async with http_desk(world) as desk:
                row = (await rows_of(desk))[f"external habit {habit}"]
                assert (row.ok, row.person) == (False, True)
                assert "cannot be told: ticket 1015" in row.detail
                assert "remotesupport habits --billing acme" in row.cure


async def test_check_says_both_answers_of_a_server_that_changed(tmp_path: Path) -> None:
    """An answer that contradicts what was learned fails the row with both answers and the command that decides."""
    with three_billings(tmp_path, main_habits={"types": "by_direction"}) as world:
        async with http_desk(world) as desk:
            job = MainJob(desk)
            await job.to_main()
            world.main.core.habits.choose({"types": "by_viewer"})
            world.acme.act(as_="ivan", do="reply", ticket=job.ticket, text="after the update")
            await desk.run()
            row = (await rows_of(desk))["main habit types"]
            assert not row.ok
            assert "by_direction (seen" in row.detail
            assert "is now by_viewer" in row.detail
            assert "remotesupport habits accept types=" in row.cure
