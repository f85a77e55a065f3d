"""Announce once, format elsewhere: what happened to tasks and nodes, as typed values.

Core code says ``announcer.announce(TaskFinished(...))`` in exactly one place; the log lines, Celery's
signals and, later, events and metrics subscribe. Never formats anything, never fails because of a
subscriber.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

logger = logging.getLogger("sedano")

E = TypeVar("E")


class Announcer:
    """Hands each announcement to those who asked for its type.

    >>> heard = []
    >>> announcer = Announcer()
    >>> announcer.subscribe(str, heard.append)
    >>> announcer.announce("hello")
    >>> heard
    ['hello']
    """

    def __init__(self) -> None:
        self._subscribers: dict[type, list[Callable[[Any], object]]] = {}
        self._conditions: dict[type, list[Callable[[], bool]]] = {}

    def subscribe(
        self,
        kind: type[E],
        subscriber: Callable[[E], object],
        *,
        while_: Callable[[], bool] | None = None,
    ) -> None:
        """Call ``subscriber`` with every announcement of exactly this type; once, however often it asks.

        Args:
            while_: Says at any time whether the subscriber would do anything at all (such as a signal with
                no receivers); only a hint that lets the announcement be skipped.
        """
        subscribers = self._subscribers.setdefault(kind, [])
        if subscriber not in subscribers:
            subscribers.append(subscriber)
            self._conditions.setdefault(kind, []).append(while_ or _always)

    def wants(self, kind: type) -> bool:
        """Whether anybody listens: lets hot code skip building an announcement."""
        # Not any(): its generator takes longer than all the rest, and this is asked for every task.
        for condition in self._conditions.get(kind, ()):  # noqa: SIM110
            if condition():
                return True
        return False

    def announce(self, announcement: object) -> None:
        """Tell the subscribers. What one of them raises is logged, and does not reach the caller."""
        for subscriber in self._subscribers.get(type(announcement), ()):
            try:
                subscriber(announcement)
            except Exception:
                logger.exception("A subscriber to %s failed", type(announcement).__name__)


def _always() -> bool:
    return True
