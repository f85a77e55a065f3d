"""Results that are sent to whoever asked, rather than kept: the address they go to.

An optional capability: a store that has it says so by its attribute ``replies``.
"""

from typing import Protocol

from sedano.results.store import ResultStore
from sedano.settings.sections import Settings


class Replies(Protocol):
    """Thread-safe. Survives a fork: the child has another address."""

    @property
    def address(self) -> str:
        """Of this process: what its messages bear as ``reply_to``."""

    @property
    def is_listening(self) -> bool:
        """No reply will be missed from now on."""

    def listen(self) -> None:
        """Begin to listen. To be called before a message is published whose reply is not to be missed.

        Raises:
            BrokerUnavailable: replies cannot be heard now.
        """


def sends_replies(settings: Settings) -> bool:
    """Whether ``result_backend`` sends results. Looked at before a store is opened that nobody needs yet."""
    return (settings.results.backend or "").startswith("rpc")


def replies_of(store: ResultStore | None) -> Replies | None:
    """Those of a store; None where it keeps results."""
    found: Replies | None = getattr(store, "replies", None)
    return found
