"""What a test can say of the messages in a broker: what has been published, and has not been run yet.

For users, as ``sedano.testing.published``, ``assert_published`` and ``assert_not_published``. Changes
nothing, but for ``clear_published``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sedano.brokers.admin import StoredMessage
from sedano.message.decoding import decode
from sedano.message.wire_time import parse_time
from sedano.testing.callers_thread import waiting_for_commit
from sedano.testing.inline_node import WHOLE_QUEUE

if TYPE_CHECKING:
    from sedano.app import Sedano
    from sedano.tasks.task import Task


@dataclass(frozen=True, slots=True)
class PublishedTask:
    """A call of a task that waits in the broker."""

    task: str
    id: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    queue: str
    #: ``ready``, ``scheduled``, ``claimed``, or ``parked`` (no worker knew the task).
    state: str
    priority: int
    #: Not to be run before.
    eta: datetime | None
    #: Not to be run after.
    expires: datetime | None
    #: How often it was tried.
    retries: int
    #: The caller's own.
    headers: dict[str, Any]

    def __str__(self) -> str:
        arguments = [repr(value) for value in self.args]
        arguments += [f"{name}={value!r}" for name, value in self.kwargs.items()]
        about = f"queue {self.queue!r}, {self.state}"
        if self.state == "scheduled" and self.eta is not None:
            about += f" for {self.eta}"
        return f"{self.task}({', '.join(arguments)})  [{about}]"


def published(
    app: "Sedano",
    task: "Task[..., Any] | str | None" = None,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    queue: str | None = None,
) -> list[PublishedTask]:
    """What waits in the broker: queue by queue, in the order in which it would be run.

    Args:
        app: The application.
        task: Only calls of this task, or of the task of this name.
        args: Only calls with exactly these positional arguments. ``unittest.mock.ANY`` stands for any value.
        kwargs: Only calls with exactly these keyword arguments.
        queue: Only what is in this queue.
    """
    name = task if isinstance(task, str) or task is None else task.name
    wanted_args = None if args is None else tuple(map(_as_read, args))
    wanted_kwargs = None if kwargs is None else _as_read(kwargs)
    return [
        one
        for one in _all_published(app, queue)
        if (name is None or one.task == name)
        and (wanted_args is None or wanted_args == tuple(map(_as_read, one.args)))
        and (wanted_kwargs is None or wanted_kwargs == _as_read(one.kwargs))
    ]


def assert_published(
    app: "Sedano",
    task: "Task[..., Any] | str | None" = None,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    queue: str | None = None,
    count: int | None = None,
) -> PublishedTask:
    """Fail unless such a call waits in the broker, and say what does; returns the first one.

    Args:
        app: As for ``published``, and so are ``task``, ``args``, ``kwargs`` and ``queue``.
        count: How many there are to be; None means at least one.
    """
    __tracebackhide__ = True
    found = published(app, task, args, kwargs, queue=queue)
    if not found or (count is not None and len(found) != count):
        what = _described(task, args, kwargs, queue)
        said = f"{what} is not published." if not found else f"{what} is published {len(found)} times."
        wanted = "" if count is None else f" Expected: {count}."
        raise AssertionError(f"{said}{wanted}\n{_what_there_is(app)}")
    return found[0]


def assert_not_published(
    app: "Sedano",
    task: "Task[..., Any] | str | None" = None,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    queue: str | None = None,
) -> None:
    """Fail if such a call waits in the broker.

    Args:
        app: As for ``published``, and so are the others.
    """
    __tracebackhide__ = True
    found = published(app, task, args, kwargs, queue=queue)
    if found:
        raise AssertionError(f"{_described(task, args, kwargs, queue)} is published:\n{_listed(found)}")


def clear_published(app: "Sedano") -> int:
    """Delete every message that no worker holds, and every dead letter; returns how many messages."""
    admin = app.broker.admin
    deleted = sum(admin.purge(queue) for queue in admin.queues())
    admin.discard([letter.key for letter in admin.dead_letters(limit=WHOLE_QUEUE)])
    return deleted


def _all_published(app: "Sedano", queue: str | None) -> list[PublishedTask]:
    admin = app.broker.admin
    queues = admin.queues() if queue is None else [queue]
    return [_read(app, one) for name in queues for one in admin.peek(name, limit=WHOLE_QUEUE)]


def _read(app: "Sedano", stored: StoredMessage) -> PublishedTask:
    message = decode(stored.envelope, accept=app.settings.tasks.accept_content)
    return PublishedTask(
        message.task,
        message.id,
        tuple(message.args),
        message.kwargs,
        stored.queue,
        stored.state,
        stored.priority,
        parse_time(message.eta) if message.eta is not None else None,
        parse_time(message.expires) if message.expires is not None else None,
        message.retries,
        message.headers,
    )


def _as_read(value: Any) -> Any:
    """As it would come out of a message: tuples are lists there."""
    if isinstance(value, list | tuple):
        return [_as_read(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _as_read(item) for key, item in value.items()}
    return value


def _described(
    task: "Task[..., Any] | str | None",
    args: Sequence[Any] | None,
    kwargs: Mapping[str, Any] | None,
    queue: str | None,
) -> str:
    name = "any task" if task is None else task if isinstance(task, str) else task.name
    parts = [f"A call of {name}"]
    if args is not None:
        parts.append(f"with args {tuple(args)!r}")
    if kwargs is not None:
        parts.append(f"with kwargs {dict(kwargs)!r}")
    if queue is not None:
        parts.append(f"in queue {queue!r}")
    return " ".join(parts)


def _what_there_is(app: "Sedano") -> str:
    there = _all_published(app, None)
    text = f"Published are:\n{_listed(there)}" if there else "Nothing is."
    waiting = waiting_for_commit()
    if waiting:
        text += (
            f"\nA transaction is open, and functions wait for its commit: {waiting}. In a TestCase it never "
            "comes: use sedano.testing.django.RunsTasks, or captureOnCommitCallbacks(execute=True)."
        )
    return text


def _listed(found: Sequence[PublishedTask], most: int = 20) -> str:
    lines = [f"  {one}" for one in found[:most]]
    if len(found) > most:
        lines.append(f"  ... and {len(found) - most} more")
    return "\n".join(lines)
