"""Schedulers that die before and after every call to the store and to the broker."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from sedano import ids
from sedano.beat.loop import Scheduler
from sedano.beat.outbox import SPARE
from sedano.testing.messages import publication
from tests.unit.beat.stage import Stage

#: After so long others publish what a dead scheduler has left. Seconds.
PATIENCE = 2.0 + SPARE
ENTRIES = ("tidy", "report", "count")
PERIOD, LASTS = 5, 60


class Died(BaseException):
    """The scheduler's process has gone."""


class Life:
    """Ends with a call of this number, before it or after it."""

    def __init__(self, calls: int, *, after: bool) -> None:
        self._calls = calls
        self._after = after

    def of(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def lived(*args: Any, **kwargs: Any) -> Any:
            self._calls -= 1
            if self._calls == 0 and not self._after:
                raise Died
            answer = call(*args, **kwargs)
            if self._calls == 0:
                raise Died
            return answer

        return lived


class Mortal:
    """A store, in the life of one scheduler."""

    def __init__(self, ticks: Any, life: Life) -> None:
        self._ticks = ticks
        self._life = life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ticks, name)
        return self._life.of(found) if callable(found) else found


def mortal(stage: Stage, life: Life, *, outbox: bool) -> Scheduler:
    """A scheduler that dies, and its store and broker with which others go on."""
    ticks, publish = stage.ticks, life.of(stage.broker.publish)
    stage.ticks = Mortal(ticks, life)  # type: ignore[assignment]
    try:
        return stage.scheduler(outbox=outbox, publish=publish)
    finally:
        stage.ticks = ticks


@pytest.mark.parametrize("outbox", [False, True], ids=["in one step", "in two steps"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_wherever_a_scheduler_dies_every_run_is_started_and_none_twice(outbox: bool, after: bool) -> None:
    deaths = 0
    while live_and_die(deaths + 1, outbox=outbox, after=after):
        deaths += 1
    assert deaths > 30


def live_and_die(calls: int, *, outbox: bool, after: bool) -> bool:
    """A minute of one scheduler that dies and one that does not; False if the first has not died either."""
    stage = Stage()
    stage.prepare = lambda entry: publication(f"{entry.name} {ids.task_id()}")
    for name in ENTRIES:
        stage.write(name, PERIOD)
    dying = mortal(stage, Life(calls, after=after), outbox=outbox)
    other = stage.scheduler(outbox=outbox)
    has_died = False
    for _ in range(LASTS * 2):
        stage.clock.advance(0.5)
        if not has_died:
            try:
                dying.turn()
            except Died:
                has_died = True
        other.turn()
    stage.pass_time(PATIENCE + 1.5, other)

    published = Counter(stage.started())
    runs = Counter(message.partition(" ")[0] for message in published)
    assert runs == dict.fromkeys(ENTRIES, LASTS // PERIOD)
    assert {name: state.runs for name, state in stage.ticks.states(ENTRIES, now=0).items()} == runs
    assert stage.ticks.unpublished(limit=10) == []
    # A message is there twice only if the scheduler died between publishing it and noting that.
    assert max(published.values()) <= 1 + outbox
    assert published.total() - len(published) <= len(ENTRIES)
    return has_died
