"""A stage for schedulers: a broker in memory, entries, and a clock that the test turns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sedano.beat.entry import Entry, read_entry
from sedano.beat.loop import Scheduler
from sedano.beat.outbox import Outbox
from sedano.brokers.memory.broker import MemoryBroker
from sedano.brokers.publication import Publication
from sedano.brokers.ticks import TickStore
from sedano.clock import Clock
from sedano.testing.clock import ManualClock
from sedano.testing.messages import publication

DAY = 86_400.0


class Ahead:
    """Another machine's clock: ahead of the stage's by so many seconds."""

    def __init__(self, clock: ManualClock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self.monotonic = clock.monotonic

    def timestamp(self) -> float:
        return self._clock.timestamp() + self._seconds

    def now(self) -> Any:
        raise NotImplementedError


class Stage:
    """A memory broker, entries, and schedulers that share both; each message's id is its entry's name."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.broker = MemoryBroker(clock=self.clock)
        self.ticks: TickStore = self.broker.ticks
        self.entries: dict[str, Entry] = {}
        self.prepare: Callable[[Entry], Publication] = lambda entry: publication(entry.name)
        #: How schedulers with an outbox publish.
        self.publish: Callable[[Sequence[Publication]], None] = self.broker.publish

    def write(self, name: str, schedule: Any, **more: Any) -> None:
        self.entries[name] = read_entry(name, {"task": "tests.tidy", "schedule": schedule, **more}, app=None)
        self.ticks.write(name, b"", now=self.clock.timestamp())

    def scheduler(
        self,
        *,
        clock: Clock | None = None,
        entries: Mapping[str, Entry] | None = None,
        outbox: bool = False,
        publish: Callable[[Sequence[Publication]], None] | None = None,
    ) -> Scheduler:
        clock = clock or self.clock
        known = self.entries if entries is None else entries
        out = Outbox(self.ticks, publish=publish or (lambda some: self.publish(some)), clock=clock)
        return Scheduler(
            self.ticks,
            read_entries=lambda: list(known.values()),
            prepare=lambda entry: self.prepare(entry),
            clock=clock,
            outbox=out if outbox else None,
        )

    def pass_time(self, seconds: float, *schedulers: Scheduler, step: float = 0.25) -> None:
        """Let time pass in steps, each scheduler taking a turn after each of them."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            for scheduler in schedulers:
                scheduler.turn()

    def started(self) -> list[str]:
        """What was published since the last look."""
        found = [message.task_id for message in self.broker.admin.peek("celery", limit=10_000)]
        self.broker.admin.purge("celery")
        return found
