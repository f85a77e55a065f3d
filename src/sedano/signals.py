"""Celery's signals: hooks that users connect functions to, by name.

Users connect; the publisher, the application, the processes of a worker, and the subscribers of announcements
send (docs/signals.md says when and where). A signal without receivers costs one look. Never raises what a
receiver raises: that is logged and handed back.
"""

import inspect
import logging
import threading
import time
import weakref
from collections.abc import Callable, Collection, Hashable
from typing import Any, Final, TypeAlias, TypeVar, overload

logger = logging.getLogger("sedano")

Receiver = Callable[..., Any]
F = TypeVar("F", bound=Receiver)

#: What identifies a receiver, and its sender; None as the sender hears all.
Entry: TypeAlias = tuple[Hashable, Hashable]

#: Receivers that are to be called again wait so long after each failure, up to the longest pause. Seconds.
RETRY_STEP: Final = 2.0
LONGEST_RETRY_PAUSE: Final = 30.0


def _key(target: object) -> Hashable:
    """What identifies a sender or a receiver: the text for texts, the object itself for the rest."""
    if isinstance(target, str | bytes):
        return target
    if (resolve := getattr(type(target), "_get_current_object", None)) is not None:
        target = resolve(target)  # a proxy, such as current_app
    function = getattr(target, "__func__", None)
    owner = getattr(target, "__self__", None)
    return (id(owner), id(function)) if function is not None else id(target)


