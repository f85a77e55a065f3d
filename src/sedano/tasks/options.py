"""How a call is to be published: what ``apply_async`` and ``send_task`` accept besides the arguments.

Built once at the door from the user's keywords; ``**options`` go no further. Never looks at a task or at the
settings: the publisher lays these over them (call > task > routes > settings).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias, TypedDict

import msgspec

from sedano.canvas.plain import Plain
from sedano.errors import ConfigurationError, NotSupported, did_you_mean
from sedano.queues.exchange import DIRECT, Exchange
from sedano.queues.queue import Queue
from sedano.queues.reading import read_queue

#: One signature or several, as objects or as dictionaries.
Signatures: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class RetryOptions(TypedDict, total=False):
    """The keywords of ``Task.retry`` that are not its own, for type checkers."""

    expires: float | datetime | timedelta | None
    queue: str | Queue | None
    exchange: str | Exchange | None
    exchange_type: str | None
    routing_key: str | None
    priority: int | None
    serializer: str | None
    compression: str | None
    ignore_result: bool | None
    time_limit: float | None
    soft_time_limit: float | None
    headers: Mapping[str, Any] | None
    shadow: str | None
    reply_to: str | None
    retry: bool | None
    retry_policy: Mapping[str, Any] | None
    add_to_parent: bool
    root_id: str | None
    parent_id: str | None
    delivery_mode: int | None
    link: Signatures | None
    link_error: Signatures | None
    stamped_headers: Sequence[str] | None


class SharedOptions(RetryOptions, total=False):
    """The keywords of ``publish_many``, for type checkers."""

    countdown: float | timedelta | None
    eta: datetime | None
    retries: int
    on_commit: bool | None
    group_id: str | None
    route_name: str | None


class CallOptions(SharedOptions, total=False):
    """The keywords of ``apply_async`` and ``send_task``, for type checkers."""

    task_id: str | None
    chain: Sequence[Mapping[str, Any]] | None
    chord: Mapping[str, Any] | None
    group_index: int | None
    replaced_task_nesting: int
    argsrepr: str | None
    kwargsrepr: str | None


#: Options of Celery's that this version does not have. None (and other empty values) are let through.
NOT_SUPPORTED: Final[Mapping[str, str]] = {
    "declare": "Queues need no declaration.",
    "producer": "The application's broker is used.",
    "publisher": "The application's broker is used.",
    "connection": "The application's broker is used.",
    "router": "Set task_routes.",
    "mandatory": "Messages always reach their queue.",
    "immediate": "",
    "timeout": "Set broker_publish_timeout.",
    "confirm_timeout": "Set broker_publish_timeout.",
    "result_cls": "",
    "task_type": "",
    "link_task": "",
}


class TaskOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What one call says of itself; None leaves it to the task, the routes and the settings.

    >>> TaskOptions.from_call({"queue": "mails", "countdown": 10}).queue
    'mails'
    """

    task_id: str | None = None
    #: Seconds from now.
    countdown: float | None = None
    eta: datetime | str | None = None
    #: Seconds from now, or the moment (ISO text as it stands in a message).
    expires: float | datetime | str | None = None
    queue: str | None = None
    #: For brokers with exchanges; None where they would only repeat the queue's name.
    exchange: str | None = None
    exchange_type: str | None = None
    routing_key: str | None = None
    priority: int | None = None
    serializer: str | None = None
    compression: str | None = None
    ignore_result: bool | None = None
    #: Seconds.
    time_limit: float | None = None
    soft_time_limit: float | None = None
    headers: Mapping[str, Any] | None = None
    #: The name shown in logs instead of the task's.
    shadow: str | None = None
    reply_to: str | None = None
    #: Whether and how to try again when the broker is unavailable.
    retry: bool | None = None
    retry_policy: Mapping[str, Any] | None = None
    #: Whether the running task lists the new one among its children.
    add_to_parent: bool = True
    root_id: str | None = None
    parent_id: str | None = None
    retries: int = 0
    delivery_mode: int | None = None
    #: Whether to wait for the commit of the transaction that is open here (Django).
    on_commit: bool | None = None
    #: Signatures as plain dictionaries: what follows success, and what follows failure.
    link: list[dict[str, Any]] | None = None
    link_error: list[dict[str, Any]] | None = None
    #: The steps after this one, the next one last.
    chain: list[dict[str, Any]] | None = None
    #: The body of the chord whose header this call is in.
    chord: dict[str, Any] | None = None
    group_id: str | None = None
    group_index: int | None = None
    replaced_task_nesting: int = 0
    stamped_headers: list[str] | None = None
    #: What ``stamped_headers`` names.
    stamps: Mapping[str, Any] | None = None
    #: The name that ``task_routes`` goes by, instead of the task's.
    route_name: str | None = None
    #: What logs and monitors show for the arguments, which may be secret.
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    #: Under ``task_always_eager``: raise what the task raises.
    throw: bool | None = None

    @classmethod
    def from_call(cls, options: Mapping[str, Any]) -> "TaskOptions":
        """Check the keywords of a call.

        Raises:
            NotSupported: an option of Celery's that this version does not have.
            ConfigurationError: an option has the wrong type, or is no option.
        """
        known: dict[str, Any] = {}
        stamped = options.get("stamped_headers")
        if stamped:
            known["stamps"] = _stamps(stamped, options)
        for name, value in options.items():
            if name in _ADDRESS and value is not None:
                continue
            if name in _FIELDS and name != "stamps":
                known[name] = _checked(name, value)
            elif stamped and name in stamped:
                continue
            elif name not in NOT_SUPPORTED:
                raise ConfigurationError(
                    f"{name}: no such option of a call.{did_you_mean(name, [*_FIELDS, 'args', 'kwargs'])}"
                )
            elif value not in (None, (), [], {}, False):
                reason = NOT_SUPPORTED[name]
                raise NotSupported(f"{name}: this option of a call is not supported. {reason}".rstrip())
        if not _ADDRESS.isdisjoint(options):
            known |= _address(options)
        if known.get("countdown") is not None and known.get("eta") is not None:
            raise ConfigurationError("countdown and eta: give one of them.")
        return cls(**known)

    def over(self, defaults: "TaskOptions") -> "TaskOptions":
        """These options where they are set, the others elsewhere."""
        values = {
            name: own if (own := getattr(self, name)) != _DEFAULTS[name] else getattr(defaults, name)
            for name in _FIELDS
        }
        return TaskOptions(**values)


