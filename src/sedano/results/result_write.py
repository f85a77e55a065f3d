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
