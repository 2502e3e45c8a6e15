"""The laws of the benchmarks: every candidate does the same work, ratios are over a named peer, output is complete."""

from __future__ import annotations

import importlib
import inspect
import json
import random
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from benchmarks import __main__ as command
from benchmarks import bell, cold, day, day_marks, diff, fleet, paper
from benchmarks.day_picture import picture
from benchmarks.measure import Sample, figures, interleaved
from benchmarks.snapshots import KEY, pair
from benchmarks.table import Table, against


def test_the_snapshots_differ_by_what_was_planted():
    """0.1 % of the rows are new, gone and changed each, over 12 columns."""
    both = pair(2_000)
    assert both.planted == (2, 2, 2)
    assert both.old.shape == both.new.shape == (2_000, 12)
    assert set(both.new[KEY]) ^ set(both.old[KEY]) == {"0", "1", "2000", "2001"}


def test_candidates_take_turns_and_the_order_shifts():
    """A noisy moment never hits one candidate alone."""
    seen: list[str] = []

    def candidate(name: str):
        def once() -> Sample:
            seen.append(name)
            return Sample(1.0, 0.5)

        return once

    measured = interleaved({name: candidate(name) for name in "abc"}, rounds=3)
    assert "".join(seen) == "abc" + "abc" + "bca" + "cab"
    assert [f.rounds for f in measured.values()] == [3, 3, 3]


def test_figures_are_medians_with_the_spread():
    """One slow round moves the highest value and not the median."""
    found = figures([Sample(1.0, 0.1), Sample(9.0, 0.3), Sample(2.0, 0.2)])
    assert (found.median, found.low, found.high, found.cpu) == (2.0, 1.0, 9.0, 0.2)


def test_nothing_measured_is_an_error():
    """No figures come from no rounds."""
    with pytest.raises(ValueError, match="nothing"):
        figures([])


def test_ratios_are_over_the_named_peer():
    """The peer's own ratio is one."""
    measured = {"ours": figures([Sample(3.0, 1.0)]), "peer": figures([Sample(2.0, 1.0)])}
    table = Table("A title", "peer", tuple(against("peer", measured)), ("a note",))
    assert [row["ratio"] for row in table.to_json()["rows"]] == [1.5, 1.0]
    text = table.text()
    for part in ("A title", "x peer", "ours", "1.50", "a note"):
        assert part in text


def test_the_diff_is_measured_against_polars_in_the_same_run():
    """Quick or not, the table has the product's ratio to the best polars join."""
    table = diff.run(quick=True)
    ratios = {row.name: row.ratio for row in table.rows}
    assert ratios[diff.OURS] > 0
    assert min(ratios[diff.JOIN], ratios[diff.LAZY]) == 1.0


def test_every_peer_finds_the_same_rows():
    """A candidate that does less would win for nothing."""
    both = pair(3_000, seed=7)
    assert diff.ours(both) == both.planted


def test_the_command_prints_one_json_document(capsys):
    """Scripts read the figures without parsing a table."""
    assert command.main(["diff", "--quick", "--json"]) == 0
    (outcome,) = json.loads(capsys.readouterr().out)["benchmarks"]
    assert outcome["benchmark"] == "diff"
    assert outcome["rows"][0]["name"] == diff.OURS


@pytest.mark.parametrize("name", command.NAMES + command.LONG)
def test_every_benchmark_says_what_it_measures_and_has_a_quick_mode(name):
    """What the command names can be run, small or whole."""
    module = importlib.import_module(f"benchmarks.{command.MODULES.get(name, name)}")
    assert inspect.signature(module.run).parameters["quick"].default is False
    assert "gainst" in module.__doc__


def test_the_way_to_the_first_request_is_timed_and_the_process_ended():
    """A process that would wait for an answer for ever is ended at its first byte."""
    with cold.listening() as ear:
        ask = f"import urllib.request; urllib.request.urlopen('{ear.url}')"
        sample = ear.first_request([sys.executable, "-I", "-c", ask], {})
    assert sample.cpu > 0
    assert 0 < sample.wall < cold.PATIENCE_S


def test_the_configuration_of_the_emulated_billings_is_one_that_a_user_could_write(tmp_path):
    """The product reads it without a complaint, and no password stands in it."""
    urls = {name: f"http://127.0.0.1:{port}/billmgr" for port, name in enumerate(("main", "a-1", "b-2"), start=1)}
    with httpx.Client() as doors:
        settings, environ = fleet.configuration(fleet.Fleet(urls, doors), tmp_path)
    assert [external.name for external in settings.enabled()] == ["a-1", "b-2"]
    assert "demo-" not in Path(environ["REMOTESUPPORT_CONFIG"]).read_text(encoding="utf-8")


