"""Sleeping until a Redis has something: blocked on the lists themselves, so Celery's messages wake us too.

Used by ``RedisLease.wait``. ``BLMOVE`` from a queue's list into the lease's inbox is a wait and a safe claim
in one: a message it brought is in the owner's hands at once (``take``), and until the owner has it noted as
held, what is in the inbox is taken over if this node dies. Everything else that may bring something to do
(other priorities, due times, resuming) is seen by a look at those keys, and the server tells us when they
change (``CLIENT TRACKING``: redis.io/docs, "Client-side caching"). Where it does not do that we look again
now and then.
"""

import select
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple, TypeAlias

from redis.connection import Connection
from redis.exceptions import AskError, MovedError, ResponseError, TryAgainError

from sedano.clock import Clock
from sedano.redis.key_names import KeyNames
from sedano.redis.link import Command, RedisLink
from sedano.redis.links import Link
from sedano.sql.wakeup_pipe import WakeupPipe

#: How often to look by ourselves where the server tells us of changes, and where it does not. Seconds.
LOOK_EVERY: Final = 5.0
LOOK_EVERY_UNTOLD: Final = 0.5
#: How often to look for messages of some tasks only: what the server tells us does not name them. Seconds.
LOOK_FOR_SOME_EVERY: Final = 0.2
#: The clock is read this often: it may be set, or turned by a test. Seconds.
_READ_CLOCK_EVERY: Final = 0.5
#: How long an answer may take that is due. Seconds.
_ANSWER: Final = 2.0
_INVALIDATIONS: Final = "__redis__:invalidate"


class Sight(NamedTuple):
    """What a look at some queues showed."""

    ready: bool
    #: When something will be ready by itself, POSIX seconds (UTC); infinite if nothing is scheduled.
    due_at: float
    paused: frozenset[str]


class _Door(NamedTuple):
    """A connection that blocks on a queue's list, its number on the server, and the server."""

    connection: Connection
    number: int
    server: RedisLink


#: Looks at the queues. Called with the commands to run right before, so that changes are told.
Look: TypeAlias = Callable[[Sequence[Command]], Sight]


