"""The scheduler: sees entries become due, and has each due moment run once, however many of it there are.

Run by ``sedano beat``, and beside workers with ``-B``. It keeps no state of its own: what was run is in the
``TickStore``, where each moment is claimed in the step that publishes its message. Never runs a task.
"""

import contextlib
import heapq
import logging
import queue
import random
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from sedano.backoff import ExponentialBackoff
from sedano.beat.beginnings import states_of
from sedano.beat.entry import Entry
from sedano.beat.missed import due_moments, is_impossible, next_moment
from sedano.beat.outbox import Outbox
from sedano.brokers.publication import Publication
from sedano.brokers.ticks import EntryState, Tick, TickStore
from sedano.clock import Clock
from sedano.errors import BrokerError

logger = logging.getLogger("sedano.beat")

#: How often to look for entries that were changed, and at the clock, which may have been set. Seconds.
LOOK_EVERY: Final = 1.0
#: Ticks in one claim.
BATCH: Final = 250
#: A schedule of the user's own that raises is asked again after so many seconds.
ASK_AGAIN: Final = 60.0
#: A scheduler that came second lets the first one go ahead by so much, the next time: there is one claim for
#: each tick then, and not one from every scheduler. Seconds, from and to.
STAND_BACK: Final = (0.05, 0.15)

#: Makes the message of an entry that is due. Raises what is wrong with the entry.
Preparer = Callable[[Entry], Publication]


class _Planned(NamedTuple):
    """When an entry is due next. An older plan of the same entry has another number."""

    due: float
    entry: str
    number: int


class _Line(msgspec.Struct):
    """An entry, and what is known of it."""

    entry: Entry
    state: EntryState
    number: int = 0


