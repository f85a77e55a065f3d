"""Exceptions as documents: class, module and arguments, as Celery stores them; and back, safely.

Called by ``celery_meta``. Reading never imports a module and never makes anything but an exception: a
document cannot make this process run code that it has not already loaded.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sedano import errors
from sedano.message.representation import represent

#: Our errors, and the module and name by which Celery knows them.
CELERYS_NAMES: Final[Mapping[type[BaseException], tuple[str, str]]] = {
    errors.ChordError: ("celery.exceptions", "ChordError"),
    errors.Ignore: ("celery.exceptions", "Ignore"),
    errors.MaxRetriesExceeded: ("celery.exceptions", "MaxRetriesExceededError"),
    errors.Reject: ("celery.exceptions", "Reject"),
    errors.Retry: ("celery.exceptions", "Retry"),
    errors.TaskNotRegistered: ("celery.exceptions", "NotRegistered"),
    errors.TaskRevoked: ("celery.exceptions", "TaskRevokedError"),
    errors.TaskTimeout: ("celery.exceptions", "TimeoutError"),
    errors.ConfigurationError: ("celery.exceptions", "ImproperlyConfigured"),
    errors.MalformedMessage: ("celery.exceptions", "InvalidTaskError"),
    errors.SoftTimeLimitExceeded: ("billiard.exceptions", "SoftTimeLimitExceeded"),
    errors.TimeLimitExceeded: ("billiard.exceptions", "TimeLimitExceeded"),
    errors.TaskCrashed: ("billiard.exceptions", "WorkerLostError"),
    errors.ContentDisallowed: ("kombu.exceptions", "ContentDisallowed"),
    errors.NotSerializable: ("kombu.exceptions", "EncodeError"),
}

_OURS: Final = {
    **{celerys: ours for ours, celerys in CELERYS_NAMES.items()},
    # celery.exceptions shows some of the others' errors as well.
    ("celery.exceptions", "SoftTimeLimitExceeded"): errors.SoftTimeLimitExceeded,
    ("celery.exceptions", "TimeLimitExceeded"): errors.TimeLimitExceeded,
    ("celery.exceptions", "WorkerLostError"): errors.TaskCrashed,
}


class UnknownRemoteError(errors.TaskError):
    """A task failed with an error whose class is not loaded here; one of that name stands for it."""


def write(error: BaseException, is_writable: Callable[[Any], bool]) -> dict[str, Any]:
    """An exception as Celery's document.

    Args:
        error: The exception.
        is_writable: Whether the serializer can write a value; arguments that it cannot are written as text.

    >>> write(ValueError("bad", 7), lambda value: True)
    {'exc_type': 'ValueError', 'exc_message': ['bad', 7], 'exc_module': 'builtins'}
    """
    kind = type(error)
    if kind in CELERYS_NAMES:
        module, name = CELERYS_NAMES[kind]
    elif issubclass(kind, UnknownRemoteError):
        module, name = kind.__module__, kind.__name__
    else:
        module, name = kind.__module__, kind.__qualname__
    args = [arg if is_writable(arg) else represent(arg) for arg in error.args]
    return {"exc_type": name, "exc_message": args, "exc_module": module}


def read(document: Any) -> BaseException | None:
    """The exception of a document, its class if this process has loaded it, otherwise one of the same name.

    >>> read({"exc_type": "ValueError", "exc_message": ["bad", 7], "exc_module": "builtins"})
    ValueError('bad', 7)
    """
    if document is None or isinstance(document, BaseException):
        return document
    if not isinstance(document, Mapping) or not isinstance(document.get("exc_type"), str):
        return UnknownRemoteError(represent(document))
    name, module = document["exc_type"], document.get("exc_module")
    args = document.get("exc_message", ())
    if not isinstance(args, list | tuple):
        args = (args,)
    return _make(_find_class(name, module if isinstance(module, str) else None), args)


def _find_class(name: str, module: str | None) -> type[BaseException]:
    if module is not None:
        if (ours := _OURS.get((module, name))) is not None:
            return ours
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            # A module's attributes only: a lazily loading module's __getattr__ would run code.
            found = vars(found).get(part) if found is not None and hasattr(found, "__dict__") else None
        if isinstance(found, type) and issubclass(found, BaseException):
            return found
    return type(
        name.rpartition(".")[2] or "Exception", (UnknownRemoteError,), {"__module__": module or __name__}
    )


def _make(kind: type[BaseException], args: Sequence[Any]) -> BaseException:
    if issubclass(kind, SystemExit | KeyboardInterrupt | GeneratorExit):
        # Raising these here would end the program that only asked for a result.
        return UnknownRemoteError(f"{kind.__name__}({', '.join(represent(arg) for arg in args)})")
    try:
        return kind(*args)
    except Exception:
        # The class wants other arguments than those it keeps: better a bare one of the class than another
        # class.
        bare = kind.__new__(kind)
        bare.args = tuple(args)
        return bare
