"""From what users write of a queue to its definition: a name, a dictionary, our ``Queue``, or kombu's.

Used by the settings. kombu's objects are read by their attributes: kombu itself is never imported.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from sedano.errors import ConfigurationError, NotSupported, did_you_mean
from sedano.queues.binding import Binding
from sedano.queues.broadcast import KEPT
from sedano.queues.definition import QueueDefinition
from sedano.queues.exchange import DIRECT, Exchange

Given: TypeAlias = Callable[[str], Any]

_DELIVERY_MODES: Final = {"transient": 1, "persistent": 2}

#: The server's names for what queues have as attributes, and the unit it counts in.
_ARGUMENTS: Final[Mapping[str, tuple[str, int]]] = {
    "expires": ("x-expires", 1000),
    "message_ttl": ("x-message-ttl", 1000),
    "max_length": ("x-max-length", 1),
    "max_length_bytes": ("x-max-length-bytes", 1),
    "max_priority": ("x-max-priority", 1),
}

_OF_DICTIONARIES: Final = frozenset(
    {
        "alias",
        "auto_delete",
        "binding_arguments",
        "binding_key",
        "bindings",
        "consumer_arguments",
        "delivery_mode",
        "durable",
        "exchange",
        "exchange_arguments",
        "exchange_auto_delete",
        "exchange_durable",
        "exchange_type",
        "exclusive",
        "no_ack",
        "no_declare",
        "queue_arguments",
        "queue_auto_delete",
        "queue_durable",
        "routing_key",
        *_ARGUMENTS,
    }
)


def read_queues(value: object) -> tuple[QueueDefinition, ...]:
    """The queues of ``task_queues``: a dictionary by name, or names and objects.

    Raises:
        ConfigurationError: one of them cannot be what it says.
        TypeError, ValueError, AttributeError: it is nothing of the kind.
    """
    if isinstance(value, Mapping):
        return tuple(
            _from_dictionary(_text(name), details)
            if isinstance(details, Mapping) or details is None
            # Celery takes the name from the object.
            else read_queue(details)
            for name, details in value.items()
        )
    if isinstance(value, str):
        return tuple(_by_name(name.strip()) for name in value.split(",") if name.strip())
    if not isinstance(value, Iterable):
        raise TypeError
    return tuple(read_queue(queue) for queue in value)


def read_queue(value: object) -> QueueDefinition:
    """One queue: its name, or an object."""
    return _by_name(_text(value)) if isinstance(value, str) else _from_object(value)


def read_exchange(value: object) -> Exchange:
    """An exchange: its name, an object, or None for the one without a name."""
    if value is None or isinstance(value, str):
        return Exchange(value or "")
    given = _attributes(value)
    return Exchange(
        given("name") or "",
        given("type") or DIRECT,
        durable=_flag(given("durable"), default=True),
        auto_delete=_flag(given("auto_delete")),
        arguments=_table(given("arguments")),
        delivery_mode=_delivery_mode(given("delivery_mode")),
        no_declare=_flag(given("no_declare")),
    )


def _by_name(name: str) -> QueueDefinition:
    return _from_dictionary(_text(name), {})


def _from_object(value: object) -> QueueDefinition:
    given = _attributes(value)
    name = _text(given("name"))
    if given("on_declared") is not None:
        raise NotSupported(f"the queue {name!r} has on_declared, which nobody would call; take it out")
    exchange, bindings = given("exchange"), list(given("bindings") or ())
    if isinstance(exchange, list | tuple | set | frozenset):
        bindings += exchange
        exchange = None
    definition = _definition(
        name,
        given,
        exchange=read_exchange(exchange),
        bindings=bindings,
        routing_key=given("routing_key") or "",
        durable=_flag(given("durable"), default=True),
        auto_delete=_flag(given("auto_delete")),
    )
    return _kept_for_a_while(definition)


def _from_dictionary(name: str, details: Mapping[str, Any] | None) -> QueueDefinition:
    options = details or {}
    for key in options:
        if key not in _OF_DICTIONARIES:
            raise ConfigurationError(
                f"the queue {name!r}: {key}: no such option of a queue.{did_you_mean(key, _OF_DICTIONARIES)}"
            )
    given = options.get
    exchange = given("exchange")
    if exchange is None or isinstance(exchange, str):
        exchange = Exchange(
            exchange or "",
            given("exchange_type") or DIRECT,
            durable=_flag(_first(given("exchange_durable"), given("durable")), default=True),
            auto_delete=_flag(_first(given("exchange_auto_delete"), given("auto_delete"))),
            arguments=_table(given("exchange_arguments")),
            delivery_mode=_delivery_mode(given("delivery_mode")),
        )
    return _definition(
        name,
        given,
        exchange=read_exchange(exchange),
        bindings=given("bindings") or (),
        routing_key=given("routing_key") or given("binding_key") or name,
        durable=_flag(_first(given("queue_durable"), given("durable")), default=True),
        auto_delete=_flag(_first(given("queue_auto_delete"), given("auto_delete"))),
    )


def _definition(
    name: str,
    given: Given,
    *,
    exchange: Exchange,
    bindings: Iterable[Any],
    routing_key: str,
    durable: bool,
    auto_delete: bool,
) -> QueueDefinition:
    """What both forms say alike. ``given`` finds it by its name."""
    if given("no_ack"):
        raise NotSupported(
            f"the queue {name!r} has no_ack, by which messages would be lost; declare its tasks with "
            "acks_late=False instead"
        )
    arguments = dict(_table(given("queue_arguments")) or {})
    for attribute, (argument, units) in _ARGUMENTS.items():
        if (value := given(attribute)) is not None:
            arguments[argument] = int(value * units)
    exclusive = _flag(given("exclusive"))
    return QueueDefinition(
        name=name,
        exchange=exchange,
        routing_key=routing_key,
        bindings=tuple(map(_binding, bindings)),
        durable=durable,
        exclusive=exclusive,
        auto_delete=auto_delete or exclusive,
        arguments=arguments,
        binding_arguments=_table(given("binding_arguments")),
        consumer_arguments=_table(given("consumer_arguments")),
        alias=given("alias"),
        no_declare=_flag(given("no_declare")),
    )


def _kept_for_a_while(queue: QueueDefinition) -> QueueDefinition:
    """kombu's broadcast queue dies with its consumer: it is given the time that a reconnection takes."""
    if not (queue.auto_delete and queue.is_of_one_node):
        return queue
    arguments = {"x-expires": int(KEPT * 1000), **queue.arguments}
    return msgspec.structs.replace(queue, auto_delete=False, arguments=arguments)


def _binding(value: Any) -> Binding:
    given = _attributes(value)
    return Binding(read_exchange(given("exchange")), given("routing_key") or "", _table(given("arguments")))


def _attributes(value: object) -> Given:
    return lambda name: getattr(value, name, None)


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _flag(value: Any, *, default: bool = False) -> bool:
    return default if value is None else bool(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    return value


def _table(value: Any) -> dict[str, Any] | None:
    return None if value is None else dict(value)


def _delivery_mode(value: Any) -> int | None:
    return None if value is None else int(_DELIVERY_MODES.get(value, value))
