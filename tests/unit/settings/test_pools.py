"""The pools of a worker, as they are written."""

import pytest

from sedano.errors import NotSupported
from sedano.settings.pools import read_pools, written


@pytest.mark.parametrize(
    ("text", "pools"),
    [
        ("prefork", {"prefork": None}),
        ("processes", {"prefork": None}),
        ("threads=200", {"threads": 200}),
        ("prefork=2, threads=200,asyncio=1000", {"prefork": 2, "threads": 200, "asyncio": 1000}),
        ("solo", {"solo": None}),
    ],
)
def test_pools_are_named_alone_or_with_numbers(text: str, pools: dict[str, int | None]) -> None:
    assert read_pools(text) == pools
    assert read_pools(written(pools)) == pools


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("gevent", "the pool 'gevent' is not supported by this version; use 'threads'"),
        ("eventlet", "use 'threads', which patches nothing, or 'asyncio'"),
        ("proj.pools:Own", "a pool's class cannot be given"),
        ("celery.concurrency.thread.TaskPool", "a pool's class cannot be given"),
        ("thread", "there is no pool 'thread'; the pools are prefork, threads, asyncio and solo"),
        ("threads=0", "expected a number of slots, as in threads=2"),
        ("threads=many", "expected a number of slots, as in threads=2"),
        ("threads,prefork=2", "say how many slots each of several pools has, such as threads=2"),
        ("threads=2,threads=3", "threads is named twice"),
        ("solo,threads=2", "it goes with no other pool"),
        ("solo=2", "the solo pool has one slot"),
    ],
)
def test_other_pools_are_refused_with_a_way_out(text: str, error: str) -> None:
    with pytest.raises(NotSupported, match=error):
        read_pools(text)
