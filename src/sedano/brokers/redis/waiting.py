"""Sleeping until a Redis has something: blocked on the lists themselves, so Celery's messages wake us too.

Used by ``RedisLease.wait``. ``BLMOVE`` from a queue's list into the lease's inbox is a wait and a safe claim
in one: what is in the inbox is taken over if this node dies. Whatever else may bring something to do (other
priorities, due times, resuming) rings the queue's bell, a channel; and we look now and then.
"""

import select
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from redis.connection import Connection

from sedano.redis.key_names import KeyNames
from sedano.redis.link import RedisLink
from sedano.sql.wakeup_pipe import WakeupPipe

#: A Celery producer rings no bell when it fills another list than that of step 0. Seconds.
LOOK_EVERY: Final = 0.5
#: The server ends its side of a wait after this, should we have died without a word. Seconds.
_LONGEST_BLOCK: Final = 30
#: How long an answer may take that is due. Seconds.
_ANSWER: Final = 2.0


class Sight(NamedTuple):
    """What a look at some queues showed."""

    ready: bool
    #: Seconds until something will be ready by itself; infinite if nothing is scheduled.
    due_in: float
    paused: frozenset[str]


class Waiting:
    """The connections that one lease blocks on. Owned by one thread, but for ``wake``."""

    def __init__(self, link: RedisLink, names: KeyNames, incarnation: str) -> None:
        self._link = link
        self._names = names
        self._incarnation = incarnation
        self._pipe = WakeupPipe()
        self._woken = False  # set by any thread in wake, cleared by the owner
        self._bells: Connection | None = None
        self._rung_by: set[str] = set()
        #: Queue -> a connection, and its number on the server.
        self._doors: dict[str, tuple[Connection, int]] = {}
        #: Queues whose connection is blocked now.
        self._blocked: set[str] = set()

    def until(self, look: Callable[[], Sight], queues: Sequence[str], timeout: float) -> bool:
        """Sleep until something is ready, ``wake`` is called, or ``timeout`` seconds have passed (False)."""
        deadline = time.monotonic() + timeout
        try:
            with self._link.translated_errors():
                if timeout > 0:
                    self._listen(queues)
                while not self._woken:
                    sight = look()
                    if sight.ready:
                        return True
                    if timeout <= 0:
                        return False
                    self._block([queue for queue in queues if queue not in sight.paused])
                    left = deadline - time.monotonic()
                    if self._sleep(min(left, sight.due_in, LOOK_EVERY)):
                        return True
                    if time.monotonic() >= deadline:
                        return False
                self._woken = False
                self._pipe.drain()
                return True
        except BaseException:
            self._hang_up()
            raise

    def wake(self) -> None:
        """End the current ``until``, or the next one. From any thread."""
        self._woken = True
        self._pipe.wake()

    @property
    def is_blocked(self) -> bool:
        """Whether the server may still move a message into the inbox."""
        return bool(self._blocked)

    def close(self) -> None:
        """Give the connections back. Idempotent."""
        self._hang_up()
        self._pipe.close()

    def _listen(self, queues: Sequence[str]) -> None:
        """Subscribe before the first look: what comes between the two is heard."""
        if self._bells is None:
            self._bells = self._link.dedicated(timeout=_ANSWER)
            self._rung_by = set()
        new = [queue for queue in queues if queue not in self._rung_by]
        if new:
            self._bells.send_command("SUBSCRIBE", *(self._names.bell(queue) for queue in new))
            for _ in new:
                self._bells.read_response()
            self._rung_by.update(new)
        self._heard()

    def _heard(self) -> bool:
        """Whether a bell rang since the last call."""
        heard = False
        while self._bells is not None and self._bells.can_read(timeout=0):
            self._bells.read_response()
            heard = True
        return heard

    def _block(self, queues: Sequence[str]) -> None:
        for queue in queues:
            if queue in self._blocked:
                continue
            if queue not in self._doors:
                connection = self._link.dedicated(timeout=_ANSWER)
                connection.send_command("CLIENT", "ID")
                self._doors[queue] = connection, int(connection.read_response())
            keys = self._names.of_lane(self._names.lanes(queue)[0], self._incarnation)
            self._doors[queue][0].send_command("BLMOVE", keys[0], keys[6], "RIGHT", "LEFT", _LONGEST_BLOCK)
            self._blocked.add(queue)

    def _sleep(self, seconds: float) -> bool:
        """Whether a message came. Others things that happen end the sleep as well."""
        poll = select.poll()
        poll.register(self._pipe.fileno(), select.POLLIN)
        if self._bells is not None:
            poll.register(self._bells._sock.fileno(), select.POLLIN)  # type: ignore[attr-defined]
        doors = {}
        for queue in self._blocked:
            number = self._doors[queue][0]._sock.fileno()  # type: ignore[attr-defined]
            doors[number] = queue
            poll.register(number, select.POLLIN)
        came = False
        for number, _ in poll.poll(max(0.0, seconds) * 1000):
            if number in doors:
                came |= self._answer(doors[number])
        self._heard()
        return came

    def _answer(self, queue: str) -> bool:
        self._blocked.discard(queue)
        return self._doors[queue][0].read_response() is not None

    def unblock(self) -> None:
        """Take no more messages in. What was moved in the last moment lies in the inbox.

        Not called after each wait: an idle node goes on waiting, and this costs a round trip.
        """
        if not self._blocked:
            return
        blocked = list(self._blocked)
        try:
            self._link.pipeline([("CLIENT", "UNBLOCK", self._doors[queue][1]) for queue in blocked])
            with self._link.translated_errors():
                for queue in blocked:
                    self._answer(queue)
        except BaseException:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        for connection, _ in self._doors.values():
            connection.disconnect()
        if self._bells is not None:
            self._bells.disconnect()
        self._doors, self._blocked, self._bells, self._rung_by = {}, set(), None, set()