def _takes_keywords(receiver: Receiver) -> bool:
    try:
        parameters = inspect.signature(receiver).parameters.values()
    except (TypeError, ValueError):
        return True  # written in C: it cannot be told
    return any(one.kind is one.VAR_KEYWORD for one in parameters)


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

    __slots__ = ("_lock", "_pause", "_receivers", "name", "providing_args")

    def __init__(
        self,
        name: str,
        providing_args: Collection[str] = (),
        *,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """
        Args:
            name: For people.
            providing_args: What receivers get beside ``sender`` and ``signal``.
            pause: Waits so many seconds, between two calls of a receiver that is to be called again.
        """
        self.name = name
        self.providing_args = frozenset(providing_args)
        self._pause = pause
        self._lock = threading.Lock()
        # Each receiver, or a weak reference to it; replaced, never changed, so that ``send`` reads it without
        # the lock.
        self._receivers: dict[Entry, Receiver] = {}

    @property
    def receivers(self) -> list[tuple[Entry, Receiver]]:
        """Who is connected: pairs of an identity and a receiver, or a weak reference to one.

        May be set: ``signal.receivers = []`` silences a signal, for a test.
        """
        return list(self._receivers.items())

    @receivers.setter
    def receivers(self, entries: Collection[tuple[Entry, Receiver]]) -> None:
        with self._lock:
            self._receivers = dict(entries)

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
        receiver: Any = None,
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
            dispatch_uid: Identifies the receiver: a second one with the same identity is not connected.
            retry: Call it again until it does not raise, after 2, 4, 6, up to 30 seconds; whoever sends the
                signal waits. The receiver is not held weakly.

        Raises:
            ValueError: the receiver does not take ``**kwargs``: signals may send more one day.
        """
        if receiver is not None and not callable(receiver):
            # Celery's `@signal.connect("w1@host")`.
            receiver, sender = None, receiver
        if receiver is None:

            def decorate(function: F) -> F:
                self.connect(function, sender, weak, dispatch_uid, retry)
                return function

            return decorate
        if not _takes_keywords(receiver):
            raise ValueError(f"{self.name}: the receiver {receiver!r} must take **kwargs.")
        entry = _entry(receiver, sender, dispatch_uid)
        kept = _Persistent(receiver, self) if retry else receiver
        reference = self._refer(kept) if weak and not retry else kept
        with self._lock:
            alive = {key: known for key, known in self._receivers.items() if _resolve(known) is not None}
            alive.setdefault(entry, reference)
            self._receivers = alive
        return receiver

    def _refer(self, receiver: Receiver) -> Receiver:
        def forget(_: object) -> None:
            # Called by the garbage collector, perhaps in a thread that holds the lock: then the next
            # connection clears up.
            if self._lock.acquire(blocking=False):
                try:
                    self._receivers = {k: r for k, r in self._receivers.items() if _resolve(r) is not None}
                finally:
                    self._lock.release()

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
        entry = _entry(receiver, sender, dispatch_uid)
        with self._lock:
            known = self._receivers.get(entry)
            found = known is not None and _resolve(known) is not None
            self._receivers = {key: kept for key, kept in self._receivers.items() if key != entry}
        return found

    def has_listeners(self, sender: object = None) -> bool:
        """Whether anybody would hear this; without a sender, whether anybody might."""
        return bool(self._receivers) and (sender is None or bool(self.heard_by(sender)))

    def send(self, sender: object, **named: Any) -> list[tuple[Receiver, Any]]:
        """Call every receiver; what each returned (or raised, as a value)."""
        if not self._receivers:
            return []
        return [(receiver, self.tell(receiver, sender, named)) for receiver in self.heard_by(sender)]

    send_robust = send

    def heard_by(self, sender: object) -> list[Receiver]:
        """The receivers that hear what this sender sends, in the order in which they were connected."""
        wanted = (None, _key(sender))
        found = [_resolve(known) for (_, key), known in self._receivers.items() if key in wanted]
        return [receiver for receiver in found if receiver is not None]

    def tell(self, receiver: Receiver, sender: object, named: dict[str, Any]) -> Any:
        """Call one receiver; what it returns, or raises."""
        try:
            return receiver(signal=self, sender=sender, **named)
        except Exception as error:
            logger.exception("Signal handler %r of %s failed", receiver, self.name)
            return error

    def __repr__(self) -> str:
        return f"<Signal: {self.name}>"


def _entry(receiver: Receiver | None, sender: object, dispatch_uid: Hashable) -> Entry:
    return dispatch_uid or _key(receiver), _key(sender) if sender is not None else None


def _resolve(known: Receiver) -> Receiver | None:
    return known() if isinstance(known, weakref.ReferenceType) else known


class _Persistent:
    """A receiver that is called until it does not raise."""

    __slots__ = ("_receiver", "_signal")

    def __init__(self, receiver: Receiver, signal: Signal) -> None:
        self._receiver = receiver
        self._signal = signal

    def __call__(self, **named: Any) -> Any:
        pause = 0.0
        while True:
            try:
                return self._receiver(**named)
            except Exception:
                pause = min(pause + RETRY_STEP, LONGEST_RETRY_PAUSE)
                about = self._receiver, self._signal.name, pause
                logger.exception("Signal handler %r of %s failed; trying again in %g s", *about)
                self._signal._pause(pause)

    def __repr__(self) -> str:
        return repr(self._receiver)


# -- publishing; the sender is the task's name
before_task_publish: Final = Signal(
    "before_task_publish",
    ("body", "declare", "exchange", "headers", "properties", "retry_policy", "routing_key"),
)
after_task_publish: Final = Signal("after_task_publish", ("body", "exchange", "headers", "routing_key"))

# -- the life of a task; the sender is the task, but for received, rejected and unknown: the worker
task_received: Final = Signal("task_received", ("request",))
task_prerun: Final = Signal("task_prerun", ("args", "kwargs", "task", "task_id"))
task_postrun: Final = Signal("task_postrun", ("args", "kwargs", "retval", "state", "task", "task_id"))
task_success: Final = Signal("task_success", ("result", "runtime"))
task_retry: Final = Signal("task_retry", ("einfo", "reason", "request"))
task_failure: Final = Signal("task_failure", ("args", "einfo", "exception", "kwargs", "task_id", "traceback"))
task_internal_error: Final = Signal(
    "task_internal_error", ("args", "einfo", "exception", "kwargs", "request", "task_id", "traceback")
)
task_revoked: Final = Signal("task_revoked", ("expired", "request", "signum", "terminated"))
task_rejected: Final = Signal("task_rejected", ("exc", "message"))
task_unknown: Final = Signal("task_unknown", ("exc", "id", "message", "name"))
task_sent: Final = Signal("task_sent", ("args", "eta", "kwargs", "task", "task_id", "taskset"))

# -- the life of a worker; the sender is the worker or, where its name is said here, that
import_modules: Final = Signal("import_modules")  # the application
celeryd_init: Final = Signal("celeryd_init", ("conf", "instance", "options"))  # the worker's name
celeryd_after_setup: Final = Signal("celeryd_after_setup", ("conf", "instance"))  # the worker's name
worker_init: Final = Signal("worker_init")
worker_before_create_process: Final = Signal("worker_before_create_process")
worker_process_init: Final = Signal("worker_process_init")  # the worker's name
worker_process_shutdown: Final = Signal("worker_process_shutdown", ("exitcode", "pid"))  # the worker's name
worker_ready: Final = Signal("worker_ready")
heartbeat_sent: Final = Signal("heartbeat_sent")
worker_shutting_down: Final = Signal("worker_shutting_down", ("exitcode", "how", "sig"))  # the worker's name
worker_shutdown: Final = Signal("worker_shutdown")

# -- logging; no sender
setup_logging: Final = Signal("setup_logging", ("colorize", "format", "logfile", "loglevel"))
after_setup_logger: Final = Signal(
    "after_setup_logger", ("colorize", "format", "logfile", "logger", "loglevel")
)
after_setup_task_logger: Final = Signal(
    "after_setup_task_logger", ("colorize", "format", "logfile", "logger", "loglevel")
)

# -- other programs and pools of Celery's
beat_init: Final = Signal("beat_init")
beat_embedded_init: Final = Signal("beat_embedded_init")
eventlet_pool_started: Final = Signal("eventlet_pool_started")
eventlet_pool_preshutdown: Final = Signal("eventlet_pool_preshutdown")
eventlet_pool_postshutdown: Final = Signal("eventlet_pool_postshutdown")
eventlet_pool_apply: Final = Signal("eventlet_pool_apply", ("args", "kwargs", "target"))
user_preload_options: Final = Signal("user_preload_options", ("app", "options"))

_NO_GREENLETS: Final = "there is no eventlet pool"

#: Celery's signals which nothing sends, and why. A worker warns of receivers that wait for one in vain.
NOT_SENT: Final = {
    eventlet_pool_started: _NO_GREENLETS,
    eventlet_pool_preshutdown: _NO_GREENLETS,
    eventlet_pool_postshutdown: _NO_GREENLETS,
    eventlet_pool_apply: _NO_GREENLETS,
    task_sent: "Celery 5 does not send it either; after_task_publish is its successor",
    user_preload_options: "the command line takes no options of your own",
}
