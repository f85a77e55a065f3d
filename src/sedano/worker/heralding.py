"""Sees to it that there is a herald while the node works, if anybody listens, and tells it what happens.

Owned by the parent's loop. A herald that dies is replaced, and told once more that the worker is ready; the
node does not depend on it.
"""

import contextlib
import logging
import selectors
from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Final, Protocol

from sedano.backoff import ExponentialBackoff
from sedano.brokers.delivery import Delivery
from sedano.brokers.settlement import Settlement
from sedano.worker.endings import describe
from sedano.worker.herald_link import HeraldLink
from sedano.worker.herald_words import (
    SIGNAL_OF,
    HeartbeatSent,
    Word,
    WorkerReady,
    WorkerShutdown,
    word_of_refusal,
)
from sedano.worker.notes import ReceiversShouldHear

logger = logging.getLogger("sedano.worker")

#: How long receivers may take to hear that the worker is shut down, before it goes on. Seconds.
LAST_WORDS: Final = 5.0
#: When the herald's socket is full, try again after this. Seconds.
SOCKET_FULL_PAUSE: Final = 0.02


class HeraldForker(Protocol):
    """The zygote, as far as heralds are concerned."""

    @property
    def awaited(self) -> frozenset[str]: ...

    def fork_herald(self, herald: HeraldLink) -> None: ...

    def kill(self, pid: int, number: int) -> None: ...


@dataclass(slots=True)
class _Leaving:
    link: HeraldLink
    zygote: HeraldForker
    deadline: float