class Scheduler:
    """The loop. ``turn`` does what is to be done now; ``run`` takes turns until it is stopped.

    Args:
        read_entries: Reads the entries, those of the store among them.
        changes: Unequal to the one before when they have to be read anew. By default the store's own.
        prepare: Makes messages.
        published: Told of the messages that were published by claims.
        outbox: Publishes what was claimed, where claims cannot.
        longest_pause: The most seconds between two turns; 0 leaves it to the scheduler.
    """

    def __init__(
        self,
        ticks: TickStore,
        *,
        read_entries: Callable[[], Iterable[Entry]],
        changes: Callable[[], object] | None = None,
        prepare: Preparer,
        clock: Clock,
        published: Callable[[Sequence[Publication]], None] = lambda _: None,
        outbox: Outbox | None = None,
        longest_pause: float = 0.0,
    ) -> None:
        self._ticks = ticks
        self._read_entries = read_entries
        self._read_changes = changes or ticks.changes
        self._prepare = prepare
        self._published = published
        self._outbox = outbox
        self._clock = clock
        self._longest_pause = min(longest_pause or LOOK_EVERY, LOOK_EVERY)
        self._lines: dict[str, _Line] = {}
        self._plan: list[_Planned] = []
        self._numbers = 0
        #: As they were when the entries were read.
        self._changes: object = None
        self._next_look = 0.0
        self._behind = 0.0
        #: Entries that could not be started, and why: said once.
        self._bad: dict[str, str] = {}
        #: No Event: setting one in a signal handler that interrupts waiting for it would wait for ever.
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopping = False
        self._backoff = ExponentialBackoff(factor=0.1, longest=2.0, jitter=True)
        self._failures = 0

    def run(self) -> None:
        """Take turns until ``stop`` is called."""
        while not self._stopping:
            try:
                pause = self.turn()
                self._failures = 0
            except Exception as error:
                if self._failures == 0:
                    _tell(error)
                pause = self._backoff.delay(self._failures)
                self._failures += 1
            with contextlib.suppress(queue.Empty):
                self._bell.get(timeout=pause)

    def stop(self) -> None:
        """End ``run``. From any thread, and from signal handlers."""
        self._stopping = True
        self._bell.put(None)

    def turn(self) -> float:
        """Start what is due. Returns the seconds until the next turn.

        Raises:
            BrokerError: The store could not be asked. Nothing is lost: the next turn sees what was done.
        """
        try:
            return self._turn()
        except BaseException:
            # What was claimed, nobody has told us.
            self._changes = None
            raise

    def _turn(self) -> float:
        now = self._clock.timestamp()
        if self._outbox is not None:
            self._outbox.catch_up(now)
        self._look(now)
        ripe: list[str] = []
        while self._plan and self._plan[0].due + self._behind <= now:
            planned = heapq.heappop(self._plan)
            line = self._lines.get(planned.entry)
            if line is not None and line.number == planned.number:
                ripe.append(planned.entry)
        if ripe:
            self._start(ripe, now)
        soonest = self._plan[0].due + self._behind - self._clock.timestamp() if self._plan else LOOK_EVERY
        next_look = self._next_look - self._clock.monotonic()
        return max(0.0, min(soonest, next_look, self._longest_pause))

    # -- entries

    def _look(self, now: float) -> None:
        moment = self._clock.monotonic()
        if moment < self._next_look and self._changes is not None:
            return
        self._next_look = moment + LOOK_EVERY
        changes = self._read_changes()
        if changes != self._changes:
            self._take_up(list(self._read_entries()), now)
            self._changes = changes
        impossible = [name for name, line in self._lines.items() if self._is_impossible(line, now)]
        for name in impossible:
            logger.warning(
                "The entry %r was last run in the future: a clock was wrong. It begins anew.", name
            )
            self._ticks.restart(name, since=self._lines[name].state.since, now=now)
        if impossible:
            self._refresh(impossible, now)

    def _is_impossible(self, line: _Line, now: float) -> bool:
        try:
            return is_impossible(line.entry.schedule, line.state.since, now)
        except Exception as error:  # a schedule of the user's own
            self._complain(line.entry.name, error)
            return False

    def _take_up(self, entries: Sequence[Entry], now: float) -> None:
        wanted = {entry.name: entry for entry in entries if entry.enabled}
        states = states_of(self._ticks, list(wanted.values()), now=now)
        self._lines = {name: _Line(entry, states[name]) for name, entry in wanted.items()}
        self._plan.clear()
        self._bad = {name: why for name, why in self._bad.items() if name in wanted}
        for name in wanted:
            self._plan_next(name)

    def _refresh(self, names: Collection[str], now: float) -> None:
        """See how these entries stand: somebody else has claimed ticks of theirs, or changed them."""
        if self._read_changes() != self._changes:
            # One that was removed would begin anew if its state were asked for.
            self._next_look = 0.0
            self._look(now)
            return
        for name, state in self._ticks.states(names, now=now).items():
            self._lines[name].state = state
            self._plan_next(name)

    def _plan_next(self, name: str) -> None:
        state = self._lines[name].state
        if not state.paused:
            self._plan_after(name, state.since)

    def _plan_after(self, name: str, since: float) -> None:
        line = self._lines[name]
        line.number = self._numbers = self._numbers + 1
        try:
            due = next_moment(line.entry.schedule, since)
        except Exception as error:  # a schedule of the user's own
            self._complain(name, error)
            due = self._clock.timestamp() + ASK_AGAIN
        if due is not None:
            heapq.heappush(self._plan, _Planned(due, name, line.number))

    # -- ticks

    def _start(self, names: Sequence[str], now: float) -> None:
        if self._behind:
            # Somebody else is ahead of us, and has probably started them.
            self._refresh(names, now)
            names = [name for name in names if self._is_due(name, now)]
            if not names:
                return
        lost: list[str] = []
        ticks: list[Tick] = []
        for name in names:
            ticks += self._ticks_of(name, now)
            if len(ticks) >= BATCH:
                lost += self._claim(ticks, now)
                ticks = []
        lost += self._claim(ticks, now)
        self._behind = random.uniform(*STAND_BACK) if lost else 0.0
        if lost:
            self._refresh(set(lost), now)

    def _is_due(self, name: str, now: float) -> bool:
        line = self._lines.get(name)
        if line is None or line.state.paused:
            return False
        try:
            due = next_moment(line.entry.schedule, line.state.since)
        except Exception:  # told when it is run
            return True
        return due is not None and due <= now

    def _ticks_of(self, name: str, now: float) -> list[Tick]:
        """What is to be claimed of an entry now; of one that cannot be run, nothing, and it is put off."""
        line = self._lines[name]
        try:
            ticks: list[Tick] = []
            since = line.state.since
            for moment, is_run in due_moments(line.entry, since, now):
                ticks.append(Tick(name, since, moment, self._prepare(line.entry) if is_run else None))
                since = moment
            if not ticks:
                self._plan_next(name)
        except Exception as error:
            self._complain(name, error)
            # Tried again at its next moment: whoever repairs it need not restart anything.
            self._plan_after(name, now)
            return []
        self._bad.pop(name, None)
        return ticks

    def _complain(self, name: str, error: Exception) -> None:
        why = f"{type(error).__name__}: {error}"
        if self._bad.get(name) != why:
            self._bad[name] = why
            logger.error("The entry %r cannot be run, and is skipped: %s", name, why)

    def _claim(self, ticks: Sequence[Tick], now: float) -> list[str]:
        """Claim, and plan what comes next. The names of the entries that somebody else was quicker with."""
        if not ticks:
            return []
        won = self._ticks.claim(ticks, now=now, keep=self._outbox is not None)
        lost: list[str] = []
        published: list[Publication] = []
        for tick, is_ours in zip(ticks, won, strict=True):
            line = self._lines[tick.entry]
            if not is_ours:
                lost.append(tick.entry)
                continue
            line.state = _after(line.state, tick, now)
            if tick.publication is not None:
                published.append(tick.publication)
                logger.info("Scheduler: Sending due task %s (%s)", tick.entry, line.entry.task)
            else:
                logger.warning(
                    "The entry %r: it is too late for the run that was due %.0f s ago, which is left out",
                    tick.entry,
                    now - tick.due,
                )
        for name in {tick.entry for tick in ticks}.difference(lost):
            self._plan_next(name)
        if published and self._outbox is not None:
            self._outbox.send(published, claimed_at=now)
        elif published:
            self._published(published)
        return lost


def _after(state: EntryState, tick: Tick, now: float) -> EntryState:
    if tick.publication is None:
        return msgspec.structs.replace(state, since=tick.due)
    return msgspec.structs.replace(state, since=tick.due, last_run_at=now, runs=state.runs + 1)


def _tell(error: Exception) -> None:
    if isinstance(error, BrokerError):
        logger.warning("%s. Trying again; what is due is run when the broker is back.", error)
    else:
        logger.error("The scheduler failed, and tries again: %r", error, exc_info=error)
