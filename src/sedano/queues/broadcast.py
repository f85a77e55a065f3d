"""A queue of each node's own, which gets a copy of every message."""

from typing import Final

from sedano import ids
from sedano.queues.definition import BROADCAST_PREFIX
from sedano.queues.exchange import FANOUT, Exchange
from sedano.queues.queue import Queue

#: Seconds that the queue outlives its node's connection. A node that is back by then has missed nothing.
KEPT: Final = 60.0


def Broadcast(name: str) -> Queue:
    """A queue that every node has for itself, behind a fanout exchange: each of them runs each call.

    Args:
        name: What calls and routes name, and the exchange's name.

    >>> Broadcast("news").alias
    'news'
    """
    return Queue(BROADCAST_PREFIX + ids.task_id(), Exchange(name, FANOUT), alias=name, expires=KEPT)
