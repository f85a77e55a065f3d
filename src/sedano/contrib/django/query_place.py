"""Where synchronous code that uses Django's database connections runs on behalf of coroutines.

It is the thread in which Django runs what the coroutine asks of its models: the connection, and the
transaction that may be open on it, are the same.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from asgiref.sync import sync_to_async

T = TypeVar("T")


async def in_query_thread(function: Callable[..., T], /, *args: Any) -> T:
    """A ``Runner``."""
    found: T = await sync_to_async(partial(function, *args), thread_sensitive=True)()
    return found