class Waiting:
    """The connections that one lease blocks on. Owned by one thread, but for ``wake``.

    Args:
        longest_block: Seconds after which the server ends its side of a wait, should we be frozen: less than
            what is left of the lease then, so that nothing is moved to a node that is taken for dead.
    """

    def __init__(
        self, link: Link, names: KeyNames, incarnation: str, *, longest_block: float, clock: Clock
    ) -> None:
        self._link = link
        self._names = names
        self._incarnation = incarnation
        self._longest_block = longest_block
        self._clock = clock
        self._pipe = WakeupPipe()
        self._woken = False  # set by any thread in wake, cleared by the owner
        #: Hears of changes; its number on the server is where they are to be told.
        self._ear: Connection | None = None
        self._telling: tuple[Command, ...] = ()
        #: The last sight, while nothing has changed since: of which queues, and until when it is believed.
        self._sight: Sight | None = None
        self._seen: frozenset[str] = frozenset()
        self._believed_until = 0.0
        #: Queue -> a connection, and its number on the server.
        self._doors: dict[str, _Door] = {}
        #: Queues whose slot is on its way to another server of the cluster: until when not to block on them.
        self._moving: dict[str, float] = {}
        #: Queues whose connection is blocked now.
        self._blocked: set[str] = set()
        #: Queue and message: moved into the inbox, not yet taken by the owner.
        self._given: deque[tuple[str, bytes]] = deque()
        #: Messages may lie in the inbox that the owner will not be told of otherwise.
        self.left_something = False

    def until(self, look: Look, queues: Sequence[str], timeout: float) -> bool:
        """Sleep until something is ready, ``wake`` is called, or ``timeout`` seconds have passed (False)."""
        deadline = time.monotonic() + timeout
        try:
            with self._link.translated_errors():
                if timeout <= 0:
                    return bool(self._given) or self._woken_now() or look(()).ready
                self._listen()
                while not self._given and not self._woken_now():
                    sight = self._look(look, queues)
                    due_in = sight.due_at - self._clock.timestamp()
                    if sight.ready or due_in <= 0:
                        self._sight = None
                        return True
                    self._shut(sight.paused)
                    if self._give_up(sight.paused):
                        return True
                    self._block([queue for queue in queues if queue not in sight.paused])
                    self._sleep(min(deadline - time.monotonic(), due_in, _READ_CLOCK_EVERY))
                    if not self._given and not self._woken and time.monotonic() >= deadline:
                        return False
                return True
        except BaseException:
            self.hang_up()
            raise

    def doze(self, timeout: float) -> bool:
        """Sleep until it is time to look again, or ``wake`` is called; False if ``timeout`` is sooner."""
        poll = select.poll()
        poll.register(self._pipe.fileno(), select.POLLIN)
        poll.poll(max(0.0, min(timeout, LOOK_FOR_SOME_EVERY)) * 1000)
        return self._woken_now() or timeout > LOOK_FOR_SOME_EVERY

    def take(self, queues: Sequence[str], most: int) -> list[tuple[str, bytes]]:
        """Up to so many messages of these queues, and their queues, that were moved into the inbox.

        The owner has them noted as held before it waits again.
        """
        taken: list[tuple[str, bytes]] = []
        for given in list(self._given):
            if len(taken) < most and given[0] in queues:
                self._given.remove(given)
                taken.append(given)
        return taken

    def wake(self) -> None:
        """End the current ``until``, or the next one. From any thread."""
        self._woken = True
        self._pipe.wake()

    def rest(self) -> None:
        """Let nothing more be moved into the inbox. What is there and was not taken is left there."""
        try:
            self._shut(list(self._blocked))
        except BaseException:
            self.hang_up()
            raise
        self._give_up([queue for queue, _ in self._given])

    def hang_up(self) -> None:
        """Close the connections; the next wait makes new ones. Idempotent."""
        if self._blocked or self._given:
            self.left_something = True
        for door in self._doors.values():
            door.connection.disconnect()
        if self._ear is not None:
            self._ear.disconnect()
        self._given.clear()
        self._doors, self._blocked, self._ear, self._sight = {}, set(), None, None
        self._link.look_again()

    def close(self) -> None:
        """Close the connections for good. Idempotent."""
        self.hang_up()
        self._pipe.close()

    def _give_up(self, queues: Collection[str]) -> bool:
        """Leave messages of these queues in the inbox that nobody has taken; whether there were any."""
        kept = deque(given for given in self._given if given[0] not in queues)
        if len(kept) == len(self._given):
            return False
        self._given = kept
        self.left_something = True
        return True

    def _woken_now(self) -> bool:
        if not self._woken:
            return False
        self._woken = False
        self._pipe.drain()
        return True

    # -- looking

    def _listen(self) -> None:
        if self._ear is not None:
            self._hear()
            return
        link = self._link
        if not isinstance(link, RedisLink):
            return  # A connection hears of the changes on one server only.
        self._ear = ear = link.dedicated(timeout=_ANSWER, client_name=self.client_name)
        ear.send_command("CLIENT", "ID")
        number = int(ear.read_response())
        ear.send_command("SUBSCRIBE", _INVALIDATIONS)
        ear.read_response()
        # Sent with each look: whichever connection carries it, the changes are told to this one.
        tracking = ("CLIENT", "TRACKING", "ON", "REDIRECT", number, "OPTIN")
        with link.connection() as connection:
            connection.send_command(*tracking)
            try:
                connection.read_response()
                self._telling = (tracking, ("CLIENT", "CACHING", "YES"))
            except ResponseError:  # too old, a proxy, or not permitted
                self._telling = ()
        self._sight = None

    def _look(self, look: Look, queues: Sequence[str]) -> Sight:
        wanted = frozenset(queues)
        now = time.monotonic()
        if self._sight is None or self._seen != wanted or now >= self._believed_until:
            self._sight = look(self._telling)
            self._seen = wanted
            self._believed_until = now + (LOOK_EVERY if self._telling else LOOK_EVERY_UNTOLD)
        return self._sight

    def _hear(self) -> None:
        while self._ear is not None and self._ear.can_read(timeout=0):
            self._ear.read_response()
            self._sight = None

    # -- blocking

    @property
    def client_name(self) -> str:
        """What ``CLIENT LIST`` calls the connections: whoever takes over has them closed by it."""
        return client_name(self._incarnation)

    def _block(self, queues: Sequence[str]) -> None:
        for queue in queues:
            if queue in self._blocked or time.monotonic() < self._moving.get(queue, 0.0):
                continue
            keys = self._names.of_lane(self._names.first_lane(queue), self._incarnation)
            if queue not in self._doors:
                server = self._link.at(keys[0])
                connection = server.dedicated(timeout=_ANSWER, client_name=self.client_name)
                connection.send_command("CLIENT", "ID")
                self._doors[queue] = _Door(connection, int(connection.read_response()), server)
            # Before it is sent, until it has been answered: whatever fails, a message may have been moved.
            self._blocked.add(queue)
            self._doors[queue].connection.send_command(
                "BLMOVE", keys[0], keys[6], "RIGHT", "LEFT", f"{self._longest_block:.3f}"
            )

    def _sleep(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self._pipe.fileno(), select.POLLIN)
        ear = _descriptor(self._ear) if self._ear is not None else -1
        if ear >= 0:
            poll.register(ear, select.POLLIN)
        doors = {}
        for queue in self._blocked:
            number = _descriptor(self._doors[queue].connection)
            doors[number] = queue
            poll.register(number, select.POLLIN)
        for number, _ in poll.poll(max(0.0, seconds) * 1000):
            if number in doors:
                self._answer(doors[number])
            elif number == ear:
                self._hear()

    def _answer(self, queue: str) -> None:
        try:
            message = self._doors[queue].connection.read_response()
        except (AskError, TryAgainError) as error:
            self._blocked.discard(queue)
            self._follow(queue, error)
            return
        self._blocked.discard(queue)
        if message is not None:
            self._given.append((queue, message))

    def _follow(self, queue: str, error: AskError | TryAgainError) -> None:
        """Another server of the cluster has the queue's slot now, or is getting it."""
        self._doors.pop(queue).connection.disconnect()
        self._link.look_again()
        if not isinstance(error, MovedError):
            self._moving[queue] = time.monotonic() + LOOK_EVERY_UNTOLD

    def _shut(self, queues: Collection[str]) -> None:
        """Unblock the connections of these queues."""
        blocked = [queue for queue in queues if queue in self._blocked]
        if not blocked:
            return
        numbers: dict[RedisLink, list[int]] = {}
        for queue in blocked:
            numbers.setdefault(self._doors[queue].server, []).append(self._doors[queue].number)
        for server, doors in numbers.items():
            server.pipeline([("CLIENT", "UNBLOCK", number) for number in doors])
        with self._link.translated_errors():
            for queue in blocked:
                self._answer(queue)


def client_name(incarnation: str) -> str:
    """The name of the connections that an incarnation blocks on."""
    # Of the incarnation only its random part: the server takes no blanks and no letters beyond ASCII.
    return f"sedano:{incarnation.rpartition('/')[2]}"


def _descriptor(connection: Connection) -> int:
    number: int = connection._sock.fileno()  # type: ignore[attr-defined]
    return number
