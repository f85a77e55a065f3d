"""The connections of one event loop to one Redis, and what travels on them.

Owned by ``AsyncLink``, one for each loop. Commands of different callers that come while connections are busy,
or in the same turn of the loop, travel together: thousands of callers need few connections. Each trip is a
task of its own that ends with it; nothing runs while nobody waits.
"""

import asyncio
import contextlib
import contextvars
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from sedano.loops.loop_timeout import LoopTimeout
from sedano.redis.link import Command

#: Commands that travel together: more would keep the answers of the first ones waiting.
_MOST_COMMANDS: Final = 500


class Parcel:
    """The commands of one caller, and their answers. An error of the server's is an answer."""

    __slots__ = ("answers", "commands")

    def __init__(self, commands: Sequence[Command], answers: "asyncio.Future[list[Any]]") -> None:
        self.commands = commands
        self.answers = answers


class AsyncTrips:
    """Not thread-safe: all of it belongs to its loop.

    Args:
        make: Makes a connection, which is not up yet.
        most: How many connections there may be.
        timeout: Seconds one trip may take.
    """

    def __init__(self, make: Callable[[], AbstractConnection], *, most: int, timeout: float) -> None:
        self._make = make
        self._most = most
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Parcel] = deque()
        self._idle: list[AbstractConnection] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._departs = False
        #: When the server did something last.
        self._answered_at = -math.inf

    def send(self, commands: Sequence[Command]) -> "asyncio.Future[list[Any]]":
        """Put commands on their way. Cancelled before they are sent, they never are."""
        answers: asyncio.Future[list[Any]] = self._loop.create_future()
        self._waiting.append(Parcel(commands, answers))
        if not self._departs:
            self._departs = True
            self._loop.call_soon(self._depart)
        return answers

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            _close(self._idle.pop())

    def _depart(self) -> None:
        self._departs = False
        while self._waiting and len(self._under_way) < self._most:
            parcels = self._load()
            if parcels:
                # Of no caller's context: it is not the request of one of them.
                trip = self._loop.create_task(self._travel(parcels), context=contextvars.Context())
                self._under_way.add(trip)
                trip.add_done_callback(self._arrive)

    def _load(self) -> list[Parcel]:
        parcels: list[Parcel] = []
        size = 0
        while self._waiting and size < _MOST_COMMANDS:
            parcel = self._waiting.popleft()
            if not parcel.answers.done():
                parcels.append(parcel)
                size += len(parcel.commands)
        return parcels

    def _arrive(self, trip: "asyncio.Task[None]") -> None:
        self._under_way.discard(trip)
        self._depart()

    async def _travel(self, parcels: Sequence[Parcel]) -> None:
        connection: AbstractConnection | None = None
        began = self._loop.time()
        try:
            async with LoopTimeout(self._timeout):
                connection = self._take_idle()
                if connection is None:
                    connection = self._make()
                    await connection.connect()
                await _exchange(connection, parcels)
        except (RedisError, OSError) as failure:
            error: Exception = failure
            if isinstance(failure, TimeoutError):
                error = RedisTimeoutError(f"no answer within {self._timeout:.1f} s")
            if self._answered_at < began:
                # Nor would the server answer those who have waited for a connection meanwhile.
                parcels = [*parcels, *self._waiting]
                self._waiting.clear()
            for parcel in parcels:
                if not parcel.answers.done():
                    parcel.answers.set_exception(error)
            if connection is not None:
                _close(connection)
        except BaseException:  # the loop is shutting down
            for parcel in (*parcels, *self._waiting):
                parcel.answers.cancel()
            self._waiting.clear()
            if connection is not None:
                _close(connection)
            raise
        else:
            self._answered_at = self._loop.time()
            if any(_is_of_no_use_after(answer) for parcel in parcels for answer in _answers_of(parcel)):
                _close(connection)
            else:
                self._idle.append(connection)

    def _take_idle(self) -> AbstractConnection | None:
        while self._idle:
            connection = self._idle.pop()
            reader = connection._reader
            if reader is not None and not reader.at_eof() and reader.exception() is None:
                return connection
            _close(connection)  # the server has closed it
        return None


async def _exchange(connection: AbstractConnection, parcels: Sequence[Parcel]) -> None:
    packed = connection.pack_commands([command for parcel in parcels for command in parcel.commands])
    await connection.send_packed_command(packed, check_health=False)
    for parcel in parcels:
        answers = [await _read_answer(connection) for _ in parcel.commands]
        if not parcel.answers.done():
            parcel.answers.set_result(answers)


async def _read_answer(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response(disconnect_on_error=False)
    except ResponseError as error:
        return error


def _answers_of(parcel: Parcel) -> Sequence[Any]:
    return () if parcel.answers.cancelled() else parcel.answers.result()


def _is_of_no_use_after(answer: Any) -> bool:
    """After READONLY the server is no longer the one to talk to."""
    return isinstance(answer, ReadOnlyError | RedisConnectionError)


def _close(connection: AbstractConnection) -> None:
    writer = connection._writer
    # Marked as closed first: redis-py complains of connections that are thrown away without.
    connection._reader = connection._writer = None
    if writer is not None:
        with contextlib.suppress(RuntimeError, OSError):  # the loop is closed
            writer.close()
