"""The signals of a worker that starts: ``celeryd_init``, ``worker_init``, ``celeryd_after_setup``.

Sent by ``cli.planning`` in the process that imports the application. Where the worker's other processes are
forked from it, threads are a danger: who starts one here is remembered, and named by the zygote.
"""

import threading
import weakref
from collections.abc import Mapping
from typing import Any, Final

from sedano import signals
from sedano.signals import Signal
from sedano.tasks.worker_view import WorkerView

_started_by: Final["weakref.WeakKeyDictionary[threading.Thread, str]"] = weakref.WeakKeyDictionary()


def configuring(worker: WorkerView, conf: Any, options: Mapping[str, Any]) -> None:
    """The settings may still be changed: for one worker, by its name."""
    named = {"instance": worker, "conf": conf, "options": dict(options)}
    send(signals.celeryd_init, worker.hostname, named)


def initializing(worker: WorkerView) -> None:
    """The worker is configured; it has no processes yet, and logs nothing yet."""
    send(signals.worker_init, worker, {})


def set_up(worker: WorkerView, conf: Any) -> None:
    """Logging is set up as well."""
    send(signals.celeryd_after_setup, worker.hostname, {"instance": worker, "conf": conf})


def send(signal: Signal, sender: object, named: dict[str, Any]) -> None:
    """Call the receivers, and remember which of them starts a thread."""
    for receiver in signal.heard_by(sender):
        before = set(threading.enumerate())
        signal.tell(receiver, sender, named)
        for thread in set(threading.enumerate()) - before:
            _started_by[thread] = f"the {signal.name} receiver {_name_of(receiver)}"


def culprit(thread: threading.Thread) -> str:
    """Who started a thread of this process, as far as that is known."""
    return _started_by.get(thread, "importing the application")


def _name_of(receiver: Any) -> str:
    name = getattr(receiver, "__qualname__", None)
    return f"{receiver.__module__}.{name}" if name else repr(receiver)
