"""One result on its way into a store."""

import msgspec


class ResultWrite(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What to store of one task: the document is Celery's result meta, encoded."""

    task_id: str
    #: One of ``sedano.states``, or a custom state.
    state: str
    document: bytes
    #: POSIX seconds (UTC); None keeps it for good.
    expires_at: float | None = None
    #: Whoever asked, as the task's message names them: for stores that send results rather than keep them.
    reply_to: str | None = None
    #: How they know it; None: by the task's id.
    correlation_id: str | None = None
