"""The scheduler's loop, turn by turn, on a clock that the test turns."""

import logging
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import FrameType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sedano.beat.entry import Entry
from sedano.beat.loop import Scheduler
from sedano.brokers.publication import Publication
from sedano.errors import ConfigurationError
from sedano.schedules import clocked, crontab
from sedano.testing.clock import ManualClock
from sedano.testing.messages import publication
from tests.unit.beat.stage import DAY, Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_an_interval_begins_when_the_entry_is_first_seen(stage: Stage) -> None:
    stage.write("tidy", 30)
    scheduler = stage.scheduler()
    scheduler.turn()

    stage.pass_time(29.75, scheduler)
    assert stage.started() == []
    stage.pass_time(0.25, scheduler)
    assert stage.started() == ["tidy"]
    stage.pass_time(60, scheduler)
    assert stage.started() == ["tidy", "tidy"]


def test_an_interval_longer_than_the_time_between_restarts_is_kept(stage: Stage) -> None:
    stage.write("weekly", timedelta(days=7))
    runs = []
    for restart in range(4 * 15):
        scheduler = stage.scheduler()
        scheduler.turn()
        stage.pass_time(6 * 3600, scheduler, step=900)
        runs += [restart * 0.25 for _ in stage.started()]

    assert runs == [6.75, 13.75]


def test_an_interval_keeps_its_rhythm_however_late_its_runs_are(stage: Stage) -> None:
    stage.write("tidy", 10)
    scheduler = stage.scheduler()
    scheduler.turn()

    stage.pass_time(105, scheduler, step=7)

    assert len(stage.started()) == 10
    state = stage.broker.ticks.states(["tidy"], now=0)["tidy"]
    assert (state.since - ManualClock().timestamp()) % 10 == 0


def test_of_many_schedulers_one_starts_each_tick(stage: Stage) -> None:
    for number in range(20):
        stage.write(f"tidy {number}", 1)
    schedulers = [stage.scheduler() for _ in range(5)]
    for scheduler in schedulers:
        scheduler.turn()

    stage.pass_time(30, *schedulers)

    started = stage.started()
    assert {name: started.count(name) for name in started} == {f"tidy {n}": 30 for n in range(20)}


def test_another_scheduler_goes_on_when_the_busy_one_is_gone(stage: Stage) -> None:
    stage.write("tidy", 1)
    first, second = stage.scheduler(), stage.scheduler()
    for scheduler in (first, second):
        scheduler.turn()

    stage.pass_time(10, first, second)
    stage.pass_time(10, second)

    assert len(stage.started()) == 20


@pytest.mark.parametrize(("missed", "runs"), [("once", 1), ("skip", 0), ("all", 4)])
def test_runs_that_were_missed_are_made_up_for_as_the_entry_says(
    stage: Stage, missed: str, runs: int
) -> None:
    stage.write("report", 3600, missed=missed)
    stage.scheduler().turn()

    stage.clock.advance(4 * 3600 + 1800)
    scheduler = stage.scheduler()
    scheduler.turn()

    assert len(stage.started()) == runs
    stage.pass_time(1800, scheduler)
    assert stage.started() == ["report"]


def test_a_run_later_than_the_grace_is_left_out(stage: Stage) -> None:
    stage.write("report", 3600, grace=600)
    stage.scheduler().turn()

    stage.clock.advance(3600 + 601)
    stage.scheduler().turn()

    assert stage.started() == []


def test_where_all_missed_runs_count_those_beyond_the_grace_do_not(stage: Stage) -> None:
    stage.write("report", 3600, missed="all", grace=2 * 3600)
    stage.scheduler().turn()

    stage.clock.advance(10 * 3600)
    stage.scheduler().turn()

    assert len(stage.started()) == 3


