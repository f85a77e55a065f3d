"""What the Redis result store needs of a server or a cluster of them.

``single_server`` and ``cluster_server`` are the two that there are. Their errors are ``ResultStoreError``.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol, TypeAlias

from redis.connection import Connection

from sedano.errors import ConfigurationError, ResultStoreError, ResultStoreUnavailable
from sedano.redis.links import Link
from sedano.redis.redis_diagnosis import Diagnosis
from sedano.redis.script import load_script

#: Stores results, each over the one that was there, unless that was a SUCCESS.
PUT: Final = load_script(__package__, "sedano.redis:store_result.lua", "put.lua")

#: A result as the scripts take it: key, document, milliseconds it is kept (0: for good), state ("" where the
#: document tells it).
ScriptResult: TypeAlias = tuple[bytes, bytes, int, str]


class ResultServer(Protocol):
    """Thread-safe. Survives a fork."""

    #: As ``ResultStore.location``.
    location: str
    #: A script can store results of different tasks in one step.
    one_step: bool

    @property
    def link(self) -> Link:
        """The way there, for what is kept of groups."""

    def put(self, results: Sequence[ScriptResult]) -> None:
        """Store results in their order, and publish each in the channel of its key."""

    def get(self, key: bytes) -> bytes | None:
        """One document."""

    def get_many(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """Documents, in the order of the keys; one round trip to each server."""

    def delete(self, *keys: bytes) -> None:
        """Delete keys of one slot."""

    def subscription(self) -> Connection:
        """A new connection for pub/sub, which the caller disconnects."""

    def close(self) -> None:
        """Close connections. Idempotent; used again, it connects again."""


def translate(diagnosis: Diagnosis) -> Exception:
    """Our error for redis-py's."""
    error: type[Exception] = ResultStoreUnavailable if diagnosis.passing else ResultStoreError
    if diagnosis.configuration:
        error = ConfigurationError
    return error(f"The redis result store: {diagnosis.reason}")


def put_arguments(results: Sequence[ScriptResult]) -> tuple[list[bytes], list[Any]]:
    """The keys and the arguments of the script."""
    arguments: list[Any] = []
    for result in results:
        arguments += result[1:]
    return [result[0] for result in results], arguments
