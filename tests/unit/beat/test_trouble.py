"""Schedulers in trouble: brokers that go away, odd schedules, clocks and code that do not agree."""

import logging
import math
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sedano.beat.entry import Entry
from sedano.beat.loop import BATCH, Scheduler
from sedano.beat.missed import due_moments, next_moment
from sedano.brokers.broker import Broker
from sedano.brokers.opening import open_broker
from sedano.brokers.publication import Publication
from sedano.clock import SystemClock
from sedano.errors import BrokerUnavailable
from sedano.schedules import BaseSchedule, crontab, schedule
from sedano.testing.messages import publication
from tests.unit.beat.stage import Ahead, Stage


class Whim(BaseSchedule):
    """A schedule of the user's own."""

    human_readable = "at times"

    def __init__(self, answer: Callable[[datetime], Any]) -> None:
        super().__init__()
        self.next_after = answer  # type: ignore[method-assign]

    def next_after(self, moment: datetime) -> datetime | None:
        raise NotImplementedError


@pytest.fixture
def stage() -> Stage:
    return Stage()


def raises(moment: datetime) -> datetime:
    raise RuntimeError("the calendar cannot be reached")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (raises, "the calendar cannot be reached"),
        (lambda moment: moment, "later than the one"),
        (lambda moment: moment - timedelta(days=1), "later than the one"),
        (lambda moment: datetime(2020, 1, 1, tzinfo=UTC), "later than the one"),
        (lambda moment: moment.replace(tzinfo=None) + timedelta(seconds=5), "with a time zone"),
        (lambda moment: "tomorrow", "AttributeError"),
    ],
)
def test_a_schedule_that_misbehaves_is_named_once_and_the_others_go_on(
    stage: Stage, caplog: pytest.LogCaptureFixture, answer: Any, says: str
) -> None:
    stage.write("odd", Whim(answer))
    stage.write("tidy", 5)
    scheduler = stage.scheduler()

    with caplog.at_level(logging.ERROR):
        scheduler.turn()
        stage.pass_time(200, scheduler, step=1)

    assert stage.started() == ["tidy"] * 40
    (record,) = caplog.records
    assert "'odd' cannot be run" in record.message
    assert says in record.message


def test_a_schedule_that_stumbles_is_asked_again(stage: Stage) -> None:
    begin = stage.clock.timestamp()

    def answer(moment: datetime) -> datetime:
        if stage.clock.timestamp() < begin + 90:
            raise RuntimeError("not yet")
        return moment + timedelta(seconds=100)

    stage.write("odd", Whim(answer))
    scheduler = stage.scheduler()
    scheduler.turn()

    stage.pass_time(300, scheduler, step=1)

    assert stage.started() == ["odd"] * 3


def test_a_schedule_that_raises_while_its_entry_seems_to_lie_in_the_future_harms_nobody(stage: Stage) -> None:
    stage.write("odd", Whim(raises))
    stage.write("tidy", 5)
    stage.clock.set_wall_time(stage.clock.timestamp() - 3600)
    scheduler = stage.scheduler()

    stage.pass_time(100, scheduler)

    assert len(stage.started()) in (18, 19, 20)


def test_a_due_moment_is_never_the_one_before() -> None:
    entry = Entry(name="tidy", task="tests.tidy", schedule=schedule(1))
    # Clocks tell finer times than schedules do.
    for since in (1_800_000_000.0 + step * 2.0**-22 for step in range(200)):
        first = next_moment(entry.schedule, since)
        assert first is not None

        for now in (first, math.nextafter(first, math.inf), first + 1e-6):
            (due,) = due_moments(entry, since, now)
            assert since < due.moment <= now


# -- entries that come and go


def test_an_entry_that_is_removed_while_a_tick_of_it_comes_stays_forgotten(stage: Stage) -> None:
    stage.write("tidy", 0.5)
    stage.write("other", 0.5)
    scheduler = stage.scheduler()
    scheduler.turn()

    del stage.entries["tidy"]
    stage.ticks.remove("tidy")
    stage.pass_time(3, scheduler)

    assert set(stage.started()) == {"other"}
    assert not stage.ticks.pause("tidy", now=0)


def test_schedulers_that_know_other_entries_start_what_they_know(stage: Stage) -> None:
    for name in ("both", "old", "new"):
        stage.write(name, 5)
    entries = stage.entries
    old = stage.scheduler(entries={name: entries[name] for name in ("both", "old")})
    new = stage.scheduler(entries={name: entries[name] for name in ("both", "new")})
    for scheduler in (old, new):
        scheduler.turn()

    stage.pass_time(52, old, new)

    started = stage.started()
    assert {name: started.count(name) for name in started} == {"both": 10, "old": 10, "new": 10}


def test_schedulers_with_another_rule_for_an_entry_start_no_moment_twice(stage: Stage) -> None:
    stage.write("tidy", 60)
    before = dict(stage.entries)
    stage.write("tidy", crontab())
    old, new = stage.scheduler(entries=before), stage.scheduler()
    for scheduler in (old, new):
        scheduler.turn()

    stage.pass_time(600, old, new, step=1)

    assert len(stage.started()) in (10, 11)