class Heralding:
    """At most one herald that works, and those that take their leave."""

    def __init__(
        self, selector: selectors.BaseSelector, leave: Callable[[ReceiversShouldHear], object]
    ) -> None:
        """
        Args:
            selector: The loop's; its keys carry what is to be called.
            leave: Leaves a note to the loop.
        """
        self._selector = selector
        self._leave = leave
        self._zygote: HeraldForker | None = None
        self._link: HeraldLink | None = None
        self._leaving: list[_Leaving] = []
        self._next_number = 0
        self._deaths = 0
        self._backoff = ExponentialBackoff(factor=1.0, longest=60.0, jitter=False)
        self._not_before = 0.0
        # Written by the loop, read by the feeder's thread as well.
        self._awaited: frozenset[str] = frozenset()
        self._tasks: Container[str] = ()

    def use(self, zygote: HeraldForker, tasks: Container[str], now: float) -> None:
        """From now on heralds come from this zygote; one from another takes its leave first.

        Args:
            zygote: Has imported the application.
            tasks: The names of the tasks that it knows.
            now: The time (monotonic).
        """
        if self._link is not None and self._zygote is not None:
            self._link.tell(WorkerShutdown())
            self._leaving.append(_Leaving(self._link, self._zygote, now + LAST_WORDS))
            self._link = None
        self._zygote = zygote
        self._awaited, self._tasks = zygote.awaited, tasks
        self._deaths, self._not_before = 0, 0.0

    def look(self, now: float, *, ready: bool, stopping: bool = False) -> float | None:
        """Fork a herald where one is missing, send those away that have heard all.

        Args:
            now: The time (monotonic).
            ready: Every slot has a child that can work.
            stopping: The node leaves: there will be no other herald.

        Returns:
            When to look again (monotonic); None: no need to.
        """
        for one in self._leaving:
            self._see_off(one, now)
        if self._link is None and self._awaited and not self._leaving and not stopping:
            if now < self._not_before:
                return self._not_before
            self._fork()
        if self._link is not None:
            if ready and not stopping and not self._link.told_ready:
                self._link.told_ready = True
                self._link.tell(WorkerReady())
            if self._link.channel.has_outgoing:
                self._link.channel.flush()
                return now + SOCKET_FULL_PAUSE
        return min((one.deadline for one in self._leaving), default=None)

    def _fork(self) -> None:
        if self._zygote is not None:
            self._link = HeraldLink(self._next_number, self._awaited)
            self._next_number += 1
            self._selector.register(self._link.channel, selectors.EVENT_READ, partial(self._hear, self._link))
            self._zygote.fork_herald(self._link)

    def _see_off(self, one: _Leaving, now: float) -> None:
        if one.link.busy_with is not None and now < one.deadline:
            one.link.channel.flush()
            return
        if one.link.busy_with is not None and not one.link.channel.closed:
            _complain(one.link)
        self._hang_up(one.link)
        if now >= one.deadline and one.link.pid is not None:
            one.zygote.kill(one.link.pid, 9)
            one.deadline = now + LAST_WORDS

    def tell(self, word: Word) -> None:
        """Have the receivers of the present herald told."""
        if self._link is not None:
            self._link.tell(word)

    # -- said by the feeder's thread

    def heartbeat(self) -> None:
        """The lease was renewed."""
        self._leave_word(HeartbeatSent())

    def refused(self, delivery: Delivery, settlement: Settlement) -> None:
        """A message was not admitted."""
        word = word_of_refusal(delivery, settlement, self._tasks)
        if word is not None:
            self._leave_word(word)

    def _leave_word(self, word: Word) -> None:
        if SIGNAL_OF[type(word)] in self._awaited:
            self._leave(ReceiversShouldHear(word))

    # -- news

    def name(self, number: int, pid: int) -> None:
        """A zygote has forked the herald with this number."""
        for link in (self._link, *(one.link for one in self._leaving)):
            if link is not None and link.number == number:
                link.pid = pid

    def _hear(self, link: HeraldLink) -> None:
        link.hear()
        if link.channel.closed:
            self._unwatch(link)

    def bury(self, pid: int, returncode: int, now: float) -> bool:
        """A process has ended; whether it was a herald."""
        for one in self._leaving:
            if one.link.pid == pid:
                self._hang_up(one.link)
                self._leaving.remove(one)
                return True
        link = self._link
        if link is None or link.pid != pid:
            return False
        self._link = None
        delay = self._backoff.delay(self._deaths)
        self._deaths += 1
        self._not_before = now + delay
        link.hear()
        during = f" during {link.busy_with}" if link.busy_with is not None else ""
        self._hang_up(link)
        logger.error(
            "The process of the receivers of worker signals ended%s (%s). It is started anew in %g s, and "
            "told that the worker is ready. Tasks are not affected.",
            during,
            describe(returncode),
            delay,
        )
        return True

    def lose(self, zygote: HeraldForker) -> None:
        """This zygote is gone, and its heralds with it."""
        for one in [one for one in self._leaving if one.zygote is zygote]:
            self._hang_up(one.link)
            self._leaving.remove(one)
        if self._zygote is zygote:
            self._zygote = None
            if self._link is not None:
                self._hang_up(self._link)
                self._link = None

    def needs(self, zygote: HeraldForker) -> bool:
        """Whether a herald of this zygote is still taking its leave."""
        return any(one.zygote is zygote for one in self._leaving)

    # -- leaving

    def farewell(self, interrupted: Callable[[], bool]) -> None:
        """Tell the herald that all is over, and wait until that has been heard; not for long."""
        for one in self._leaving:
            self._hang_up(one.link)
        link, self._link = self._link, None
        if link is None:
            return
        link.tell(WorkerShutdown())
        deadline = monotonic() + LAST_WORDS
        with selectors.DefaultSelector() as selector:
            selector.register(link.channel, selectors.EVENT_READ)
            while link.busy_with is not None and not link.channel.closed:
                if monotonic() >= deadline or interrupted():
                    _complain(link)
                    break
                link.channel.flush()
                selector.select(0.05)
                link.hear()
        self._hang_up(link)

    def _hang_up(self, link: HeraldLink) -> None:
        self._unwatch(link)
        if link.left_out:
            logger.warning(
                "%d messages were not told to receivers of task_unknown or task_rejected, which are too slow",
                link.left_out,
            )
            link.left_out = 0
        link.close()

    def _unwatch(self, link: HeraldLink) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(link.channel)


def _complain(link: HeraldLink) -> None:
    logger.error(
        "Receivers of %s did not end in %g s after the worker had stopped; they are left behind",
        link.busy_with,
        LAST_WORDS,
    )
