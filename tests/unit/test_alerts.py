"""Events and alerts by themselves: what is news, whom it is worth calling for, and how often."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesupport.core.connections.alert_memory import Memory
from remotesupport.core.connections.alert_words import event_of
from remotesupport.core.connections.alerts import CALM, Alert, Cause, Limits, Phase, Quiet, decide, problems
from remotesupport.core.connections.board import board
from remotesupport.core.connections.connection_state import WAITS, ConnectionState, Failure, State, standing
from remotesupport.core.connections.seen import Certificate, Seen
from remotesupport.core.connections.state_events import changes
from remotesupport.core.model import ChangeKind, Side
from remotesupport.core.records import ParkedChange

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LIMITS = Limits()
Failures = dict[str, tuple[Failure, Side | None]]


@dataclass
class World:
    """Connections over time: one run a minute, and what is told after each."""

    names: Sequence[str]
    now: datetime = START
    memory: Memory = field(default_factory=Memory)
    known: dict[str, ConnectionState] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    calls: int = 0

    def minute(
        self,
        failing: Failures | None = None,
        *,
        quiet: bool = False,
        parked: Iterable[ParkedChange] = (),
        talks: Iterable[int] = (),
        certificates: tuple[Certificate, ...] = (),
    ) -> Seen:
        """One run, in which these connections fail and all others are read."""
        self.now += MINUTE
        waiting = tuple(parked)
        for name in self.names:
            self._run(name, *(failing or {}).get(name, (Failure.NONE, None)), waiting)
        seen = Seen(
            board(self.names, self.known.values(), self.now, self.now, waiting), self.now, self.now, waiting,
            frozenset(talks), certificates,
        )  # fmt: skip
        events, known = changes(self.memory.known, seen, LIMITS.certificate_days)
        alerts, left = decide(self.memory.open, problems(seen, LIMITS, self.memory.open), self.now, quiet)
        self.memory = Memory.of_json(json.loads(json.dumps(Memory(known, tuple(left)).to_json())))
        self.alerts += alerts
        self.events += [event.name for event in [*events, *(event_of(alert, seen) for alert in alerts)]]
        return seen

    def _run(self, name: str, failure: Failure, side: Side | None, parked: tuple[ParkedChange, ...]) -> None:
        mine = [p for p in parked if p.connection == name]
        before = self.known.get(name, ConnectionState(name))
        now = replace(
            before, last_run=self.now, failure=failure, failed_side=side, stopped_why=f"{failure}", parked=len(mine)
        )
        if failure in WAITS:
            now = replace(now, last_read=self.now, pending_since=before.pending_since or self.now)
        if failure is Failure.NONE:
            pending = min((p.since for p in mine), default=None)
            now = replace(now, last_read=self.now, pending_since=pending, stopped_why="")
            now = now if mine else replace(now, last_good=self.now)
        state = standing(name, now, self.now, self.now).state
        since = before.state_since if state is before.state else self.now
        self.known[name] = replace(now, state=state, state_since=since)

    def minutes(self, count: int, failing: Failures | None = None, **more: object) -> None:
        """So many of them."""
        for _ in range(count):
            self.minute(failing, **more)  # type: ignore[arg-type]

    @property
    def told(self) -> list[tuple[Cause, Phase, tuple[str, ...]]]:
        """The alerts so far."""
        return [(a.cause, a.phase, tuple(one.problem.billing for one in a.problems)) for a in self.alerts]


def parked(number: int, since: datetime, billing: str = "acme") -> ParkedChange:
    """A change that waits."""
    return ParkedChange(billing, "7", None, ChangeKind.POST, f"k{number}", "words", since, 1, None, "r", number)


DOWN = (Failure.UNREACHABLE, Side.EXTERNAL)
MAIN_DOWN = (Failure.UNREACHABLE, Side.MAIN)
REFUSED = (Failure.ACCESS, Side.EXTERNAL)


def test_nothing_is_told_while_nothing_changes() -> None:
    """Runs that find everything as it was make no event and no alert."""
    world = World(["acme", "globex"])
    world.minutes(30)
    assert (world.events, world.alerts) == ([], [])
    world.minutes(2, {"acme": DOWN})
    before = list(world.events)
    world.minute({"acme": DOWN})
    assert world.events == before == ["remotesupport.billing.unreachable"]


def test_a_billing_that_is_down_is_one_alert_in_time_and_one_recovery() -> None:
    """From the last good run to the alert it is the configured minutes, and half a one at most; each is told once."""
    world = World(["acme"])
    world.minutes(3)
    pulled = world.now
    while not world.alerts:
        world.minute({"acme": DOWN})
    assert timedelta(0) <= world.now - pulled - LIMITS.behind <= timedelta(seconds=30)
    world.minutes(600, {"acme": DOWN})
    world.minutes(600)
    assert world.told == [(Cause.BEHIND, Phase.RAISED, ("acme",)), (Cause.BEHIND, Phase.ENDED, ("acme",))]
    assert [e for e in world.events if ".alert." not in e] == [
        "remotesupport.billing.unreachable",
        "remotesupport.billing.recovered",
    ]


def test_a_short_absence_calls_nobody() -> None:
    """A billing that is back within the minutes of the configuration makes events, and no alert."""
    world = World(["acme"])
    for _ in range(10):
        world.minutes(5)
        world.minutes(3, {"acme": DOWN})
    assert world.alerts == []
    assert len(world.events) == 19


def test_ten_billings_down_because_main_is_are_one_alert() -> None:
    """One event and one alert tell that the main billing fails everybody, and one each of its end."""
    names = [f"b{n}" for n in range(10)]
    world = World(names)
    world.minutes(3)
    world.minutes(60, dict.fromkeys(names, MAIN_DOWN))
    world.minutes(60)
    assert [told[:2] for told in world.told] == [(Cause.MAIN, Phase.RAISED), (Cause.MAIN, Phase.ENDED)]
    assert world.events == [
        "remotesupport.main.unreachable",
        "remotesupport.alert.main.raised",
        "remotesupport.main.recovered",
        "remotesupport.alert.main.ended",
    ]


def test_a_billing_that_is_down_itself_is_told_beside_main() -> None:
    """One of them that does not answer itself is an alert of its own, whatever main does."""
    names = ["acme", "globex", "initech"]
    world = World(names)
    world.minutes(3)
    world.minutes(60, {"acme": DOWN, "globex": MAIN_DOWN, "initech": MAIN_DOWN})
    assert sorted(world.told) == [(Cause.BEHIND, Phase.RAISED, ("acme",)), (Cause.MAIN, Phase.RAISED, ("",))]


def test_a_billing_told_of_before_main_failed_is_not_over_with_it() -> None:
    """A problem that was told stays open while main is in the way: no end is told that nobody has seen."""
    names = ["acme", "globex"]
    world = World(names)
    world.minutes(3)
    world.minutes(10, {"acme": DOWN})
    world.minutes(10, dict.fromkeys(names, MAIN_DOWN))
    assert (Cause.BEHIND, Phase.ENDED, ("acme",)) not in world.told
    world.minutes(10)
    assert world.told.count((Cause.BEHIND, Phase.ENDED, ("acme",))) == 1


def test_billings_that_fail_alike_in_one_minute_are_one_alert() -> None:
    """Of one cause there is one message a minute, which names them all."""
    names = ["acme", "globex", "initech"]
    world = World(names)
    world.minutes(3)
    world.minutes(60, dict.fromkeys(names, DOWN))
    assert world.told == [(Cause.BEHIND, Phase.RAISED, tuple(names))]


def test_a_refused_login_is_told_at_once() -> None:
    """A problem that no waiting mends is told after the run that has seen it."""
    world = World(["acme", "globex"])
    world.minutes(3)
    world.minute({"acme": REFUSED, "globex": (Failure.FATAL, Side.EXTERNAL)})
    assert world.told == [(Cause.ACCESS, Phase.RAISED, ("acme",)), (Cause.STOPPED, Phase.RAISED, ("globex",))]
    assert world.events[:2] == ["remotesupport.billing.access", "remotesupport.billing.stopped"]


def test_a_problem_that_comes_and_goes_each_minute_is_one_alert() -> None:
    """There is never an alert a minute: an end is told only when it has lasted."""
    world = World(["acme"])
    world.minutes(3)
    for _ in range(30):
        world.minute({"acme": REFUSED})
        world.minute()
    assert world.told == [(Cause.ACCESS, Phase.RAISED, ("acme",))]


def test_what_is_paused_calls_nobody() -> None:
    """A person who has paused a billing is not called for it."""
    world = World(["acme"])
    world.minutes(3)
    world.known["acme"] = replace(world.known["acme"], paused=True)
    world.minutes(30, {"acme": DOWN})
    assert world.alerts == []
    assert world.events == ["remotesupport.billing.paused"]


@pytest.mark.parametrize(("failure", "told"), [(Failure.PARKED, False), (Failure.INCOMPLETE, True)])
def test_a_parked_change_hides_nothing_else_that_waits(failure: Failure, told: bool) -> None:
    """A billing that is behind for more than its parked changes is told as behind, however old those are."""
    world = World(["acme"])
    world.minutes(3)
    world.minutes(60, {"acme": (failure, None)}, parked=[parked(1, world.now - timedelta(days=7))])
    assert ((Cause.BEHIND, Phase.RAISED, ("acme",)) in world.told) is told


def test_parked_changes_are_told_after_an_hour_and_not_as_being_behind() -> None:
    """A billing that is behind for its parked changes alone is one alert, when the oldest is an hour old."""
    world = World(["acme"])
    world.minutes(3)
    waiting = [parked(1, world.now), parked(2, world.now)]
    world.minutes(59, parked=waiting)
    assert world.alerts == []
    world.minutes(120, parked=waiting)
    world.minutes(10)
    assert world.told == [(Cause.PARKED, Phase.RAISED, ("acme",)), (Cause.PARKED, Phase.ENDED, ("acme",))]
    assert world.events.count("remotesupport.ticket.parked") == 1


def test_two_machines_that_talk_are_told_at_once() -> None:
    """A ticket in which two machines may be answering each other is an alert of its own, and its own event."""
    world = World(["acme"])
    world.minutes(3)
    world.minutes(90, parked=[parked(1, world.now)], talks=[1])
    assert world.told == [(Cause.MACHINE_TALK, Phase.RAISED, ("acme",))]
    assert "remotesupport.ticket.machine_talk" in world.events
    assert "remotesupport.ticket.parked" not in world.events


def test_a_certificate_is_told_once_and_over_when_it_is_renewed() -> None:
    """A certificate that ends soon is told when it becomes so; a new one ends the alert."""
    world = World(["acme"])
    world.minutes(3)
    far, near = (Certificate("acme", world.now + timedelta(days=days)) for days in (90, 20))
    world.minutes(10, certificates=(far,))
    world.minutes(300, certificates=(near,))
    world.minutes(10, certificates=(far,))
    assert world.told == [(Cause.CERTIFICATE, Phase.RAISED, ("acme",)), (Cause.CERTIFICATE, Phase.ENDED, ("acme",))]
    assert world.events.count("remotesupport.billing.certificate") == 1


def test_in_quiet_hours_nobody_is_called_and_afterwards_everything_is_told_once() -> None:
    """Quiet hours keep alerts: what still stands afterwards is told then, what came and went is told as past."""
    world = World(["acme", "globex", "initech"])
    world.minutes(3)
    world.minutes(30, {"acme": REFUSED}, quiet=True)
    world.minutes(30, {"globex": REFUSED}, quiet=True)
    assert world.alerts == []
    world.minutes(10, {"globex": REFUSED})
    assert world.told == [(Cause.ACCESS, Phase.RAISED, ("globex",)), (Cause.ACCESS, Phase.PAST, ("acme",))]


def test_an_end_in_quiet_hours_is_told_after_them() -> None:
    """Somebody who was called before the quiet hours hears of the end, once, when they are over."""
    world = World(["acme"])
    world.minutes(3)
    world.minutes(3, {"acme": REFUSED})
    world.minutes(60, quiet=True)
    assert len(world.alerts) == 1
    world.minutes(60)
    assert world.told == [(Cause.ACCESS, Phase.RAISED, ("acme",)), (Cause.ACCESS, Phase.ENDED, ("acme",))]


def test_the_first_run_after_a_night_off_calls_nobody() -> None:
    """After a time without any run a billing that fails for the first time is no alert yet; that runs go on is told."""
    world = World(["acme"])
    world.minutes(3)
    world.now += 8 * HOUR
    world.minute({"acme": DOWN})
    assert world.alerts == []
    assert "remotesupport.run.resumed" in world.events


def test_quiet_hours_may_lie_over_midnight() -> None:
    """From 22 to 7 is the night, and from 7 to 22 the day."""
    night, day = Quiet(time(22), time(7)), Quiet(time(7), time(22))
    for hour in range(24):
        assert night.holds(time(hour)) is (hour >= 22 or hour < 7)
        assert day.holds(time(hour)) is not night.holds(time(hour))


def test_an_alert_says_what_happened_to_whom_and_what_to_do() -> None:
    """The subject names cause and billing, the text the state's own words and an exact command."""
    world = World(["acme", "globex"])
    world.minutes(3)
    seen = world.minute({"acme": REFUSED})
    payload = event_of(world.alerts[0], seen).payload
    assert payload["subject"] == "remotesupport: acme: a login is refused"
    assert "acme: for 0 s (since 2026-11-23 09:04 UTC): access" in payload["text"]
    assert "`remotesupport check --billing acme`" in payload["text"]
    world.minutes(5)
    ended = event_of(world.alerts[1], world.minute()).payload
    assert ended["subject"] == "remotesupport: over: acme: a login is refused"
    assert ended["text"] == "acme: over after 1 min, since 2026-11-23 09:05 UTC; now: ok"


