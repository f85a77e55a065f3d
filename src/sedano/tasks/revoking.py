"""Forbidding a task whose message waits in the broker.

Called by the application, for results. The message of a task that others wait for, in a chain or a chord, is
not just deleted: a node is told of its end, and tells them. Never reads arguments.
"""

from typing import TYPE_CHECKING

from sedano.brokers.admin import StoredMessage
from sedano.brokers.publication import Publication
from sedano.errors import MessageError
from sedano.message import task_headers
from sedano.message.decoding import decode
from sedano.message.envelope import Envelope

if TYPE_CHECKING:
    from sedano.tasks.application import Application


def revoke(app: "Application", *task_ids: str) -> set[str]:
    """Take back the messages of tasks, unless nodes hold them; the tasks that had one.

    What waits for a task's end hears of it: a message that says so takes the other one's place.
    """
    return app.broker.admin.revoke(*task_ids, instead=_notice) if task_ids else set()


def _is_awaited(envelope: Envelope) -> bool:
    """Whether steps of a chain, or a chord, wait for the task; yes for what only a worker may read."""
    if "json" not in envelope.content_type:
        return True
    try:
        message = decode(envelope, accept={envelope.content_type})
    except MessageError:
        return False
    return bool(message.chain or message.chord)


def _notice(stored: StoredMessage) -> Publication | None:
    """The same message, marked as revoked, for a node to take at once; None if nobody waits."""
    if not _is_awaited(stored.envelope):
        return None
    marked = task_headers.mark_revoked(stored.envelope)
    return Publication(stored.task_id, stored.task, stored.queue, marked, stored.priority)
