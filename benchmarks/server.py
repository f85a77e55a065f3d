"""The place of the messages, fresh for each figure, looked at from outside."""

from typing import Protocol, runtime_checkable

from benchmarks.contender import Contender


class Server(Protocol):
    """A database file or a private server. Implemented in ``settings/``."""

    #: Of the broker, and of the store of results.
    url: str
    results_url: str

    def unsettled(self, contender: Contender) -> int:
        """How many messages are waiting or held: 0 when every task is done and its message is gone."""

    def results(self, contender: Contender) -> int:
        """How many results are stored."""


@runtime_checkable
class ServerProcess(Protocol):
    """A server that runs in a process of its own."""

    def processor_seconds(self) -> float:
        """What it has used so far."""
