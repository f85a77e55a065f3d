"""How one value, as a user writes it, becomes the value that the sections hold.

Used by the tables of names. A parser says what it expects in words, because that is what the user reads
when the value does not fit. Numbers and truth values may be text, since they often come from the
environment or the command line.
"""

import math
from collections.abc import Callable, Mapping
from datetime import timedelta, tzinfo
from types import MappingProxyType
from typing import Any, Final

import msgspec

from sedano.errors import NotSupported
from sedano.queues.reading import read_queues
from sedano.rate_limit import EXPECTED as A_RATE
from sedano.rate_limit import seconds_per_start
from sedano.settings import pools
from sedano.settings.sections import PUBLISH_RETRY_POLICY

TRUE_WORDS: Final = frozenset({"true", "yes", "on", "1"})
FALSE_WORDS: Final = frozenset({"false", "no", "off", "0"})


def unchanged(value: Any) -> Any:
    """Show a value as it is."""
    return value


class Parser(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of value.

    ``read`` raises ValueError or TypeError for a value that is not of the kind, and NotSupported, with its
    own words, for one that is but cannot be had. ``show`` is the way back: the default that
    ``app.conf`` gives is a value such as a user would write.
    """

    expected: str
    read: Callable[[Any], Any]
    show: Callable[[Any], Any] = unchanged
    #: Whether None says something; otherwise it means "not set".
    nullable: bool = False


# -- plain kinds


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if isinstance(value, str | int) and word in TRUE_WORDS | FALSE_WORDS:
        return word in TRUE_WORDS
    raise ValueError


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    return value


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    if not isinstance(value, list | tuple | set | frozenset):
        raise TypeError
    return tuple(_text(name) for name in value)


def _options(value: object) -> Mapping[str, Any]:
    if isinstance(value, str):
        value = msgspec.json.decode(value)
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise TypeError
    return MappingProxyType(dict(value))


def integer(*, at_least: int, at_most: int | None = None) -> Parser:
    """A whole number."""

    def read(value: object) -> int:
        # Text goes to int() at once, so that a large number keeps all its digits.
        number = int(value) if isinstance(value, str) else _number(value)
        whole = value if isinstance(value, int) else int(number)
        if whole != number or whole < at_least or (at_most is not None and whole > at_most):
            raise ValueError
        return whole

    bounds = f"of at least {at_least}" if at_most is None else f"from {at_least} to {at_most}"
    return Parser(expected=f"an integer {bounds}", read=read)


def duration(*, at_least: float = 0) -> Parser:
    """A span of time: seconds, or a timedelta."""

    def read(value: object) -> timedelta:
        span = value if isinstance(value, timedelta) else timedelta(seconds=_number(value))
        if span.total_seconds() < at_least:
            raise ValueError
        return span

    expected = f"a number of seconds of at least {at_least:g}, or a timedelta"
    return Parser(expected=expected, read=read, show=timedelta.total_seconds)


def one_of(*words: str) -> Parser:
    """One of a few words."""

    def read(value: object) -> str:
        if value not in words:
            raise ValueError
        return str(value)

    return Parser(expected="one of " + ", ".join(map(repr, words)), read=read)


BOOLEAN: Final = Parser(expected="True or False", read=_boolean)
TEXT: Final = Parser(expected="a non-empty string", read=_text)
OPTIONS: Final = Parser(expected="a dict with strings as keys", read=_options, show=dict)
MODULES: Final = Parser(expected="a list of module names", read=_names)


# -- kinds with a meaning of their own


def _broker_url(value: object) -> str:
    if isinstance(value, list | tuple):
        value = ";".join(map(_text, value))
    return _text(value)


def _result_url(value: object) -> str:
    return "disabled" if value is False else _text(value)


def _lifetime(value: object) -> timedelta | None:
    span = duration().read(0 if value is None else value)
    return span if isinstance(span, timedelta) and span else None


def _time_limit(value: object) -> float | None:
    seconds = value.total_seconds() if isinstance(value, timedelta) else _number(value)
    if seconds < 0:
        raise ValueError
    return seconds or None


def _seconds_or_none(value: object) -> float | None:
    seconds = value.total_seconds() if isinstance(value, timedelta) else _number(value)
    if seconds < 0:
        raise ValueError
    return seconds


def _schedule(value: object) -> Mapping[str, Any]:
    # As it is, and not a copy: entries are added to it in place.
    if not isinstance(value, Mapping):
        raise TypeError
    return value


def _rate(value: Any) -> str | float:
    seconds_per_start(value)
    written: str | float = value
    return written


def _count_or_none(value: object) -> int | None:
    count = integer(at_least=0).read(value)
    return count or None


def _concurrency(value: object) -> int | None:
    return None if value == "auto" else _count_or_none(value)


def _content(value: object) -> frozenset[str]:
    names = frozenset(_names(value))
    if not names:
        raise ValueError
    if names & {"auth", "application/data"}:
        raise NotSupported("signed messages ('auth') are not supported by this version")
    return names


def _serializer(value: object) -> str:
    if value == "auth":
        raise NotSupported("signed messages ('auth') are not supported by this version")
    return _text(value)


#: Of ``message.compression``. A wrong name is told here: a task whose result cannot be written never ends.
_COMPRESSIONS: Final = frozenset({"gzip", "zlib", "bzip2", "bzip", "lzma", "xz"})


def _result_compression(value: object) -> str:
    if value in ("brotli", "zstd", "zstandard"):
        raise NotSupported(f"{value!r} is not supported by this version; use 'gzip', 'bzip2' or 'lzma'")
    if value not in _COMPRESSIONS:
        raise ValueError
    return _text(value)


def _pool(value: object) -> str:
    return pools.written(pools.read_pools(_text(value)))


def _delivery_mode(value: object) -> int:
    return {"transient": 1, "persistent": 2, 1: 1, 2: 2, "1": 1, "2": 2}[value]


def _retry_policy(value: object) -> Mapping[str, Any]:
    policy = _options(value)
    for key, setting in policy.items():
        if key not in PUBLISH_RETRY_POLICY:
            raise ValueError
        if not (setting is None and key == "max_retries") and _number(setting) < 0:
            raise ValueError
    return MappingProxyType({**PUBLISH_RETRY_POLICY, **policy})


def _heartbeat(value: object) -> timedelta:
    span = duration().read(value or 0)
    return span if isinstance(span, timedelta) else timedelta()


def _ssl(value: object) -> bool | Mapping[str, Any]:
    return _options(value) if isinstance(value, Mapping) else _boolean(value)


def _failover(value: object) -> str:
    if callable(value):
        raise NotSupported("a function that chooses among brokers is not supported; take 'shuffle'")
    return _text(one_of("round-robin", "shuffle").read(value))


def _routes(value: object) -> object:
    if not (
        isinstance(value, str | Mapping | list | tuple) or callable(value) or hasattr(value, "route_for_task")
    ):
        raise TypeError
    return value


def _time_zone(value: object) -> tzinfo:
    if isinstance(value, tzinfo):
        return value
    # Imported only by those who set a time zone: it costs every other process some milliseconds.
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(_text(value))
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError from error


def _log_level(value: object) -> str:
    # Imported late for the same reason: most processes never set it.
    import logging

    levels = logging.getLevelNamesMapping()
    if isinstance(value, int):
        return logging.getLevelName(value) if value in levels.values() else _text(None)
    name = _text(value).upper()
    if name not in levels:
        raise ValueError
    return name


BROKER_URL: Final = Parser(expected="a URL such as 'sqlite:///sedano.db'", read=_broker_url)
RESULT_URL: Final = Parser(expected="a URL such as 'sqlite:///sedano.db', or 'disabled'", read=_result_url)
LIFETIME: Final = Parser(
    expected="a number of seconds of at least 0, a timedelta, or None (for ever)",
    read=_lifetime,
    nullable=True,
)
TIME_LIMIT: Final = Parser(expected="a number of seconds of at least 0, or None (no limit)", read=_time_limit)
SECONDS_OR_NONE: Final = Parser(expected="a number of seconds of at least 0, or None", read=_seconds_or_none)
SCHEDULE: Final = Parser(
    expected="a dict of entries: {'name': {'task': ..., 'schedule': ...}}", read=_schedule
)
RATE: Final = Parser(expected=A_RATE, read=_rate)
COUNT_OR_NONE: Final = Parser(expected="an integer of at least 0, or None (no limit)", read=_count_or_none)
CONCURRENCY: Final = Parser(expected="an integer of at least 1, or 'auto'", read=_concurrency)
CONTENT: Final = Parser(expected="a list of serializers such as ['json']", read=_content, show=tuple)
#: The same, where "not set" means what ``accept_content`` says.
RESULT_CONTENT: Final = Parser(expected=CONTENT.expected, read=_content, show=lambda _: None)
SERIALIZER: Final = Parser(expected="the name of a serializer such as 'json'", read=_serializer)
RESULT_COMPRESSION: Final = Parser(expected="'gzip', 'bzip2' or 'lzma'", read=_result_compression)
POOL: Final = Parser(expected="'prefork', 'threads', 'asyncio' or 'solo'", read=_pool)
DELIVERY_MODE: Final = Parser(expected="2 ('persistent') or 1 ('transient')", read=_delivery_mode)
RETRY_POLICY: Final = Parser(
    expected="a dict with some of " + ", ".join(PUBLISH_RETRY_POLICY) + ", each a number of at least 0",
    read=_retry_policy,
    show=dict,
)
QUEUES: Final = Parser(
    expected="a list of queue names or Queue objects, or a dict with names as keys", read=read_queues
)
HEARTBEAT: Final = Parser(
    expected="a number of seconds of at least 0, or a timedelta",
    read=_heartbeat,
    show=timedelta.total_seconds,
)
SSL: Final = Parser(expected="True, False, or a dict of options", read=_ssl)
FAILOVER: Final = Parser(expected="'round-robin' or 'shuffle'", read=_failover)
QUEUE_TYPE: Final = one_of("classic", "quorum")
ROUTES: Final = Parser(expected="a dict, a list of routers, a callable or a dotted path", read=_routes)
ANYTHING: Final = Parser(expected="anything", read=unchanged)
TIME_ZONE: Final = Parser(expected="an IANA time zone such as 'Europe/Rome'", read=_time_zone)
LOG_LEVEL: Final = Parser(expected="a level such as 'WARNING'", read=_log_level)
