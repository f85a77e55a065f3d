"""What this process hears of one server: one queue, one listener, one inbox, for all its stores there.

Shared by the ``RpcResultStore`` of every application: two that consumed the queue side by side would each get
half of the replies. Never sends.
"""

import os
import threading
import weakref
from collections.abc import Callable
from typing import Final

from sedano.results.rpc.inbox import Inbox
from sedano.results.rpc.listener import Listener


class Hearing:
    """Thread-safe.

    Args:
        keep_for: As of ``Inbox``.
    """

    def __init__(self, *, keep_for: float | None) -> None:
        self.inbox = Inbox(keep_for=keep_for)
        self._keep_for = keep_for
        self._lock = threading.Lock()  # guards the next two
        self._listener: Listener | None = None
        #: The stores that have asked to listen, and are not closed.
        self._users: set[int] = set()

    def listen(self, user: object, make_listener: Callable[[Inbox], Listener], *, timeout: float) -> None:
        """Begin, unless another store has, and wait until the queue is there.

        Raises:
            BrokerUnavailable: that took too long, or failed.
        """
        with self._lock:
            self._users.add(id(user))
            if self._listener is None:
                self._listener = make_listener(self.inbox)
            listener = self._listener
        listener.listen(timeout)

    def leave(self, user: object) -> None:
        """The store is closed; the last one has the queue deleted, and what came forgotten. Idempotent."""
        with self._lock:
            self._users.discard(id(user))
            if not self._users and self._listener is not None:
                # With the lock held: who listens next makes the queue anew, after that.
                self._listener.close()
                self._listener = None
                self.inbox = Inbox(keep_for=self._keep_for)

    def serves(self, user: object) -> bool:
        """Whether this store has asked to listen, and the queue is there."""
        listener = self._listener
        return id(user) in self._users and listener is not None and listener.is_listening

    @property
    def is_wanted(self) -> bool:
        """Whether anybody listens."""
        return self._listener is not None

    @property
    def connected(self) -> bool:
        """Replies are heard as they come."""
        return self._listener is not None and self._listener.connected


_lock = threading.Lock()  # guards the next one
_here: Final[weakref.WeakValueDictionary[tuple[str, str], Hearing]] = weakref.WeakValueDictionary()


def hearing_at(server: str, address: str, *, keep_for: float | None) -> Hearing:
    """The one that the stores of this process share.

    Args:
        server: Which one.
        address: The name of the queue, which is of this process.
        keep_for: As of ``Inbox``, where there is none yet.
    """
    with _lock:
        found = _here.get((server, address))
        if found is None:
            found = _here[server, address] = Hearing(keep_for=keep_for)
        return found


def _forget_threads() -> None:
    """In a child: whoever held the lock is not here."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
