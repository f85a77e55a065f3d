"""What the scheme of a broker's URL says of it: exchanges are had by those that speak AMQP."""

from typing import Final

#: Schemes of URLs.
SCHEMES: Final = frozenset({"amqp", "amqps", "pyamqp"})


#: In front of the scheme where results go through such a broker, to the queue of who asked.
REPLIES: Final = "rpc+"

#: Of others whose URL may name several servers of one system.
_OF_SEVERAL_SERVERS: Final = frozenset({"sentinel", "redis+cluster", *SCHEMES})


def may_be_several(url: str) -> bool:
    """Whether a URL may name several servers, separated by ``;``."""
    return url.partition("://")[0].lower() in _OF_SEVERAL_SERVERS


def has_exchanges(url: str | None) -> bool:
    """Whether the server at a URL (or at the first of several, separated by ``;``) has exchanges.

    >>> has_exchanges("amqp://localhost//"), has_exchanges(None)
    (True, False)
    """
    return url is not None and url.partition("://")[0].lower().removeprefix(REPLIES) in SCHEMES