STATES = st.sampled_from([(Failure.NONE, None), DOWN, MAIN_DOWN, REFUSED, (Failure.GUARD, None)])
NIGHTS = st.lists(st.tuples(STATES, STATES, st.booleans(), st.integers(1, 9)), max_size=12)


@given(NIGHTS)
def test_every_alert_ends_once_and_no_two_of_one_problem_are_open(
    night: list[tuple[object, object, bool, int]],
) -> None:
    """Whatever happens: raised and ended alternate for each problem, nothing is told in quiet hours, and when all has
    been well for a while nothing is open."""
    world = World(["acme", "globex"])
    for acme, globex, quiet, minutes in night:
        before = len(world.alerts)
        world.minutes(minutes, {"acme": acme, "globex": globex}, quiet=quiet)  # type: ignore[dict-item]
        assert len(world.alerts) == before or not quiet
    world.minutes(2 + int(CALM / MINUTE))
    open_now: set[tuple[Cause, str]] = set()
    for alert in world.alerts:
        for key in (one.problem.key for one in alert.problems):
            assert (key in open_now) is (alert.phase is Phase.ENDED)
            if alert.phase is Phase.RAISED:
                open_now.add(key)
            open_now -= {key} if alert.phase is Phase.ENDED else set()
    assert open_now == set()
    assert world.memory.open == ()


def test_what_was_told_is_read_back_as_it_was_stored() -> None:
    """The memory is the same after a day in the store; what is not readable counts as nothing told."""
    world = World(["acme", "globex"])
    world.minutes(3)
    world.minutes(9, {"acme": DOWN, "globex": REFUSED})
    stored = json.loads(json.dumps(world.memory.to_json()))
    assert Memory.of_json(stored) == world.memory
    assert world.memory.known.states == {"acme": State.UNREACHABLE, "globex": State.ACCESS}
    assert Memory.of_json(None) == Memory.of_json({"states": 1}) == Memory()
