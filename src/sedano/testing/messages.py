"""Publications for tests that do not care what is in them."""

from sedano import ids
from sedano.brokers.publication import Publication
from sedano.message.envelope import Envelope


def publication(
    task_id: str | None = None,
    *,
    task: str = "tests.add",
    queue: str = "celery",
    priority: int = 0,
    due: float | None = None,
    body: bytes = b"[[1, 2], {}, {}]",
) -> Publication:
    """A message that brokers accept; its id is a new one unless given.

    >>> publication("a", queue="mail").queue
    'mail'
    """
    task_id = task_id or ids.task_id()
    envelope = Envelope(headers=b'{"task": "%b"}' % task.encode(), body=body, correlation_id=task_id)
    return Publication(task_id, task, queue, envelope, priority, due)