def test_very_many_missed_runs_are_made_up_for_turn_by_turn(stage: Stage) -> None:
    stage.write("count", 1, missed="all")
    stage.scheduler().turn()

    stage.clock.advance(1000)
    scheduler = stage.scheduler()
    pauses = [scheduler.turn() for _ in range(11)]

    assert len(stage.started()) == 1000
    assert pauses[:9] == [0.0] * 9


def test_a_year_of_missed_minutes_is_one_run(stage: Stage) -> None:
    stage.write("beat", crontab())
    stage.scheduler().turn()

    stage.clock.advance(365 * DAY + 30)
    stage.scheduler().turn()

    assert stage.started() == ["beat"]
    since = stage.broker.ticks.states(["beat"], now=0)["beat"].since
    assert stage.clock.timestamp() - since == 30


def test_a_moment_comes_once(stage: Stage) -> None:
    stage.write("launch", clocked(stage.clock.now() + timedelta(hours=1)))
    scheduler = stage.scheduler()
    scheduler.turn()

    stage.pass_time(2 * 3600, scheduler, step=60)

    assert stage.started() == ["launch"]


def test_a_clock_that_is_set_forward_misses_runs_as_a_pause_does(stage: Stage) -> None:
    stage.write("tidy", 10)
    scheduler = stage.scheduler()
    scheduler.turn()

    stage.clock.set_wall_time(stage.clock.timestamp() + 3600)
    scheduler.turn()

    assert stage.started() == ["tidy"]


def test_a_clock_that_is_set_back_repeats_nothing_that_ran(stage: Stage) -> None:
    stage.write("nightly", crontab(minute=0, hour=13))
    scheduler = stage.scheduler()
    scheduler.turn()
    stage.pass_time(3600, scheduler, step=60)
    assert stage.started() == ["nightly"]

    stage.clock.set_wall_time(stage.clock.timestamp() - 2 * 3600)
    stage.pass_time(4 * 3600, scheduler, step=60)

    assert stage.started() == []


