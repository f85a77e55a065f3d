"""When a message leaves: with the transaction in whose middle it was published.

One gate for each application, in its publisher. A message that is a row of the transaction need not wait.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db import connection, connections, transaction

from sedano.contrib.django.async_context import in_async_context
from sedano.contrib.django.site_databases import queue_alias

if TYPE_CHECKING:
    from sedano.app import Sedano


class CommitGate:
    """Sends at once where no transaction is open on the default database, and otherwise when it commits."""

    def __init__(self, app: "Sedano") -> None:
        self._app = app

    def __call__(self, send: Callable[[], None]) -> None:
        if in_async_context() or not connection.in_atomic_block or self._message_joins_transaction():
            send()
        else:
            transaction.on_commit(send)

    def _message_joins_transaction(self) -> bool:
        alias = queue_alias(self._app)
        return alias is not None and connections[alias].in_atomic_block
