"""The pools of a worker, as ``--pool`` and the setting ``worker_pool`` name them.

Read by the settings' parsers, the command line and the planning of a node. Only reads text: what a pool
consists of is in ``worker.posts``.
"""

from collections.abc import Mapping
from typing import Final

from sedano.errors import NotSupported

#: The pools whose slots one worker may have beside each other.
MIXABLE: Final = ("prefork", "threads", "asyncio")
#: Celery's other name for a pool.
ALIASES: Final = {"processes": "prefork"}
#: Celery's other pools, and what serves instead.
OTHERS: Final = {
    "eventlet": "use 'threads', which patches nothing, or 'asyncio' and `async def`",
    "gevent": "use 'threads', which patches nothing, or 'asyncio' and `async def`",
    "custom": "use one of Sedano's: prefork, threads, asyncio, solo",
}


def read_pools(text: str) -> dict[str, int | None]:
    """Which pools, and how many slots each is to have; None leaves that to ``--concurrency``.

    >>> read_pools("threads")
    {'threads': None}
    >>> read_pools("prefork=2,threads=200")
    {'prefork': 2, 'threads': 200}

    Raises:
        NotSupported: a pool that does not exist here, or pools that do not go together; the message says what
            to do.
    """
    pools: dict[str, int | None] = {}
    for part in text.split(","):
        name, equals, number = (word.strip() for word in part.partition("="))
        name = ALIASES.get(name, name)
        if name in OTHERS:
            raise NotSupported(f"the pool {name!r} is not supported by this version; {OTHERS[name]}")
        if ":" in name or "." in name:
            raise NotSupported(f"{name!r}: a pool's class cannot be given; {OTHERS['custom']}")
        if name not in (*MIXABLE, "solo"):
            raise NotSupported(f"there is no pool {name!r}; the pools are prefork, threads, asyncio and solo")
        if name in pools:
            raise NotSupported(f"{name} is named twice")
        if equals and not (number.isdecimal() and int(number)):
            raise NotSupported(f"{part.strip()!r}: expected a number of slots, as in {name}=2")
        pools[name] = int(number) if equals else None
    if len(pools) > 1:
        _check_mix(pools)
    elif pools.get("solo", 1) not in (1, None):
        raise NotSupported("the solo pool has one slot")
    return pools


def written(pools: Mapping[str, int | None]) -> str:
    """As ``read_pools`` reads it."""
    return ",".join(name if number is None else f"{name}={number}" for name, number in pools.items())


def _check_mix(pools: Mapping[str, int | None]) -> None:
    if "solo" in pools:
        raise NotSupported("solo is one process that does everything: it goes with no other pool")
    for name, number in pools.items():
        if number is None:
            raise NotSupported(f"say how many slots each of several pools has, such as {name}=2")
