"""Publishing from coroutines, without blocking their event loop.

Called by ``async_calls`` and ``AsyncBatches``: the counterpart of ``Publisher.publish``. Never prepares a
message.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sedano import signals
from sedano.brokers.async_publishing import async_publishing
from sedano.brokers.publication import Publication
from sedano.errors import BrokerUnavailable
from sedano.loops.threads import in_thread
from sedano.tasks import publish_signals
from sedano.tasks.options import NO_OPTIONS, TaskOptions

if TYPE_CHECKING:
    from sedano.tasks.application import Application
    from sedano.tasks.task import Task


async def publish(
    app: "Application",
    publications: Sequence[Publication],
    options: TaskOptions = NO_OPTIONS,
    *,
    task: "Task[..., Any] | None" = None,
) -> None:
    """``Publisher.publish`` for coroutines."""
    if options.on_commit is False:
        app.publisher.check_leaving()
    later = partial(app.publisher.publish, publications, options, task=task, at_once=True)
    if await goes_now(app, later, options, task=task):
        await send(app, publications, options)


async def goes_now(
    app: "Application",
    send_later: Callable[[], object],
    options: TaskOptions,
    *,
    task: "Task[..., Any] | None",
) -> bool:
    """Whether a message may leave now. If not, ``send_later`` is called when it may, in whatever thread."""
    publisher = app.publisher
    if publisher.gate is None or not publisher.may_wait(options, task):
        return True
    passage = _Passage(send_later)
    await app.run_blocking(publisher.gate, passage)
    return passage.leave()


async def send(app: "Application", publications: Sequence[Publication], options: TaskOptions) -> None:
    """Put messages into the broker now, with the tries that there are."""
    started = app.clock.monotonic()
    broker = async_publishing(app.broker)
    try:
        await _listen(app, publications)
        await broker.publish(publications)
    except BrokerUnavailable as error:
        failure = error
        for pause in app.publisher.pauses(options, started):
            await asyncio.sleep(pause)
            try:
                await _listen(app, publications)
                await broker.publish(publications)
            except BrokerUnavailable as again:
                failure = again
            else:
                break
        else:
            raise failure
    if signals.after_task_publish.has_listeners():
        publish_signals.after(publications)


async def _listen(app: "Application", publications: Sequence[Publication]) -> None:
    """Hear what is replied to these, from before they are published."""
    if app.publisher.expects_replies(publications) and app.publisher.replies is not None:
        await in_thread(app.publisher.replies.listen)


class _Passage:
    """What a gate is handed as the sending: a gate that calls it at once lets the caller send."""

    def __init__(self, send_later: Callable[[], object]) -> None:
        self._send_later = send_later
        self._lock = threading.Lock()  # guards the next two
        self._is_open = False
        self._is_left = False

    def __call__(self) -> None:
        with self._lock:
            if not self._is_left:
                self._is_open = True
                return
        self._send_later()

    def leave(self) -> bool:
        """Whether it was called so far. From now on a call of it sends."""
        with self._lock:
            self._is_left = True
            return self._is_open
