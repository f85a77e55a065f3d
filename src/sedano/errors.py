"""Every error this package raises on purpose.

Celery's names for the same errors are in ``sedano.exceptions``.

SedanoError
├── ConfigurationError               a setting, option or argument of the user's is wrong
│   ├── UnknownSetting
│   ├── NotSupported                 Celery accepts it, this version of Sedano does not
│   ├── QueueNotFound                also a KeyError
│   └── ApplicationNotFound          ``-A`` names nothing that can be imported
├── BrokerError
│   ├── BrokerUnavailable            worth retrying
│   └── LeaseLost                    this node was taken for dead; its claims are void
├── ResultStoreError
│   └── ResultStoreUnavailable       worth retrying
├── MessageError
│   ├── MalformedMessage
│   ├── ContentDisallowed
│   ├── MessageTooLarge
│   └── NotSerializable
├── TaskError
│   ├── TaskNotRegistered            also a KeyError
│   ├── InvalidArguments             also a TypeError: arguments that do not fit the task's signature
│   ├── MaxRetriesExceeded
│   ├── TaskRevoked
│   ├── TaskCrashed                  the process running the task died
│   ├── TaskTimeout                  waiting for a result took too long; also a TimeoutError
│   ├── SoftTimeLimitExceeded
│   ├── TimeLimitExceeded
│   ├── ChordError
│   └── IncompleteStream             what a task has started is not known before it has finished
└── TaskPredicate                    raised by a task to say what shall become of it
    ├── Retry
    ├── Ignore
    │   └── Replaced                 another call has taken the task's place
    └── Reject
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any


def did_you_mean(word: str, known: Collection[str]) -> str:
    """A hint such as ``' Did you mean 'add'?'``, or an empty string when nothing is close."""
    import difflib  # only when something is wrong: it takes as long to import as the rest of this package

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.75)
    return f" Did you mean {close[0]!r}?" if close else ""


class SedanoError(Exception):
    """The root of this package's errors."""

    #: The ids of what ``Task.publish_many`` had published before it raised this.
    published: tuple[str, ...] = ()


# -- configuration


class ConfigurationError(SedanoError):
    """A setting, option or argument has a value that cannot be used; the message says which and why."""


class UnknownSetting(ConfigurationError):
    """A setting's name is close to a known one, but is none."""

    def __init__(self, name: str, known: Collection[str] = ()) -> None:
        self.name = name
        self._hint = did_you_mean(name, known)
        super().__init__(name)

    def __str__(self) -> str:
        return f"{self.name}: no such setting.{self._hint}"


class NotSupported(ConfigurationError):
    """Celery accepts this; this version of Sedano does not, and says so rather than ignore it."""


class QueueNotFound(ConfigurationError, KeyError):
    """A queue is named that ``task_queues`` does not have, and that may not be made."""

    __str__ = Exception.__str__  # KeyError's shows the message in quotes


class ApplicationNotFound(ConfigurationError):
    """``-A`` (or ``--app``) does not lead to an application."""


# -- brokers and stores


class BrokerError(SedanoError):
    """The broker did not do what it was asked to."""


class BrokerUnavailable(BrokerError):
    """The broker could not be reached, or did not answer in time. Trying again later is worthwhile."""

    def __init__(self, broker: str, reason: str) -> None:
        self.broker = broker
        self.reason = reason
        super().__init__(broker, reason)

    def __str__(self) -> str:
        return f"The {self.broker} broker is unavailable: {self.reason}"


class LeaseLost(BrokerError):
    """Other nodes took this one for dead, and its work over. Its claims are void."""


class ResultStoreError(SedanoError):
    """The result store did not do what it was asked to."""


class ResultStoreUnavailable(ResultStoreError):
    """The result store could not be reached, or did not answer in time. Trying again later is worthwhile."""


# -- messages


class MessageError(SedanoError):
    """A message cannot be written or read."""


class MalformedMessage(MessageError):
    """A message's bytes are not what its headers promise, or not a task at all."""


