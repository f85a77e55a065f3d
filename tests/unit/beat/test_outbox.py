"""Runs that are published after they were claimed, where the claim cannot publish them."""

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from sedano import ids
from sedano.beat.outbox import SPARE, Outbox
from sedano.brokers.publication import Publication
from sedano.errors import BrokerError, BrokerUnavailable
from sedano.testing.messages import publication
from tests.unit.beat.stage import Ahead, Stage

#: Publishing may take 2 s.
PATIENCE = 2.0 + SPARE


class Died(BaseException):
    """The scheduler's process has gone."""


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.prepare = lambda entry: publication(f"{entry.name} {ids.task_id()}")
    return stage


def away(publications: Sequence[Publication]) -> None:
    raise BrokerUnavailable("tests", "it is away")


def die(publications: Sequence[Publication]) -> None:
    raise Died


def names(stage: Stage) -> list[str]:
    """The entries whose runs were published since the last look. None was published twice."""
    found = stage.started()
    assert len(found) == len(set(found))
    return [one.partition(" ")[0] for one in found]


def test_what_was_claimed_is_published_and_forgotten(stage: Stage) -> None:
    stage.write("tidy", 5)
    scheduler = stage.scheduler(outbox=True)
    scheduler.turn()

    stage.pass_time(20, scheduler)

    assert names(stage) == ["tidy"] * 4
    assert stage.ticks.unpublished(limit=10) == []
    assert stage.ticks.states(["tidy"], now=0)["tidy"].runs == 4


def test_of_many_schedulers_one_starts_each_tick(stage: Stage) -> None:
    for number in range(20):
        stage.write(f"tidy{number}", 1)
    schedulers = [stage.scheduler(outbox=True) for _ in range(5)]
    for scheduler in schedulers:
        scheduler.turn()

    stage.pass_time(30, *schedulers)

    started = names(stage)
    assert {name: started.count(name) for name in started} == {f"tidy{n}": 30 for n in range(20)}


def test_while_the_broker_is_away_nothing_more_is_claimed(stage: Stage) -> None:
    stage.write("tidy", 5)
    scheduler = stage.scheduler(outbox=True)
    scheduler.turn()
    publish, stage.publish = stage.publish, away

    for _ in range(60):
        stage.clock.advance(1)
        try:
            scheduler.turn()
        except BrokerUnavailable:
            continue
    assert stage.ticks.states(["tidy"], now=0)["tidy"].runs == 1
    stage.publish = publish
    scheduler.turn()

    # The one that had been claimed, and one for all that were missed.
    assert names(stage) == ["tidy"] * 2
    stage.pass_time(5, scheduler)
    assert names(stage) == ["tidy"]


def test_what_a_scheduler_had_claimed_when_it_died_another_one_publishes(stage: Stage) -> None:
    stage.write("tidy", 3600)
    stage.write("other", 1800)
    dying, *others = [stage.scheduler(outbox=True) for _ in range(4)]
    for scheduler in (dying, *others):
        scheduler.turn()
    publish, stage.publish = stage.publish, die
    stage.clock.advance(3600)
    with pytest.raises(Died):
        dying.turn()
    (one, two) = stage.ticks.unpublished(limit=10)
    stage.publish = publish

    stage.pass_time(PATIENCE, *others)
    assert stage.started() == []
    stage.pass_time(2, *others)

    assert sorted(stage.started()) == sorted([one.publication.task_id, two.publication.task_id])
    assert stage.ticks.unpublished(limit=10) == []


def test_what_two_schedulers_died_with_a_third_one_publishes(stage: Stage) -> None:
    stage.write("tidy", 3600)
    first, second, third = [stage.scheduler(outbox=True) for _ in range(3)]
    for scheduler in (first, second, third):
        scheduler.turn()
    publish, stage.publish = stage.publish, die
    stage.clock.advance(3600)
    with pytest.raises(Died):
        first.turn()
    with pytest.raises(Died):
        stage.pass_time(PATIENCE + 2, second)
    stage.publish = publish

    stage.pass_time(PATIENCE + 2, third)

    assert names(stage) == ["tidy"]
    assert stage.ticks.unpublished(limit=10) == []


def test_what_is_published_slowly_is_not_taken_for_left_behind(stage: Stage) -> None:
    for number in range(20):
        stage.write(f"tidy{number}", 3600)
    # Each goes a way of its own, and so with a publication of its own.
    stage.prepare = lambda entry: publication(f"{entry.name} {ids.task_id()}", queue=entry.name)
    slow, other = stage.scheduler(outbox=True), stage.scheduler(outbox=True, entries={})
    for scheduler in (slow, other):
        scheduler.turn()
    publish, sent = stage.publish, []

    def note(publications: Sequence[Publication]) -> None:
        sent.extend(one.task_id for one in publications)
        publish(publications)

    def publish_slowly(publications: Sequence[Publication]) -> None:
        stage.publish = note
        stage.pass_time(0.5, other)
        stage.publish = publish_slowly
        note(publications)

    stage.publish = publish_slowly
    stage.clock.advance(3600)
    slow.turn()
    stage.pass_time(10, slow, other)

    assert len(sent) == len(set(sent)) == 20


