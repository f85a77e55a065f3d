"""Celery's signals: hooks that users connect functions to, by name.

Users connect; the publisher, the application, and the subscribers of announcements send. A signal without
receivers costs one look. Never raises what a receiver raises: that is logged and handed back.
"""

import logging
import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar, overload

from sedano.errors import NotSupported

logger = logging.getLogger("sedano")

Receiver = Callable[..., Any]
F = TypeVar("F", bound=Receiver)


def _key(target: object) -> Hashable:
    """What identifies a sender or a receiver: the text for texts, the object itself for the rest."""
    if isinstance(target, str | bytes):
        return target
    function = getattr(target, "__func__", None)
    owner = getattr(target, "__self__", None)
    return (id(owner), id(function)) if function is not None else id(target)


class Signal:
    """One thing that happens, and the functions that want to hear of it.

    Receivers take ``**kwargs`` (and ``sender``, ``signal``). They are held weakly unless ``weak=False``.

    >>> ping = Signal("ping")
    >>> @ping.connect
    ... def answer(sender, **kwargs):
    ...     return f"pong to {sender}"
    >>> [response for _, response in ping.send(sender="me")]
    ['pong to me']
    """

    __slots__ = ("_lock", "_receivers", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        # (receiver key, sender key or None) -> a function that finds the receiver; replaced, never changed,
        # so that ``send`` reads it without the lock.
        self._receivers: dict[tuple[Hashable, Hashable], Callable[[], Receiver | None]] = {}

    @overload
    def connect(self, receiver: F, /) -> F: ...

    @overload
    def connect(
        self,
        receiver: None = None,
        sender: object = None,
        weak: bool = True,
        dispatch_uid: Hashable = None,
        retry: bool = False,
    ) -> Callable[[F], F]: ...

    @overload
    def connect(
        self,
        receiver: F,
        sender: object = None,
        weak: bool = True,
        dispatch_uid: Hashable = None,
        retry: bool = False,
    ) -> F: ...

    def connect(
        self,
        receiver: Receiver | None = None,
        sender: object = None,
        weak: bool = True,
        dispatch_uid: Hashable = None,
        retry: bool = False,
    ) -> Any:
        """Call ``receiver`` whenever this is sent; usable as a decorator, with and without arguments.

        Args:
            receiver: The function to call.
            sender: Only when sent by this one; None for all.
            weak: Forget the receiver when nothing else refers to it.
            dispatch_uid: Identifies the receiver: a second one with the same identity replaces the first.
            retry: Not supported.
        """
        if retry:
            raise NotSupported(f"{self.name}.connect(retry=True): receivers are called once in this version.")
        if receiver is None:

            def decorate(function: F) -> F:
                self.connect(function, sender, weak, dispatch_uid)
                return function

            return decorate
        entry = (dispatch_uid or _key(receiver), _key(sender) if sender is not None else None)
        reference = self._refer(receiver, entry) if weak else lambda: receiver
        with self._lock:
            self._receivers = {**self._receivers, entry: reference}
        return receiver

    def _refer(self, receiver: Receiver, entry: tuple[Hashable, Hashable]) -> Callable[[], Receiver | None]:
        def forget(reference: object) -> None:
            # A new receiver may have taken the place (the same dispatch_uid, or a reused id).
            if self._receivers.get(entry) is reference:
                self._receivers = {key: kept for key, kept in self._receivers.items() if key != entry}

        if hasattr(receiver, "__self__") and hasattr(receiver, "__func__"):
            return weakref.WeakMethod(receiver, forget)
        return weakref.ref(receiver, forget)

    def disconnect(
        self,
        receiver: Receiver | None = None,
        sender: object = None,
        weak: bool | None = None,
        dispatch_uid: Hashable = None,
    ) -> bool:
        """Undo ``connect`` with the same receiver (or identity) and sender; whether there was one."""
        entry = (dispatch_uid or _key(receiver), _key(sender) if sender is not None else None)
        with self._lock:
            found = entry in self._receivers
            self._receivers = {key: kept for key, kept in self._receivers.items() if key != entry}
        return found

    def has_listeners(self, sender: object = None) -> bool:
        """Whether anybody would hear this; without a sender, whether anybody might."""
        return bool(self._receivers) and (sender is None or bool(self._live_receivers(sender)))

    def send(self, sender: object, **named: Any) -> list[tuple[Receiver, Any]]:
        """Call every receiver; what each returned (or raised, as a value)."""
        if not self._receivers:
            return []
        responses: list[tuple[Receiver, Any]] = []
        for receiver in self._live_receivers(sender):
            try:
                response = receiver(signal=self, sender=sender, **named)
            except Exception as error:
                logger.exception("Signal handler %r of %s failed", receiver, self.name)
                response = error
            responses.append((receiver, response))
        return responses

    def _live_receivers(self, sender: object) -> list[Receiver]:
        wanted = (None, _key(sender))
        found = [reference() for (_, key), reference in self._receivers.items() if key in wanted]
        return [receiver for receiver in found if receiver is not None]

    def __repr__(self) -> str:
        return f"<Signal: {self.name}>"


# -- publishing; the sender is the task's name
before_task_publish: Final = Signal("before_task_publish")
after_task_publish: Final = Signal("after_task_publish")

# -- the life of a task; the sender is the task, but for received, rejected and unknown: the worker
task_received: Final = Signal("task_received")
task_prerun: Final = Signal("task_prerun")
task_postrun: Final = Signal("task_postrun")
task_success: Final = Signal("task_success")
task_retry: Final = Signal("task_retry")
task_failure: Final = Signal("task_failure")
task_internal_error: Final = Signal("task_internal_error")
task_revoked: Final = Signal("task_revoked")
task_rejected: Final = Signal("task_rejected")
task_unknown: Final = Signal("task_unknown")

# -- the life of a worker
import_modules: Final = Signal("import_modules")
celeryd_init: Final = Signal("celeryd_init")
worker_init: Final = Signal("worker_init")
worker_before_create_process: Final = Signal("worker_before_create_process")
worker_process_init: Final = Signal("worker_process_init")
worker_process_shutdown: Final = Signal("worker_process_shutdown")
worker_ready: Final = Signal("worker_ready")
worker_shutting_down: Final = Signal("worker_shutting_down")
worker_shutdown: Final = Signal("worker_shutdown")

# -- logging
setup_logging: Final = Signal("setup_logging")
after_setup_logger: Final = Signal("after_setup_logger")
after_setup_task_logger: Final = Signal("after_setup_task_logger")

#: Celery's, which nothing in this version sends. A worker warns of receivers that wait for one in vain.
NOT_SENT: Final = (
    task_received,
    task_internal_error,
    task_rejected,
    task_unknown,
    celeryd_init,
    worker_init,
    worker_ready,
    worker_shutting_down,
    worker_shutdown,
)
