"""When a call is to run, and until when: as a call says it, and as a message does.

Used by the publisher.
"""

from datetime import UTC, datetime, timedelta

from sedano.clock import Clock
from sedano.errors import ConfigurationError
from sedano.message.task_message import TaskMessage
from sedano.message.wire_time import format_time, parse_time
from sedano.tasks.options import TaskOptions


def set_eta(message: TaskMessage, options: TaskOptions, clock: Clock) -> float | None:
    """Write when the call is to run; the same as POSIX seconds. None means at once."""
    if options.countdown is not None:
        eta = clock.now() + timedelta(seconds=options.countdown)
    elif options.eta is not None:
        eta = _moment("eta", options.eta)
    else:
        return None
    message.eta = format_time(eta)
    return eta.timestamp()


def set_expires(message: TaskMessage, expires: float | datetime | timedelta | str, clock: Clock) -> None:
    """Write after which moment the call is void, and for AMQP how long that is from now."""
    now = clock.now()
    if isinstance(expires, str):
        # As it stood in the message that is being retried.
        message.expires = expires
        moment = _moment("expires", expires)
    else:
        if isinstance(expires, timedelta):
            moment = now + expires
        elif isinstance(expires, datetime):
            moment = _moment("expires", expires)
        else:
            moment = now + timedelta(seconds=expires)
        message.expires = format_time(moment)
    message.expiration = str(max(0, int((moment - now).total_seconds() * 1000)))


def _moment(name: str, value: datetime | str | None) -> datetime:
    """An aware moment; without an offset it is taken as UTC, as Celery does."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    try:
        return parse_time(value or "")
    except ValueError as error:
        raise ConfigurationError(f"{name}: expected a datetime or ISO 8601 text, got {value!r}") from error
