"""The main job between two servers of every habit (docs/protocol.md), versions 4, 5 and 6, over real HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.billmanager import Limits
from tests.habit_pairs import RELEASES, VERSIONS, Combination, covering, of_side, parameters
from tests.http_desk import HttpDesk
from tests.main_job import MainJob
from tests.three_billings import three_billings

PARTS = 12
README = Path(__file__).parents[2] / "README.md"

# As little as possible is as the emulator's defaults have it.
STRANGER = {
    "department_names": "name", "state": "words", "author": "nobody", "realnames": "shared", "notes": "ticketnote",
    "note_ids": "equal", "info_row": "bare", "system_rows": "bare", "groups": "one", "thread_order": "newest_first",
    "total": "wrong", "sort": "ignored", "extra_columns": "many", "utc_times": "absent", "whoami": "missing",
    "content_type": "text", "form_posts": "redirected_session_gone", "dead_session": "html", "new_id": "list",
}  # fmt: skip


class PatientDesk(HttpDesk):
    """A desk that no busy machine makes late, nor a limit of logins: each run must carry what was said before it."""

    limits = Limits(read_seconds=60.0, write_seconds=60.0, connect_seconds=30.0, logins_a_minute=100)


class LimitedDesk(HttpDesk):
    """The same, with the product's own limit of logins a minute."""

    limits = Limits(read_seconds=60.0, write_seconds=60.0, connect_seconds=30.0)


async def done(folder: Path, combination: Combination) -> None:
    """The whole main job between two servers of this combination."""
    (main_version, main), (acme_version, acme) = (of_side(combination, side) for side in ("main", "acme"))
    with three_billings(
        folder,
        main_version=main_version or VERSIONS["4"][0],
        acme_version=acme_version or VERSIONS["4"][0],
        main_habits=main,
        acme_habits=acme,
        departments_by_number=main.get("v4_category") == "absent",
    ) as world:
        desk = PatientDesk(world)
        try:
            await MainJob(desk).whole()
        finally:
            await desk.aclose()


@pytest.mark.thorough("seven seconds of CPU time; what a client reads and writes with each habit is in `make test`")
@pytest.mark.parametrize("types", ["by_direction", "by_viewer"])
@pytest.mark.parametrize("responsible", ["name", "bare_id", "employee_with_form"])
async def test_the_main_job_is_done_between_strangers(tmp_path: Path, responsible: str, types: str) -> None:
    """Two servers that differ from the emulator's defaults in nearly everything are served like any others."""
    main = {f"main {habit}": answer for habit, answer in (STRANGER | {"types": types}).items()}
    acme = {f"acme {habit}": answer for habit, answer in (STRANGER | {"responsible": responsible}).items()}
    versions = {"main version": "5.350.1", "acme version": "6.94.1"}
    await done(tmp_path, main | acme | versions)


@pytest.mark.thorough("about 180 combinations of three to six seconds each")
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("group", VERSIONS)
async def test_the_main_job_is_done_for_every_pair_of_answers(tmp_path: Path, group: str, part: int) -> None:
    """Whatever two answers a server, or two servers, have: everything crosses once, no note, and then nothing."""
    wrong = []
    for number, combination in list(enumerate(covering(group)))[part::PARTS]:
        (folder := tmp_path / str(number)).mkdir()
        try:
            await done(folder, combination)
        except Exception as error:  # all are told together, each with its combination
            unusual = {name: answer for name, answer in combination.items() if answer != parameters(group)[name][0]}
            wrong.append(f"{RELEASES[group]}/{number}: {type(error).__name__}: {error}\n{unusual}")
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.thorough("seven seconds of CPU time each; a form that is redirected is in the contract's habits")
@pytest.mark.parametrize("side", ["main", "acme"])
async def test_redirects_that_end_the_session_cost_no_more_logins_than_are_allowed(tmp_path: Path, side: str) -> None:
    """Under the product's own limit of logins the main job is done where a plain form is redirected and ends the
    session."""
    ends = {"form_posts": "redirected_session_gone"}
    with three_billings(tmp_path, **{f"{side}_habits": ends}) as world:
        desk = LimitedDesk(world)
        try:
            await MainJob(desk).whole()
        finally:
            await desk.aclose()


@pytest.mark.thorough("the combinations are worked out for the tests above, which are thorough")
def test_the_readme_says_how_many_combinations_are_tried() -> None:
    """The figure that a reader sees first is the one of this file."""
    tried = sum(len(covering(group)) for group in VERSIONS)
    assert f"in {tried} combinations" in README.read_text()
