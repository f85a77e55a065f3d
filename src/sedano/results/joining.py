"""Whether results may be waited for here: inside a task, waiting for another can lock up a worker.

Asked by ``get()``; told by users who know better, through ``sedano.result``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sedano.results.result_source import ResultSource

#: What the user said; None: a task may not, others may.
_refused: ContextVar[bool | None] = ContextVar("sedano_joining_refused", default=None)


@contextmanager
def allow_join_result() -> Iterator[None]:
    """Allow ``get()`` for a while, also inside a task."""
    token = _refused.set(False)
    try:
        yield
    finally:
        _refused.reset(token)


@contextmanager
def denied_join_result() -> Iterator[None]:
    """Refuse ``get()`` for a while, wherever it is."""
    token = _refused.set(True)
    try:
        yield
    finally:
        _refused.reset(token)


def is_refused(source: ResultSource) -> bool:
    """Whether ``get()`` raises here."""
    told = _refused.get()
    return source.inside_task() if told is None else told


def check(source: ResultSource) -> None:
    """Raise RuntimeError where results may not be waited for."""
    if is_refused(source):
        _refuse()


def check_told() -> None:
    """Raise RuntimeError if the user has said so: for results that are there already."""
    if _refused.get():
        _refuse()


def _refuse() -> None:
    raise RuntimeError(
        "A task waits for another task's result: when all slots wait so, nothing runs any more. "
        "Use a chain or a chord; or pass disable_sync_subtasks=False, if this cannot happen here."
    )
