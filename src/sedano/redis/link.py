"""The way of commands to a Redis: a few connections, a deadline for every call, one seam for errors.

Owned by the Redis broker and the Redis result store. Thread-safe; after a fork the child opens connections
of its own.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from hiredis import pack_command
from redis.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ReadOnlyError, RedisError, ResponseError

from sedano.redis.connections import connect
from sedano.redis.pool import Line, Pool
from sedano.redis.redis_diagnosis import Diagnosis, diagnose
from sedano.redis.redis_url import RedisLocation
from sedano.redis.script import Script

Command: TypeAlias = Sequence[Any]


class ScriptRun(NamedTuple):
    """One run of a script."""

    script: Script
    keys: Sequence[Any]
    arguments: Sequence[Any] = ()
    #: Commands to be run on the same connection right before.
    before: Sequence[Command] = ()


#: Enough for the threads of one process: a command holds a connection for a fraction of a millisecond.
MOST_CONNECTIONS: Final = 10


class RedisLink:
    """Some connections to one place.

    Args:
        timeout: Seconds any call may take in all: waiting for a connection, making it, and the answer.
        translate: Makes this adapter's error of a diagnosis. Only those come out.
        scripts: Given to the server on every new connection: it forgets them when it is restarted, and
            another server that takes its place never knew them. Scripts of one round trip run in their order
            then.
    """

    def __init__(
        self,
        location: RedisLocation,
        *,
        timeout: float,
        translate: Callable[[Diagnosis], Exception],
        most_connections: int = MOST_CONNECTIONS,
        scripts: Sequence[Script] = (),
    ) -> None:
        self.location = location
        self.timeout = timeout
        self._translate = translate
        self._most = most_connections
        self._loading: list[Command] = [("SCRIPT", "LOAD", script.source) for script in scripts]
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._pool = Pool(self._most, self._connect)

    # -- commands

    def call(self, *command: Any) -> Any:
        """Run one command."""
        # As ``with self.connection()``, written out: publishing takes this way.
        line = self._borrow(time.monotonic() + self.timeout)
        try:
            line.socket.sendall(pack_command(command))
            line.stay_awake()
            answer = line.connection.read_response()
        except BaseException as error:
            self._put_away(line, error)
            if isinstance(error, RedisError | OSError):
                raise self._translate(diagnose(error)) from error
            raise
        self._pool.give_back(line)
        return answer

    def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands in one round trip. The first error is raised when all have been answered."""
        with self.connection() as connection:
            return _exchange(connection, commands)

    def transaction(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands in one round trip and in one step: all of them, or none and an error."""
        answers: list[Any] = self.pipeline([("MULTI",), *commands, ("EXEC",)])[-1]
        for answer in answers:
            if isinstance(answer, Exception):
                with self.translated_errors():
                    raise answer
        return answers

    def run(self, script: Script, keys: Sequence[Any], arguments: Sequence[Any] = ()) -> Any:
        """Run a script; the server is given its source if it does not know it."""
        with self.connection() as connection:
            return run_script(connection, script, keys, arguments)

    def run_many(self, runs: Sequence[ScriptRun]) -> list[Any]:
        """Run scripts in one round trip. The first error is raised when all have been answered."""
        with self.connection() as connection:
            commands: list[Command] = []
            places: list[int] = []
            for script, keys, arguments, before in runs:
                commands += before
                places.append(len(commands))
                commands.append(("EVALSHA", script.sha, len(keys), *keys, *arguments))
            answers = answers_to(connection, commands)
            for place, run in zip(places, runs, strict=True):
                if isinstance(answers[place], NoScriptError):
                    answers_to(connection, [*self._loading, *run.before])
                    answers[place] = run_script(connection, run.script, run.keys, run.arguments)
            for answer in answers:
                if isinstance(answer, ResponseError):
                    raise answer
            return [answers[place] for place in places]

    # -- servers: here there is one

    #: Every key is on the same server: a script may take keys of any slot.
    is_one_server = True

    def servers(self) -> Sequence["RedisLink"]:
        """A link to each server that has keys."""
        return (self,)

    def at(self, key: Any) -> "RedisLink":
        """A link to the server that has this key."""
        return self

    def look_again(self) -> None:
        """Keys may have moved: they cannot."""

    # -- connections

    @contextlib.contextmanager
    def connection(self, deadline: float | None = None) -> Iterator[Connection]:
        """A connection for as long as the block lasts. Errors come out translated.

        Args:
            deadline: When all has to be over, in monotonic time; by default as ``timeout`` says.
        """
        line = self._borrow(time.monotonic() + self.timeout if deadline is None else deadline)
        try:
            with self.translated_errors():
                yield line.connection
        except BaseException as error:
            self._put_away(line, error)
            raise
        self._pool.give_back(line)

    def _borrow(self, deadline: float) -> Line:
        if self._pid != os.getpid():
            self._begin()
        with self.translated_errors():
            line = self._pool.borrow(deadline)
        if line is None:
            raise self._translate(
                Diagnosis(f"no answer within {self.timeout:.1f} s: all connections wait for the server", True)
            )
        return line

    def _put_away(self, line: Line, error: BaseException) -> None:
        if self._pid == os.getpid():
            (self._pool.give_back if _still_in_step(error) else self._pool.drop)(line)

    def _connect(self, timeout: float) -> Connection:
        connection = connect(self.location, timeout=timeout)
        answers_to(connection, self._loading)
        return connection

    def dedicated(self, *, timeout: float, client_name: str | None = None) -> Connection:
        """A connection for the caller alone, who disconnects it."""
        with self.translated_errors():
            return connect(self.location, timeout=timeout, client_name=client_name)

    @contextlib.contextmanager
    def translated_errors(self) -> Iterator[None]:
        """Turn redis-py's errors into this adapter's."""
        try:
            yield
        except (RedisError, OSError) as error:
            raise self._translate(diagnose(error)) from error

    def close(self) -> None:
        """Close what is idle. Idempotent; used again, the link connects again."""
        if self._pid != os.getpid():
            self._begin()
        self._pool.close()


def run_script(
    connection: Connection, script: Script, keys: Sequence[Any], arguments: Sequence[Any] = ()
) -> Any:
    """Run a script on this connection."""
    rest = (len(keys), *keys, *arguments)
    try:
        connection.send_packed_command(
            connection.pack_command("EVALSHA", script.sha, *rest), check_health=False
        )
        return connection.read_response()
    except NoScriptError:
        connection.send_packed_command(
            connection.pack_command("EVAL", script.source, *rest), check_health=False
        )
        return connection.read_response()


def _exchange(connection: Connection, commands: Sequence[Command]) -> list[Any]:
    answers = answers_to(connection, commands)
    for answer in answers:
        # The first one says what is wrong; EXEC only says that something was.
        if isinstance(answer, ResponseError):
            raise answer
    return answers


def answers_to(connection: Connection, commands: Sequence[Command]) -> list[Any]:
    """Run commands on this connection in one round trip. An error of the server's is an answer."""
    if not commands:
        return []
    send(connection, commands)
    return [read_answer(connection) for _ in commands]


def send(connection: Connection, commands: Sequence[Command]) -> None:
    """Send commands, whose answers are to be read."""
    connection.send_packed_command(connection.pack_commands(commands), check_health=False)


def read_answer(connection: Connection) -> Any:
    """The next answer; an error of the server's is one as well."""
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


def _still_in_step(error: BaseException) -> bool:
    """Whether the error was the server's answer, so that the connection can be used on.

    After READONLY the server is no longer the one to talk to.
    """
    cause = error.__cause__ or error
    return isinstance(cause, ResponseError) and not isinstance(cause, ReadOnlyError | RedisConnectionError)
