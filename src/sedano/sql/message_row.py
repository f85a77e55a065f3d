"""A publication as a row of the message table.

Used by brokers on SQL databases, and by whoever writes the row on a connection of his own (Django's, inside
the caller's transaction). Never runs a statement.
"""

from typing import Final, TypeAlias

from sedano.brokers.publication import Publication
from sedano.message.envelope import pack
from sedano.sql.statements import load_statements

#: The values of ``INSERT_MESSAGE``, in its order.
MessageRow: TypeAlias = tuple[str, str, str, int, str, float | None, float, bytes]

#: Puts one message in. The placeholders are sqlite3's.
INSERT_MESSAGE: Final = load_statements("sedano.sql", "message.sql")["insert_message"]


def message_row(publication: Publication, now: float) -> MessageRow:
    """The row of a message that is published at ``now`` (POSIX seconds)."""
    due = publication.due
    scheduled = due is not None and due > now
    return (
        publication.task_id,
        publication.task,
        publication.queue,
        publication.priority,
        "scheduled" if scheduled else "ready",
        due if scheduled else None,
        now,
        pack(publication.envelope),
    )
