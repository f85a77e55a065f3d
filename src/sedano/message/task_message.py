"""A call of a task, decoded: what a message says, whichever protocol said it.

Made by the publisher and by ``decoding.decode``; written by ``celery_v2.encode``. Knows nothing of bytes.
"""

from collections.abc import Sequence
from typing import Any

import msgspec


class TaskMessage(msgspec.Struct, kw_only=True):
    """One call of one task.

    ``callbacks``, ``errbacks``, ``chain`` and ``chord`` hold signatures as dictionaries, as on the wire; the
    last element of ``chain`` is the next step.

    >>> TaskMessage(id="1", task="proj.add", args=(1, 2)).retries
    0
    """

    id: str
    #: The registered name of the task.
    task: str
    args: Sequence[Any] = ()
    kwargs: dict[str, Any] = {}

    callbacks: list[dict[str, Any]] | None = None
    errbacks: list[dict[str, Any]] | None = None
    chain: list[dict[str, Any]] | None = None
    chord: dict[str, Any] | None = None

    #: The name shown in logs instead of ``task``.
    shadow: str | None = None
    #: ISO 8601 texts, as on the wire; ``wire_time.parse_time`` reads them.
    eta: str | None = None
    expires: str | None = None
    group: str | None = None
    group_index: int | None = None
    retries: int = 0
    #: Seconds.
    time_limit: float | None = None
    soft_time_limit: float | None = None
    #: The first task of the tree; encoding writes ``id`` where it is None, decoding never leaves it None.
    root_id: str | None = None
    parent_id: str | None = None
    #: What monitors see of the arguments; encoding computes them where they are None.
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    origin: str | None = None
    lang: str = "py"
    #: None: the worker's own setting of the task decides.
    ignore_result: bool | None = None
    replaced_task_nesting: int = 0
    stamped_headers: list[str] | None = None
    stamps: dict[str, Any] = {}
    #: The user's own headers: those that the protocol does not know.
    headers: dict[str, Any] = {}

    reply_to: str | None = None
    #: Encoding writes ``id`` where it is None.
    correlation_id: str | None = None
    priority: int = 0
    delivery_mode: int = 2
    #: Milliseconds, as text; only AMQP brokers act on it.
    expiration: str | None = None
    #: The protocol in which the message came.
    protocol: int = 2