def test_a_scheduler_that_was_frozen_after_its_claim_does_not_publish_what_another_has_published(
    stage: Stage,
) -> None:
    stage.write("tidy", 3600)
    frozen, other = stage.scheduler(outbox=True), stage.scheduler(outbox=True, entries={})
    for scheduler in (frozen, other):
        scheduler.turn()
    claim = stage.broker.ticks.claim

    def claim_and_freeze(*args: Any, **kwargs: Any) -> list[bool]:
        claimed = claim(*args, **kwargs)
        stage.pass_time(PATIENCE + 2, other)
        return claimed

    stage.broker.ticks.claim = claim_and_freeze  # type: ignore[method-assign]
    stage.clock.advance(3600)
    frozen.turn()

    assert names(stage) == ["tidy"]
    assert stage.ticks.unpublished(limit=10) == []


def test_others_wait_as_long_as_publishing_may_take(stage: Stage) -> None:
    stage.write("tidy", 3600)
    dying = stage.scheduler(outbox=True)
    outbox = Outbox(stage.ticks, publish=stage.broker.publish, publish_timeout=30.0, clock=stage.clock)
    dying.turn()
    stage.publish = die
    stage.clock.advance(3600)
    with pytest.raises(Died):
        dying.turn()

    for seconds, published in ((0.0, 0), (30.5, 0), (1.0, 1)):
        stage.clock.advance(seconds)
        outbox.catch_up(stage.clock.timestamp())
        assert len(names(stage)) == published


def test_what_had_been_published_by_one_that_died_is_there_twice_under_one_id(stage: Stage) -> None:
    stage.write("tidy", 3600)
    dying, other = stage.scheduler(outbox=True), stage.scheduler(outbox=True)
    for scheduler in (dying, other):
        scheduler.turn()
    publish = stage.publish

    def publish_and_die(publications: Sequence[Publication]) -> None:
        publish(publications)
        raise Died

    stage.publish = publish_and_die
    stage.clock.advance(3600)
    with pytest.raises(Died):
        dying.turn()
    stage.publish = publish
    stage.pass_time(PATIENCE + 2, other)

    first, second = stage.started()
    assert first == second


def test_clocks_that_do_not_agree_publish_nothing_twice(stage: Stage) -> None:
    for number in range(10):
        stage.write(f"tidy{number}", 1)
    busy = stage.scheduler(outbox=True)
    onlookers = [
        stage.scheduler(outbox=True, clock=Ahead(stage.clock, seconds), entries={}) for seconds in (30, -30)
    ]
    publish = stage.publish

    def publish_while_others_look(publications: Sequence[Publication]) -> None:
        for scheduler in onlookers:
            scheduler.turn()
        publish(publications)

    stage.publish = publish_while_others_look
    busy.turn()
    stage.pass_time(20, busy)

    assert len(names(stage)) == 200


def test_what_cannot_be_published_is_left_out_and_the_rest_is_not(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    publish = stage.publish

    def refuse_some(publications: Sequence[Publication]) -> None:
        if any(one.task_id.startswith("lost") for one in publications):
            raise BrokerError("there is no such exchange")
        publish(publications)

    stage.publish = refuse_some
    stage.write("lost", 5)
    stage.write("tidy", 5)
    scheduler = stage.scheduler(outbox=True)
    scheduler.turn()

    with caplog.at_level(logging.ERROR):
        stage.pass_time(5, scheduler)

    assert names(stage) == ["tidy"]
    assert stage.ticks.unpublished(limit=10) == []
    (record,) = caplog.records
    assert "cannot be published, and is left out: there is no such exchange" in record.message


def test_what_was_published_while_the_store_went_away_is_not_published_again(stage: Stage) -> None:
    class Failing:
        """The store, whose ``published`` fails once."""

        def __init__(self) -> None:
            self.fails = True

        def __getattr__(self, name: str) -> object:
            if name == "published" and self.fails:
                self.fails = False
                raise BrokerUnavailable("tests", "it went away")
            return getattr(stage.broker.ticks, name)

    stage.write("tidy", 5)
    stage.ticks = Failing()  # type: ignore[assignment]
    scheduler = stage.scheduler(outbox=True)
    scheduler.turn()
    stage.clock.advance(5)

    with pytest.raises(BrokerUnavailable):
        scheduler.turn()
    stage.pass_time(4, scheduler)

    assert names(stage) == ["tidy"]
    assert stage.ticks.unpublished(limit=10) == []
