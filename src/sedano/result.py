"""The results under the module that Celery has them in, for ``from sedano.result import ...``.

For users only: the package itself uses ``sedano.results``.
"""

from typing import Any

from sedano.current import get_current_app
from sedano.results import joining
from sedano.results.async_result import AsyncResult
from sedano.results.eager_result import EagerResult
from sedano.results.group_result import GroupResult
from sedano.results.joining import allow_join_result, denied_join_result
from sedano.results.result_base import ResultBase
from sedano.results.result_set import ResultSet
from sedano.results.result_source import ResultSource
from sedano.results.result_tuple import read_result

__all__ = [
    "AsyncResult",
    "EagerResult",
    "GroupResult",
    "ResultBase",
    "ResultSet",
    "allow_join_result",
    "assert_will_not_block",
    "denied_join_result",
    "result_from_tuple",
    "task_join_will_block",
]


def result_from_tuple(r: Any, app: ResultSource | None = None) -> ResultBase:
    """The result that ``as_tuple()`` gave this for, with its parents and members; a result stands for itself.

    Args:
        r: The tuple, or the list that JSON made of it.
        app: The application; None means the current one.

    >>> result_from_tuple([["2", [["1", None], None]], None]).parent
    <AsyncResult: 1>
    """
    return read_result(r, app if app is not None else get_current_app())


def task_join_will_block() -> bool:
    """Whether ``get()`` is refused here: inside a task, or within ``denied_join_result``."""
    return joining.is_refused(get_current_app())


def assert_will_not_block() -> None:
    """Raise RuntimeError where ``get()`` is refused."""
    joining.check(get_current_app())
