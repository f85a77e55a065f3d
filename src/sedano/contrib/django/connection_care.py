"""Django's database connections and caches round every attempt, as Django treats them round every request.

``around_attempt`` is called by the executor, in every pool; ``before_fork`` and ``after_fork`` by the process
that forks a node's children and by each child. Never touches a connection with an open transaction.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.core.cache import close_caches
from django.db import close_old_connections, connections, reset_queries

from sedano.contrib.django.async_context import in_event_loop
from sedano.contrib.django.query_thread import QueryThreads
from sedano.tasks.request import Context
from sedano.tasks.task import Task

#: Adds a reference that nobody gives back: the object is never deallocated, and so never closed.
_keep: Final = ctypes.pythonapi.Py_IncRef

#: The process that imported the application.
_home: Final = os.getpid()


@contextmanager
def around_attempt(task: Task[..., Any], request: Context) -> Iterator[None]:
    """Give the attempt connections that work, and take those away that are too old or broken afterwards."""
    if request.is_eager:
        # It runs in the caller's thread, maybe in the middle of the caller's request.
        yield
    elif in_event_loop():
        with _query_threads.one():
            yield
    else:
        _open_up()
        try:
            yield
        finally:
            _clear_up()


def _open_up() -> None:
    reset_queries()
    close_old_connections()


def _clear_up() -> None:
    close_old_connections()
    close_caches()


_query_threads: Final = QueryThreads(_open_up, _clear_up)


def before_fork(**kwargs: object) -> None:
    """Close what importing the application has opened: no connection may be carried across a fork."""
    connections.close_all()
    close_caches()


def after_fork(**kwargs: object) -> None:
    """Forget connections that came from the parent process all the same.

    They are neither used nor closed here. Closing would say goodbye to the server in the parent's name,
    or, with SQLite, take the parent's files away (sqlite.org/howtocorrupt.html, 2.6).
    """
    if os.getpid() == _home:
        return  # the solo pool: nothing was forked
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            _keep(ctypes.py_object(connection.connection))
            connection.connection = None
