"""``import celery.exceptions``: Sedano's errors, and those that only Celery raises.

The latter are classes that nothing raises: what catches or filters them goes on to work.
"""

from typing import Final

from sedano.exceptions import (
    BackendError,
    CeleryError,
    ChordError,
    Ignore,
    ImproperlyConfigured,
    IncompleteStream,
    InvalidTaskError,
    MaxRetriesExceededError,
    NotRegistered,
    OperationalError,
    QueueNotFound,
    Reject,
    Retry,
    SoftTimeLimitExceeded,
    TaskError,
    TaskPredicate,
    TaskRevokedError,
    TimeLimitExceeded,
    TimeoutError,
    WorkerLostError,
)

RetryTaskError = Retry


class CeleryWarning(UserWarning):
    """The root of Celery's warnings."""


class AlwaysEagerIgnored(CeleryWarning):
    """Celery's warning of ``send_task`` under ``task_always_eager``; Sedano's is a RuntimeWarning."""


class DuplicateNodenameWarning(CeleryWarning):
    """Celery's warning of two workers with one name."""


class DuplicateTaskNameWarning(CeleryWarning):
    """Celery's warning of two tasks with one name."""


class FixupWarning(CeleryWarning):
    """Celery's warning of a set-up that looks wrong."""


class NotConfigured(CeleryWarning):
    """Celery's warning of missing settings."""


class SecurityWarning(CeleryWarning):
    """Celery's warning of a set-up that is not safe."""


class CPendingDeprecationWarning(PendingDeprecationWarning):
    """Celery's warning of what it will deprecate."""


class CDeprecationWarning(DeprecationWarning):
    """Celery's warning of what it has deprecated."""


class SecurityError(CeleryError):
    """Celery's error of signed messages."""


class AlreadyRegistered(TaskError):
    """Celery's error of a second task of a name."""


class BackendGetMetaError(BackendError):
    """Celery's error of a result that cannot be read."""


class BackendStoreError(BackendError):
    """Celery's error of a result that cannot be stored."""


class Terminated(CeleryError):
    """Celery's error of a task that was ended from outside."""


class CeleryCommandException(CeleryError):
    """Celery's error of its command line."""


__all__ = [
    "AlreadyRegistered",
    "AlwaysEagerIgnored",
    "BackendError",
    "BackendGetMetaError",
    "BackendStoreError",
    "CDeprecationWarning",
    "CPendingDeprecationWarning",
    "CeleryCommandException",
    "CeleryError",
    "CeleryWarning",
    "ChordError",
    "DuplicateNodenameWarning",
    "DuplicateTaskNameWarning",
    "FixupWarning",
    "Ignore",
    "ImproperlyConfigured",
    "IncompleteStream",
    "InvalidTaskError",
    "MaxRetriesExceededError",
    "NotConfigured",
    "NotRegistered",
    "OperationalError",
    "QueueNotFound",
    "Reject",
    "Retry",
    "RetryTaskError",
    "SecurityError",
    "SecurityWarning",
    "SoftTimeLimitExceeded",
    "TaskError",
    "TaskPredicate",
    "TaskRevokedError",
    "Terminated",
    "TimeLimitExceeded",
    "TimeoutError",
    "WorkerLostError",
]

_STOPPING: Final = (
    "A task or a signal's receiver cannot stop the worker by raising it. Send the worker SIGTERM."
)

_REFUSED: Final = {
    "SystemTerminate": _STOPPING,
    "WorkerShutdown": _STOPPING,
    "WorkerTerminate": _STOPPING,
    "reraise": "Use `raise error.with_traceback(traceback)`.",
}