def test_an_interval_goes_on_after_a_clock_was_set_back(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.write("tidy", 10)
    scheduler = stage.scheduler()
    scheduler.turn()

    stage.clock.set_wall_time(stage.clock.timestamp() - 30 * DAY)
    stage.pass_time(100, scheduler)

    assert len(stage.started()) in (9, 10)
    assert "The entry 'tidy' was last run in the future" in caplog.text


def test_a_crontab_at_a_time_that_the_clock_leaves_out_runs_once(stage: Stage) -> None:
    rome = ZoneInfo("Europe/Rome")
    stage.clock.advance_to(datetime(2028, 3, 25, 12, tzinfo=UTC))
    stage.write("night", crontab(minute=30, hour=2), timezone="Europe/Rome")
    scheduler = stage.scheduler()
    scheduler.turn()

    stage.clock.advance_to(datetime(2028, 3, 26, 0, tzinfo=rome))
    stage.pass_time(6 * 3600, scheduler, step=60)

    assert stage.started() == ["night"]


def test_a_crontab_at_a_time_that_the_clock_shows_twice_runs_once(stage: Stage) -> None:
    rome = ZoneInfo("Europe/Rome")
    stage.clock.advance_to(datetime(2028, 10, 28, 12, tzinfo=UTC))
    stage.write("night", crontab(minute=30, hour=2), timezone="Europe/Rome")
    scheduler = stage.scheduler()
    scheduler.turn()

    stage.clock.advance_to(datetime(2028, 10, 29, 0, tzinfo=rome))
    stage.pass_time(6 * 3600, scheduler, step=60)

    assert stage.started() == ["night"]


def test_a_paused_entry_does_not_run_and_nothing_is_made_up_for(stage: Stage) -> None:
    stage.write("tidy", 10)
    scheduler = stage.scheduler()
    scheduler.turn()
    ticks = stage.broker.ticks

    assert ticks.pause("tidy", now=stage.clock.timestamp())
    stage.pass_time(100, scheduler)
    assert stage.started() == []

    ticks.resume("tidy", now=stage.clock.timestamp())
    stage.pass_time(10, scheduler)
    assert len(stage.started()) in (0, 1)
    stage.pass_time(10, scheduler)
    assert stage.started() != []


def test_an_entry_that_is_written_at_run_time_is_taken_up(stage: Stage) -> None:
    scheduler = stage.scheduler()
    scheduler.turn()

    stage.write("new", 5)
    stage.pass_time(7, scheduler)

    assert stage.started() == ["new"]


def test_an_entry_that_is_taken_away_runs_no_more(stage: Stage) -> None:
    stage.write("tidy", 5)
    scheduler = stage.scheduler()
    scheduler.turn()

    del stage.entries["tidy"]
    stage.broker.ticks.remove("tidy")
    stage.pass_time(20, scheduler)

    assert stage.started() == []


def test_an_entry_that_cannot_be_run_is_named_once_and_the_others_go_on(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    def prepare(entry: Entry) -> Publication:
        if entry.name == "broken":
            raise ConfigurationError("no task is registered as 'proj.gone'")
        return publication(entry.name)

    stage.prepare = prepare
    stage.write("broken", 5)
    stage.write("tidy", 5)
    scheduler = stage.scheduler()
    scheduler.turn()

    with caplog.at_level(logging.ERROR):
        stage.pass_time(20, scheduler)

    assert stage.started() == ["tidy"] * 4
    (record,) = caplog.records
    assert "'broken' cannot be run" in record.message
    assert "no task is registered as 'proj.gone'" in record.message


def test_an_entry_that_was_repaired_runs_at_its_next_moment(stage: Stage) -> None:
    def prepare(entry: Entry) -> Publication:
        if stage.clock.timestamp() % 100 <= 50:
            raise ConfigurationError("not yet")
        return publication(entry.name)

    stage.prepare = prepare
    stage.write("tidy", 5)
    scheduler = stage.scheduler()
    scheduler.turn()

    stage.pass_time(100, scheduler)

    assert 8 <= len(stage.started()) <= 11


def test_a_change_is_looked_for_every_second_whatever_is_due(stage: Stage) -> None:
    # After a turn for its tick the next one would be due 1.9 seconds after the last look.
    stage.write("tidy", 0.95)
    scheduler = stage.scheduler()
    scheduler.turn()
    pauses = 0.0
    looks = [0.0]
    changes = stage.ticks.changes

    class Looked:
        """The store, which notes when it is asked for changes."""

        def __getattr__(self, name: str) -> Any:
            return getattr(stage.broker.ticks, name)

        def changes(self) -> int:
            looks.append(pauses)
            return changes()

    stage.ticks = Looked()  # type: ignore[assignment]
    scheduler = stage.scheduler()
    while pauses < 30:
        pause = scheduler.turn()
        stage.clock.advance(pause)
        pauses += pause

    assert max(later - look for look, later in pairwise(looks)) <= 1.001


def test_a_scheduler_ends_wherever_a_signal_interrupts_it(stage: Stage) -> None:
    line = 0
    while True:
        line += 1
        scheduler = Scheduler(
            stage.ticks, read_entries=list, prepare=stage.prepare, clock=stage.clock, longest_pause=0.001
        )
        if not stopped_at_line(scheduler, line):
            break

    assert line > 50


def stopped_at_line(scheduler: Scheduler, line: int) -> bool:
    """Run the scheduler, and stop it from within when so many lines have been run, as handlers of signals do.

    Returns:
        False if it did not come so far in its first turns: it was stopped then.
    """
    lines = turns = 0
    stopped = False

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines, turns, stopped
        lines += event == "line"
        turns += event == "call" and frame.f_code.co_name == "turn"
        if not stopped and (lines == line or turns == 3):
            stopped = True
            sys.settrace(None)
            scheduler.stop()
        return trace if not stopped else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        scheduler.run()
    finally:
        sys.settrace(before)
    return turns < 3
