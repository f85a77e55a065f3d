"""The errors under the names that Celery gives them, for ``from sedano.exceptions import ...``.

For users only: the package itself uses ``sedano.errors``.
"""

from sedano.errors import (
    BrokerUnavailable,
    ChordError,
    ConfigurationError,
    ContentDisallowed,
    Ignore,
    IncompleteStream,
    InvalidArguments,
    MalformedMessage,
    MaxRetriesExceeded,
    MessageTooLarge,
    NotSerializable,
    NotSupported,
    QueueNotFound,
    Reject,
    ResultStoreError,
    ResultStoreUnavailable,
    Retry,
    SedanoError,
    SoftTimeLimitExceeded,
    TaskCrashed,
    TaskError,
    TaskNotRegistered,
    TaskPredicate,
    TaskRevoked,
    TaskTimeout,
    TimeLimitExceeded,
)

CeleryError = SedanoError
ImproperlyConfigured = ConfigurationError
OperationalError = BrokerUnavailable
NotRegistered = TaskNotRegistered
InvalidTaskError = MalformedMessage
EncodeError = NotSerializable
MaxRetriesExceededError = MaxRetriesExceeded
TaskRevokedError = TaskRevoked
WorkerLostError = TaskCrashed
TimeoutError = TaskTimeout
BackendError = ResultStoreError

__all__ = [
    "BackendError",
    "BrokerUnavailable",
    "CeleryError",
    "ChordError",
    "ConfigurationError",
    "ContentDisallowed",
    "EncodeError",
    "Ignore",
    "ImproperlyConfigured",
    "IncompleteStream",
    "InvalidArguments",
    "InvalidTaskError",
    "MaxRetriesExceeded",
    "MaxRetriesExceededError",
    "MessageTooLarge",
    "NotRegistered",
    "NotSerializable",
    "NotSupported",
    "OperationalError",
    "QueueNotFound",
    "Reject",
    "ResultStoreError",
    "ResultStoreUnavailable",
    "Retry",
    "SedanoError",
    "SoftTimeLimitExceeded",
    "TaskCrashed",
    "TaskError",
    "TaskNotRegistered",
    "TaskPredicate",
    "TaskRevoked",
    "TaskRevokedError",
    "TaskTimeout",
    "TimeLimitExceeded",
    "TimeoutError",
    "WorkerLostError",
]
