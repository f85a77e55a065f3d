"""The place of the messages, fresh for each figure, looked at from outside."""

from typing import Protocol

from benchmarks.contender import Contender


class Server(Protocol):
    """A database file or a private server. Implemented in ``settings/``."""

    url: str

    def unsettled(self, contender: Contender) -> int:
        """How many messages are waiting or held: 0 when every task is done and its message is gone."""

    def results(self, contender: Contender) -> int:
        """How many results are stored."""
