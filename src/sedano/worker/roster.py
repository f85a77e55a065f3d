"""The children of a node: how many there are to be, where they come from, who replaces whom.

Owned by the crew, which gives them their work. Never looks at jobs.
"""

import logging
import signal
from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol

from sedano.backoff import ExponentialBackoff
from sedano.worker.child_link import ChildLink, Stage
from sedano.worker.posts import Post

logger = logging.getLogger("sedano.worker")

#: A child that has not said hello for so long never will. Seconds.
LONGEST_START: Final = 60.0


class Forker(Protocol):
    """What makes children and signals them: a ``ZygoteLink``."""

    def fork(self, child: ChildLink) -> None:
        """Have a process made for this link."""

    def kill(self, pid: int, number: int) -> None:
        """Send a signal to a child, if it still lives."""


class Roster:
    """All children, each on its post."""

    def __init__(
        self,
        posts: tuple[Post, ...],
        *,
        watch: Callable[[ChildLink], None],
        unwatch: Callable[[ChildLink], None],
    ) -> None:
        self.posts = posts
        self.children: list[ChildLink] = []
        #: Nobody is to be taken on any more.
        self.closed = False
        self._watch = watch
        self._unwatch = unwatch
        self._zygote_of: dict[int, Forker] = {}
        self._next_number = 0
        #: Number of a new child -> the child that it replaces once it has said hello.
        self._replacing: dict[int, ChildLink] = {}
        self._early_deaths = 0
        self._backoff = ExponentialBackoff(factor=0.5, longest=30.0, jitter=False)
        #: When missing children may be forked again (monotonic).
        self._fork_not_before = 0.0

    # -- coming

    def staff(self, zygote: Forker, now: float) -> None:
        """Fork the children that are missing."""
        if self.closed or now < self._fork_not_before:
            return
        leaving = {child.number for child in self._replacing.values()}
        for post in self.posts:
            present = sum(
                child.post.name == post.name
                and child.stage is not Stage.RETIRING
                and child.number not in leaving
                for child in self.children
            )
            for _ in range(post.children - present):
                self._fork(post, zygote)

    def _fork(self, post: Post, zygote: Forker) -> ChildLink:
        child = ChildLink(self._next_number, post, monotonic())
        self._next_number += 1
        self.children.append(child)
        self._zygote_of[child.number] = zygote
        self._watch(child)
        zygote.fork(child)
        return child

    def name(self, number: int, pid: int) -> None:
        """The zygote has forked this child."""
        for child in self.children:
            if child.number == number:
                child.pid = pid
                if child.killed_for is not None:
                    self.kill(child, child.killed_for)

    def welcome(self, child: ChildLink) -> ChildLink | None:
        """It has said hello. Returns whom it replaces, who may go now."""
        child.stage = Stage.WORKING
        self._early_deaths = 0
        return self._replacing.pop(child.number, None)

    def end_if_stuck(self, child: ChildLink, now: float) -> float:
        """A child that never says hello is ended. Returns when to look again (monotonic)."""
        due = child.forked_at + LONGEST_START
        if now >= due and child.killed_for is None:
            logger.error(
                "A child was not ready after %g s: do worker_process_init handlers wait?", LONGEST_START
            )
            self.kill(child, "it did not start")
        return due if now < due else now + LONGEST_START

    # -- replacing

    def replace(self, child: ChildLink) -> None:
        """Have a successor ready before this child leaves."""
        if child.stage is Stage.WORKING and child not in self._replacing.values() and not self.closed:
            self._have_replaced(child, self._zygote_of[child.number])

    def replace_all(self, zygote: Forker, posts: tuple[Post, ...]) -> None:
        """The application was imported anew: every child gets a successor from the new zygote."""
        self.posts = posts
        for child in list(self.children):
            if child.stage is Stage.WORKING and child not in self._replacing.values():
                self._have_replaced(child, zygote)
            elif child.stage is Stage.STARTING:
                self._zygote_of[child.number].kill(child.pid or 0, signal.SIGKILL)

    def _have_replaced(self, child: ChildLink, zygote: Forker) -> None:
        post = next((post for post in self.posts if post.name == child.post.name), child.post)
        self._replacing[self._fork(post, zygote).number] = child

    # -- going

    def kill(self, child: ChildLink, why: Exception | str) -> None:
        """End it at once."""
        child.killed_for = why
        self.signal(child, signal.SIGKILL)

    def signal(self, child: ChildLink, number: int) -> None:
        """Send it a signal, if it has a process."""
        if child.pid is not None:
            self._zygote_of[child.number].kill(child.pid, number)

    def strike_off(self, child: ChildLink, returncode: int, now: float) -> None:
        """It is gone; one that never worked is not followed by the next at once."""
        early = child.stage is Stage.STARTING
        self._unwatch(child)
        child.close()
        self.children.remove(child)
        del self._zygote_of[child.number]
        self._replacing.pop(child.number, None)
        if early and not self.closed:
            delay = self._backoff.delay(self._early_deaths)
            self._early_deaths += 1
            self._fork_not_before = now + delay
            logger.error(
                "A child ended (%s) before it was ready; trying again in %.1f s. What it printed is above.",
                returncode,
                delay,
            )

    # -- who is there

    def of(self, zygote: Forker) -> list[ChildLink]:
        """The children of one zygote."""
        return [child for child in self.children if self._zygote_of[child.number] is zygote]

    def find(self, pid: int) -> ChildLink | None:
        """The child with this process id."""
        return next((child for child in self.children if child.pid == pid), None)

    @property
    def is_complete(self) -> bool:
        """Every post has its children, and they can work."""
        return sum(child.stage is Stage.WORKING for child in self.children) >= self._needed

    @property
    def is_short_handed(self) -> bool:
        """Children are missing, and are to be forked when their back-off is over."""
        return not self.closed and len(self.children) < self._needed

    @property
    def _needed(self) -> int:
        return sum(post.children for post in self.posts)