class ContentDisallowed(MessageError):
    """A message's content type is not in ``accept_content``."""


class MessageTooLarge(MessageError):
    """A message is larger than ``task_max_message_size``."""


class NotSerializable(MessageError, TypeError):
    """An argument or a result cannot be written by the serializer in use."""


# -- tasks


class TaskError(SedanoError):
    """Something is wrong with a task, or with one run of it."""


class TaskNotRegistered(TaskError, KeyError):
    """A message or a call names a task that this process does not know.

    Import the module that defines it, or add it to ``imports``.
    """

    def __init__(self, name: str, known: Collection[str] = ()) -> None:
        self.name = name
        self._hint = did_you_mean(name, known)
        super().__init__(name)

    def __str__(self) -> str:
        return f"No task is registered as {self.name!r}.{self._hint}"


class InvalidArguments(TaskError, TypeError):
    """The arguments of a call do not fit the signature of the task's function."""


class MaxRetriesExceeded(TaskError):
    """A task asked for a retry and had none left.

    ``task_args`` and ``task_kwargs`` are the arguments of the last attempt.
    """

    def __init__(self, *args: object, task_args: Any = (), task_kwargs: Any = None) -> None:
        self.task_args = task_args
        self.task_kwargs = task_kwargs or {}
        super().__init__(*args)


class TaskRevoked(TaskError):
    """The task was revoked or had expired before it could run."""


class TaskCrashed(TaskError):
    """The process that ran the task ended under it, by a signal or by ``os._exit``."""


class TaskTimeout(TaskError, TimeoutError):
    """The result was not there within the time given to ``get()``."""


class SoftTimeLimitExceeded(TaskError):
    """Raised inside a task when its soft time limit has passed, so that it can clean up."""


class TimeLimitExceeded(TaskError):
    """A task ran past its hard time limit and was killed; the argument is the limit in seconds."""


class ChordError(TaskError):
    """A member of a chord's header failed, so that its body cannot run."""


class IncompleteStream(TaskError):
    """What a task has started cannot be told: it has not finished."""


# -- what a task may say about itself


class TaskPredicate(SedanoError):
    """Raised by a task to say what shall become of it."""


class Retry(TaskPredicate):
    """The task is to run again; raised by ``Task.retry``, or directly by a task.

    Args:
        message: Text for the log.
        exc: What made the retry necessary.
        when: Seconds from now (int or float), or the moment (``datetime``) of the next attempt.
        is_eager: The attempt runs in the calling process.
        sig: The call that the next attempt is, where it has one.
    """

    def __init__(
        self,
        message: str | None = None,
        exc: BaseException | None = None,
        when: float | datetime | None = None,
        is_eager: bool = False,
        sig: Any = None,
        **kwargs: Any,
    ) -> None:
        self.message = message
        self.exc = exc
        self.excs = repr(exc) if exc is not None else None
        self.when = when
        self.is_eager = is_eager
        self.sig = sig
        super().__init__(message, exc, when, **kwargs)

    def humanize(self) -> str:
        """When the next attempt is, in words."""
        return f"in {self.when}s" if isinstance(self.when, int | float) else f"at {self.when}"

    def __str__(self) -> str:
        if self.message:
            return self.message
        reason = f": {self.excs}" if self.excs else ""
        return f"Retry {self.humanize()}{reason}"


class Ignore(TaskPredicate):
    """The task's state is left as it is; its message is removed."""


class Replaced(Ignore):
    """Another call has taken the task's place: ``Task.replace``."""


class Reject(TaskPredicate):
    """The task refuses its message: it goes back to the queue, or to the dead letters.

    Args:
        reason: What to note with it.
        requeue: True puts the message back; False buries it.
    """

    def __init__(self, reason: object = None, requeue: bool = False) -> None:
        self.reason = reason
        self.requeue = requeue
        super().__init__(reason, requeue)

    def __repr__(self) -> str:
        return f"reject requeue={self.requeue}: {self.reason}"
