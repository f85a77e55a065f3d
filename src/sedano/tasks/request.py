"""The request: what a running task may know of its own call, ``self.request``.

Made by the executor (or by calling a task directly); read by the task, by retrying, and by the publisher,
which gives children their parent. The only ambient value of the package.
"""

import itertools
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from sedano import ids
from sedano.brokers.publication import Publication
from sedano.message.task_message import TaskMessage

if TYPE_CHECKING:
    from sedano.results.result_base import ResultBase
    from sedano.tasks.task import Task


#: The request of the task that runs here (in this thread, in this asyncio task).
current_request: ContextVar["Context | None"] = ContextVar("sedano_current_request", default=None)


class Context:
    """One call of a task, as the running task sees it. Custom headers are attributes as well.

    >>> Context(id="1", retries=2).retries
    2
    """

    id: str | None = None
    #: The registered name of the task.
    task: str | None = None
    lang: str = "py"
    args: Any = None
    kwargs: Any = None
    root_id: str | None = None
    parent_id: str | None = None
    group: str | None = None
    group_index: int | None = None
    callbacks: list[dict[str, Any]] | None = None
    errbacks: list[dict[str, Any]] | None = None
    chain: list[dict[str, Any]] | None = None
    chord: dict[str, Any] | None = None
    retries: int = 0
    #: ISO 8601 texts, as in the message.
    eta: str | None = None
    expires: str | None = None
    #: Hard, soft; seconds.
    timelimit: tuple[float | None, float | None] | list[float | None] | None = None
    time_limit: float | None = None
    soft_time_limit: float | None = None
    is_eager: bool = False
    #: True where no worker (and no ``apply``) runs the task.
    called_directly: bool = True
    hostname: str | None = None
    logfile: str | None = None
    loglevel: int | None = None
    #: ``exchange``, ``routing_key`` (the queue, where there is no exchange), ``priority``, ``redelivered``.
    delivery_info: dict[str, Any] | None = None
    correlation_id: str | None = None
    reply_to: str | None = None
    origin: str | None = None
    shadow: str | None = None
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    ignore_result: bool | None = None
    #: The user's own headers; None where there are none.
    headers: dict[str, Any] | None = None
    properties: dict[str, Any] | None = None
    replaced_task_nesting: int = 0
    stamped_headers: list[str] | None = None
    stamps: dict[str, Any] | None = None
    taskset: str | None = None
    utc: bool | None = None

    #: The running task itself.
    task_object: "Task[..., Any] | None" = None
    _queue: str | None = None
    #: The request that was current when this one began.
    _outer: "Context | None" = None
    #: ``Task.__call__`` already runs under this request.
    _protected: bool = False
    #: Where progress goes while a worker runs the task; None writes to the result store.
    _record_state: Callable[[str, Any], None] | None = None
    #: Chords that get members from this call: group id, how many, and by what. Told with its settlement.
    _extensions: tuple[tuple[str, int, str], ...] = ()
    #: The signature that has taken the call's place, where that is to be run in this process.
    _replacement: Any = None
    #: What ``Task.retry(max_retries=...)`` said, for an automatic retry of the same attempt.
    _max_retries: int | None = None

    def __init__(self, *args: Any, **fields: Any) -> None:
        #: Publications that the settlement of this call carries out with it: its retry, what replaces it.
        self.follow_ups: list[Publication] = []
        self._children: list[ResultBase] | None = None
        self.update(*args, **fields)

    @classmethod
    def from_message(
        cls,
        message: TaskMessage,
        task: "Task[..., Any]",
        *,
        queue: str,
        exchange: str = "",
        routing_key: str = "",
        priority: int = 0,
        redelivered: bool = False,
        hostname: str | None = None,
        is_eager: bool = False,
        record_state: Callable[[str, Any], None] | None = None,
    ) -> "Context":
        """The request of a message that a worker runs (or that is run eagerly)."""
        # One dictionary, written at once: a worker makes one of these for every task it runs.
        fields: dict[str, Any] = {
            "follow_ups": [],
            "_children": None,
            "id": message.id,
            "task": message.task,
            "lang": message.lang,
            "args": message.args,
            "kwargs": message.kwargs,
            "root_id": message.root_id or message.id,
            "parent_id": message.parent_id,
            "group": message.group,
            "group_index": message.group_index,
            "callbacks": message.callbacks,
            "errbacks": message.errbacks,
            "chain": message.chain,
            "chord": message.chord,
            "retries": message.retries,
            "eta": message.eta,
            "expires": message.expires,
            "timelimit": (message.time_limit, message.soft_time_limit),
            "time_limit": message.time_limit,
            "soft_time_limit": message.soft_time_limit,
            "is_eager": is_eager,
            "called_directly": False,
            "hostname": hostname,
            "delivery_info": {
                "exchange": exchange,
                "routing_key": routing_key or queue,
                "priority": priority,
                "redelivered": redelivered,
            },
            "correlation_id": message.correlation_id or message.id,
            "reply_to": message.reply_to,
            "origin": message.origin,
            "shadow": message.shadow,
            "argsrepr": message.argsrepr,
            "kwargsrepr": message.kwargsrepr,
            "ignore_result": message.ignore_result,
            "replaced_task_nesting": message.replaced_task_nesting,
            "stamped_headers": message.stamped_headers,
            "stamps": message.stamps,
            "task_object": task,
            "_queue": queue,
            "_outer": current_request.get(),
            "_record_state": record_state,
        }
        if message.headers:
            fields = {**message.headers, "headers": message.headers, **fields}
        request = cls.__new__(cls)
        request.__dict__ = fields
        return request

    def update(self, *args: Mapping[str, Any], **fields: Any) -> None:
        """Set fields by name."""
        self.__dict__.update(*args, **fields)
        if self.timelimit is not None and "timelimit" in self.__dict__ and "time_limit" not in self.__dict__:
            self.time_limit, self.soft_time_limit = self.timelimit

    def get(self, key: str, default: Any = None) -> Any:
        """A field or a custom header by name."""
        return getattr(self, key, default)

    @property
    def children(self) -> "list[ResultBase]":
        """The results of the tasks that this one has published."""
        if self._children is None:
            self._children = []
        return self._children

    @property
    def queue(self) -> str | None:
        """The queue the message came from."""
        if self._queue is None and self.delivery_info:
            return self.delivery_info.get("routing_key")
        return self._queue

    def as_dict(self) -> dict[str, Any]:
        """Its fields and custom headers, those that were set."""
        return {
            name: value
            for name, value in vars(self).items()
            if not name.startswith("_") and name not in ("task_object", "follow_ups")
        }

    def __repr__(self) -> str:
        return f"<Context: {self.as_dict()!r}>"


def worker_request() -> Context | None:
    """The innermost request that a worker (or ``apply``) made; None where there is none."""
    request = current_request.get()
    while request is not None and request.called_directly:
        request = request._outer
    return request


def ids_of_followers(request: Context, why: str) -> Callable[[], str]:
    """Gives out ids that are the same whenever this call is followed up for this reason."""
    cause = f"{request.id}/{request.retries}/{request.replaced_task_nesting}/{why}"
    numbers = itertools.count()
    return lambda: ids.derived(cause, next(numbers))