def test_five_thousand_entries_are_started_in_one_turn(stage: Stage) -> None:
    for number in range(5000):
        stage.write(f"tidy {number}", 3600)
    schedulers = [stage.scheduler() for _ in range(2)]
    for scheduler in schedulers:
        scheduler.turn()

    stage.clock.advance(3600)
    for scheduler in schedulers:
        scheduler.turn()

    started = stage.started()
    assert len(started) == len(set(started)) == 5000


# -- clocks


@pytest.mark.parametrize("rule", [schedule(10), crontab()], ids=repr)
def test_clocks_that_are_seconds_apart_start_nothing_twice(stage: Stage, rule: Any) -> None:
    stage.write("tidy", rule)
    first, *others = [stage.scheduler(clock=Ahead(stage.clock, seconds)) for seconds in (5, 0, -5)]
    for scheduler in (first, *others):
        scheduler.turn()
    period = 10 if isinstance(rule, schedule) else 60

    stage.pass_time(600, first, *others)
    assert abs(len(stage.started()) - 600 // period) <= 1
    stage.pass_time(600, *others)
    assert abs(len(stage.started()) - 600 // period) <= 1


# -- brokers


class Shop:
    """A SQLite broker that can be blocked, as by a process that hangs in a transaction."""

    def __init__(self, path: Path) -> None:
        self.broker: Broker = open_broker(f"sqlite:///{path}", publish_timeout=timedelta(milliseconds=50))
        self.broker.admin.queues()
        self._blocker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.entries: list[Entry] = []
        self.on_prepare: Callable[[], None] = lambda: None

    def scheduler(self) -> Scheduler:
        def prepare(entry: Entry) -> Publication:
            self.on_prepare()
            return publication()

        assert self.broker.ticks is not None
        return Scheduler(
            self.broker.ticks, read_entries=lambda: self.entries, prepare=prepare, clock=SystemClock()
        )

    def block(self) -> None:
        self._blocker.execute("BEGIN IMMEDIATE")

    def unblock(self) -> None:
        self._blocker.execute("ROLLBACK")

    def started(self) -> int:
        return len(self.broker.admin.peek("celery", limit=10_000))

    def runs(self) -> int:
        assert self.broker.ticks is not None
        states = self.broker.ticks.states([entry.name for entry in self.entries], now=0)
        return sum(state.runs for state in states.values())

    def close(self) -> None:
        self._blocker.close()
        self.broker.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "queue.db")
    yield shop
    shop.close()


def test_a_broker_that_goes_away_in_the_middle_of_many_ticks_gets_each_of_them_once(shop: Shop) -> None:
    count = 2 * BATCH + 50
    # Their first moment is a minute ago: in a minute nothing else is due.
    shop.entries = [
        Entry(name=f"tidy {number}", task="tests.tidy", schedule=schedule(3600)) for number in range(count)
    ]
    assert shop.broker.ticks is not None
    shop.broker.ticks.states([one.name for one in shop.entries], now=SystemClock().timestamp() - 3660)
    prepared = 0

    def block_in_between() -> None:
        nonlocal prepared
        prepared += 1
        if prepared == BATCH + 10:
            shop.block()

    shop.on_prepare = block_in_between
    scheduler = shop.scheduler()

    with pytest.raises(BrokerUnavailable):
        scheduler.turn()
    shop.unblock()
    assert shop.started() == BATCH
    scheduler.turn()

    assert shop.started() == shop.runs() == count


def test_what_is_due_while_the_broker_is_away_runs_when_it_is_back(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.entries = [
        Entry(name="once", task="tests.tidy", schedule=schedule(0.3)),
        Entry(name="each", task="tests.tidy", schedule=schedule(0.3), missed="all", grace=60.0),
    ]
    assert shop.broker.ticks is not None
    begin = SystemClock().timestamp()
    shop.broker.ticks.states(["once", "each"], now=begin)
    scheduler = shop.scheduler()
    thread = threading.Thread(target=scheduler.run)
    thread.start()
    look_again = threading.Event()

    def wait_for(condition: Callable[[], bool]) -> None:
        for _ in range(3000):
            if condition():
                return
            look_again.wait(0.01)
        raise AssertionError("it never came")

    try:
        wait_for(lambda: shop.started() >= 2)
        shop.block()
        wait_for(lambda: "Trying again" in caplog.text)
        look_again.wait(1.0)
        shop.unblock()
        before = shop.started()
        wait_for(lambda: shop.started() >= before + 8)
    finally:
        scheduler.stop()
        thread.join()

    states = shop.broker.ticks.states(["once", "each"], now=0)
    assert states["each"].runs == round((states["each"].since - begin) / 0.3)
    assert states["once"].runs < states["each"].runs
    assert shop.started() == shop.runs()


def test_an_unforeseen_error_does_not_end_a_scheduler(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.write("tidy", 3600)
    stage.clock.advance(3600)
    scheduler = Scheduler(
        stage.ticks,
        read_entries=lambda: answers.pop()(),
        prepare=lambda entry: publication(entry.name),
        published=lambda _: scheduler.stop(),
        clock=stage.clock,
    )

    def fail() -> list[Entry]:
        raise ZeroDivisionError

    answers: list[Callable[[], list[Entry]]] = [lambda: list(stage.entries.values()), fail, fail]

    scheduler.run()

    assert stage.started() == ["tidy"]
    assert [record.message for record in caplog.records] == [
        "The scheduler failed, and tries again: ZeroDivisionError()"
    ]