_FIELDS: Final = frozenset(TaskOptions.__struct_fields__)
NO_OPTIONS: Final = TaskOptions()
_DEFAULTS: Final = {name: getattr(NO_OPTIONS, name) for name in _FIELDS}

#: What says where a call goes.
_ADDRESS: Final = frozenset({"queue", "exchange", "exchange_type", "routing_key"})

_TEXTS: Final = frozenset(
    {
        "exchange",
        "exchange_type",
        "routing_key",
        "task_id",
        "queue",
        "serializer",
        "compression",
        "shadow",
        "reply_to",
        "root_id",
        "parent_id",
        "group_id",
        "route_name",
        "argsrepr",
        "kwargsrepr",
    }
)
_LIMITS: Final = frozenset({"time_limit", "soft_time_limit"})


def _address(options: Mapping[str, Any]) -> dict[str, str]:
    """Where a call says it is to go. What only repeats the queue's name, as is often done, says nothing."""
    queue, exchange, routing_key = (options.get(name) for name in ("queue", "exchange", "routing_key"))
    kind = options.get("exchange_type")
    if queue is not None and not isinstance(queue, str) and hasattr(queue, "name"):
        described = read_queue(queue)
        queue = described.alias or described.name
        if not described.is_reached_by_name and described.exchange.type != DIRECT:
            exchange = exchange or described.exchange
            routing_key = routing_key or described.routing_key
    if exchange is not None and not isinstance(exchange, str) and hasattr(exchange, "name"):
        exchange, kind = exchange.name, kind or exchange.type
    given = {"queue": queue, "exchange": exchange, "exchange_type": kind, "routing_key": routing_key}
    found = {
        name: _checked(name, value)
        for name, value in given.items()
        if value is not None and (name == "queue" or value != "")
    }
    for name in ("exchange", "routing_key"):
        if found.get(name) == queue:
            found.pop(name, None)
    if "exchange" not in found and found.get("exchange_type") == DIRECT:
        del found["exchange_type"]
    return found


def _checked(name: str, value: Any) -> Any:
    if value is None:
        return _DEFAULTS[name]
    if name in _TEXTS:
        if not isinstance(value, str) or not value:
            raise ConfigurationError(f"{name}: expected a text, got {value!r}")
        return value
    match name:
        case "countdown":
            return _seconds(name, value) or None
        case "expires":
            if isinstance(value, datetime | str):
                return value
            return _seconds(name, value)
        case "eta":
            if not isinstance(value, datetime | str):
                raise ConfigurationError(f"eta: expected a datetime, got {value!r}")
        case "on_commit":
            if not isinstance(value, bool):
                raise ConfigurationError(f"on_commit: expected True or False, got {value!r}")
        case "priority":
            check_priority(value)
        case "headers" | "retry_policy":
            if not isinstance(value, Mapping):
                raise ConfigurationError(f"{name}: expected a mapping, got {value!r}")
        case "link" | "link_error" | "chain":
            return _signatures(name, value)
        case "chord":
            return _signature(name, value)
        case "group_index" | "replaced_task_nesting":
            if isinstance(value, bool) or not isinstance(value, int):
                raise ConfigurationError(f"{name}: expected an integer, got {value!r}")
        case "stamped_headers":
            return list(value) or None
        case _ if name in _LIMITS:
            return _seconds(name, value) or None
    return value


def _signatures(name: str, value: Any) -> list[dict[str, Any]] | None:
    """One signature or several, as a list; None where there are none."""
    several = [value] if isinstance(value, Mapping) else value
    if not isinstance(several, list | tuple):
        raise ConfigurationError(f"{name}: expected a signature or a list of them, got {value!r}")
    return [_signature(name, one) for one in several] or None


def _signature(name: str, value: Any) -> dict[str, Any]:
    # What a message carries without its "task" would fail in a worker, long after the call.
    if not isinstance(value, Mapping) or not isinstance(value.get("task"), str):
        raise ConfigurationError(f"{name}: expected a signature such as add.s(1), got {value!r}")
    # Plans have made plain dictionaries of theirs already.
    return value if type(value) is dict else Plain().signature(value)


def _stamps(names: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(names, list | tuple | set | frozenset) or not all(isinstance(n, str) for n in names):
        raise ConfigurationError(f"stamped_headers: expected a list of names, got {names!r}")
    stamps = {name: options[name] for name in names if name in options}
    if missing := [name for name in names if name not in stamps]:
        raise ConfigurationError(f"stamped_headers: names {missing[0]!r}, which the call does not give.")
    return stamps


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ConfigurationError(f"{name}: expected a number of seconds, got {value!r}")
    return value


def check_priority(value: object) -> None:
    """Raises ConfigurationError for anything but an integer from 0 to 255."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 255:
        raise ConfigurationError(f"priority: expected an integer from 0 to 255, got {value!r}")
