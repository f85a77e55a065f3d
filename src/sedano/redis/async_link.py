"""The way of a coroutine's commands to a Redis: the counterpart of ``RedisLink``, for one server.

Owned by the Redis broker and the Redis result store. Any loops of any threads may use it; each has
connections of its own, which are closed with it. Never blocks a loop.
"""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.exceptions import RedisError

from sedano.loops.loop_local import LoopLocal
from sedano.redis.async_trips import AsyncTrips
from sedano.redis.connections import keywords_for
from sedano.redis.link import MOST_CONNECTIONS, Command
from sedano.redis.redis_diagnosis import Diagnosis, diagnose
from sedano.redis.redis_url import RedisLocation
from sedano.redis.script import Script


class AsyncLink:
    """Some connections of each loop to one place.

    Args:
        location: The server: neither a cluster nor behind Sentinel.
        timeout: Seconds any call may take in all, as far as its loop turns.
        translate: Makes this adapter's error of a diagnosis. Only those come out.
        most_connections: Of one loop.
    """

    def __init__(
        self,
        location: RedisLocation,
        *,
        timeout: float,
        translate: Callable[[Diagnosis], Exception],
        most_connections: int = MOST_CONNECTIONS,
    ) -> None:
        self._location = location
        self._timeout = timeout
        self._translate = translate
        self._most = most_connections
        self._trips: LoopLocal[AsyncTrips] = LoopLocal(self._make_trips)

    async def call(self, *command: Any) -> Any:
        """Run one command."""
        return (await self.pipeline([command]))[0]

    async def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands in one round trip. The first error is raised when all have been answered."""
        answers = await self._answers(commands)
        for answer in answers:
            if isinstance(answer, RedisError):
                self._fail(answer)
        return answers

    async def transaction(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands in one round trip and in one step: all of them, or none and an error."""
        answers: list[Any] = (await self.pipeline([("MULTI",), *commands, ("EXEC",)]))[-1]
        for answer in answers:
            if isinstance(answer, RedisError):
                self._fail(answer)
        return answers

    async def run(self, script: Script, keys: Sequence[Any], arguments: Sequence[Any] = ()) -> Any:
        """Run a script, which travels with its source: for what is seldom run."""
        return await self.call("EVAL", script.source, len(keys), *keys, *arguments)

    def close(self) -> None:
        """Close what is idle. Idempotent; used again, the link connects again."""
        self._trips.close()

    async def _answers(self, commands: Sequence[Command]) -> list[Any]:
        try:
            return await self._trips.get().send(commands)
        except TimeoutError as error:
            raise self._translate(Diagnosis(f"no answer within {self._timeout:.1f} s", True)) from error
        except (RedisError, OSError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> NoReturn:
        raise self._translate(diagnose(error)) from error

    def _make_trips(self) -> AsyncTrips:
        return AsyncTrips(self._make_connection, most=self._most, timeout=self._timeout)

    def _make_connection(self) -> AbstractConnection:
        keywords = keywords_for(self._location, self._timeout)
        # The trip has a deadline for all of it.
        keywords["socket_timeout"] = None
        if self._location.path is not None:
            return UnixDomainSocketConnection(**keywords)
        return SSLConnection(**keywords) if self._location.tls is not None else Connection(**keywords)


def is_native(location: RedisLocation) -> bool:
    """Whether there is such a way there; elsewhere threads use the synchronous one."""
    return not location.cluster and not location.sentinels
