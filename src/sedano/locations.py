"""Where an application's broker and results are: from settings to URLs.

Called by the application. Never opens anything.
"""

from collections.abc import Callable, Mapping
from typing import Final

from sedano.errors import NotSupported
from sedano.queues.exchange_brokers import REPLIES, has_exchanges
from sedano.settings.sections import Settings

#: The broker without any configuration: a database beside the program.
EMBEDDED: Final = "sqlite:///sedano.db"

#: Schemes of brokers that hold results as well, and so do where no other place was named.
HOLDS_RESULTS: Final = frozenset({"sqlite", "memory", "django"})

#: From a scheme that is no broker's own to a function that knows the URL meant by it.
Resolvers = Mapping[str, Callable[[str], str]]


def broker_url(settings: Settings, default: str, resolvers: Resolvers) -> str:
    """The broker's URL, resolved.

    >>> broker_url(Settings(), EMBEDDED, {})
    'sqlite:///sedano.db'
    """
    return _resolve(settings.broker.url or default, resolvers)


def result_url(settings: Settings, default_broker: str, resolvers: Resolvers) -> str | None:
    """The result store's URL, resolved: beside the broker where none is named; None where there is none."""
    named = settings.results.backend
    if named is None:
        url = settings.broker.url or default_broker
        return _resolve(url, resolvers) if _scheme(url) in HOLDS_RESULTS else None
    if named.rstrip(":/") == "disabled":
        return None
    if _scheme(named) == "rpc":
        return _through_broker(named, _resolve(settings.broker.url or default_broker, resolvers))
    return _resolve(named, resolvers)


def _through_broker(named: str, broker: str) -> str:
    """Where results go that are sent as messages: to the server that ``rpc://`` names, else the broker's."""
    if named.partition("://")[2].strip("/"):
        return named if named.startswith(REPLIES) else f"{REPLIES}amqp://{named.partition('://')[2]}"
    if not has_exchanges(broker):
        raise NotSupported(
            "result_backend: rpc:// sends results through RabbitMQ, and broker_url names another broker. "
            "Name a place for results: the same URL, or redis://, sqlite://, django://."
        )
    return REPLIES + broker


def _resolve(url: str, resolvers: Resolvers) -> str:
    resolver = resolvers.get(_scheme(url))
    return resolver(url) if resolver is not None else url


def _scheme(url: str) -> str:
    return url.partition(":")[0].partition("+")[0]
