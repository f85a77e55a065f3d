"""Arguments of entries that are computed for each run."""

from collections.abc import Callable
from typing import Any


class LazyValue:
    """Celery's ``BeatLazyFunc``: an argument that is computed for each run.

    >>> LazyValue(max, 1, 2)()
    2
    """

    def __init__(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self._func = func
        self._args = args
        self._kwargs = kwargs

    def __call__(self) -> Any:
        """The argument for the present run."""
        return self._func(*self._args, **self._kwargs)

    delay = __call__


def computed(value: Any) -> Any:
    """The value for the present run: that of a ``LazyValue``, any other as it is."""
    return value() if isinstance(value, LazyValue) else value