def test_the_95th_percentile_is_a_measured_value():
    """Of a hundred rings the fifth slowest does not count any more, and of one it is that one."""
    samples = [Sample(float(n), 0.0) for n in range(100, 0, -1)]
    assert bell.percentile(samples, 0.95) == 95.0
    assert bell.percentile(samples[:1], 0.95) == 100.0


def marks(**last: int) -> list[day_marks.Mark]:
    """A day that grows by nothing but its history, and by what is said."""
    still = {"worker_memory": 200_000_000, "server_memory": 300_000_000, "worker_files": 40, "server_files": 30}
    ends = {"failed": 0, "skipped": 0, "late": 0, "latest_s": 0.5}
    sizes = [{"store_bytes": n * 2_000, "prefect_bytes": n * 120_000} for n in (100, 700, 1440)]
    days = [
        day_marks.Mark(n, n * 2.0, **still, **size, **ends) for n, size in zip((100, 700, 1440), sizes, strict=True)
    ]
    return [*days[:-1], replace(days[-1], **last)]


def test_a_day_is_marked_at_each_hundredth_run_and_at_its_end():
    """A short one is marked six times, so that it has a first hour, a middle and an end."""
    assert day.marked_at(1440) == [*range(100, 1401, 100), 1440]
    assert day.marked_at(12) == [2, 4, 6, 8, 10, 12]


def test_history_that_is_kept_is_no_growth():
    """A database that takes the same for each run meets the aim, however large it gets."""
    assert {row.more["met"] for row in day_marks.rows("sqlite", marks())} == {"yes"}


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("worker_memory", 211_000_000),
        ("server_memory", 316_000_000),
        ("worker_files", 43),
        ("server_files", 32),
        ("store_bytes", 3_000_000),
        ("prefect_bytes", 180_000_000),
    ],
)
def test_what_grows_by_more_than_a_twentieth_in_a_day_is_named(what, value):
    """One measure that grows misses the aim by itself; of a database, more for each run counts."""
    missed = [row.name for row in day_marks.rows("sqlite", marks(**{what: value})) if row.more["met"] == "NO"]
    assert len(missed) == 1


def test_a_days_marks_are_read_as_they_were_written(tmp_path):
    """Two days that were measured one after the other make one plot."""
    day_marks.write(tmp_path / "build" / "day.csv", marks())
    assert day_marks.read(tmp_path / "build" / "day.csv") == marks()
    drawn = ET.fromstring(picture({"sqlite": marks(), "postgresql": marks(server_files=31)}))
    lines = [line for line in drawn.iter() if line.tag.endswith("polyline")]
    assert len(lines) == 2 * 2 * 3
    assert all(len(line.attrib["points"].split()) == len(marks()) for line in lines)


def test_a_wrong_name_is_refused_with_the_right_ones(capsys):
    """Usage errors end with status 2 and say what there is."""
    with pytest.raises(SystemExit) as left:
        command.main(["dif"])
    assert left.value.code == 2
    assert "diff" in capsys.readouterr().err


def test_runs_on_one_core_share_it_evenly():
    """Two of 10 s that are due together end after 20 s; one of 2 s that comes while one of 10 s goes on needs 4 s."""
    together = paper.on_one_core([(0.0, 10.0, 0), (0.0, 10.0, 1)])
    assert sorted(together) == [(0.0, 0, pytest.approx(20.0)), (0.0, 1, pytest.approx(20.0))]
    later = paper.on_one_core([(0.0, 10.0, 0), (5.0, 2.0, 1)])
    assert sorted(later) == [(0.0, 0, pytest.approx(12.0)), (5.0, 1, pytest.approx(9.0))]


def test_what_is_planned_on_paper_is_not_late_when_it_is_lived():
    """With the planned workers no simulated run is late; with half of them most are, where there are several."""
    slopes = paper.Slopes(connection=0.0075, run=0.04, to_main=1.0, to_external=2.0, rows=12.0, kb=2.0)
    planned = paper.on_paper(slopes, 10_000, 1_000_000)
    lived = paper.simulated(slopes, 10_000, planned.workers, planned.shards, random.Random(1))
    half = paper.simulated(slopes, 10_000, planned.workers // 2, planned.shards // 2, random.Random(1))
    assert (planned.workers, lived.late) == (4, 0.0)
    assert half.late > 0.5
