"""What is to be called when a result has come: ``then()``. Kept by ``AsyncResult`` and ``ResultSet``."""

from collections.abc import Callable
from typing import Any, TypeAlias

Callback: TypeAlias = Callable[[Any], object]


class Promises:
    """Some callbacks, each of which is called once."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: list[tuple[Callback, Callback | None]] = []

    def add(self, callback: Callback, on_error: Callback | None) -> None:
        """Call this when the result has come."""
        self._open.append((callback, on_error))

    def keep(self, result: object) -> None:
        """The result has come. An error of a callback without an ``on_error`` is raised when all are told."""
        told, self._open = self._open, []
        errors = [error for callback, on_error in told if (error := _tell(callback, on_error, result))]
        if errors:
            raise errors[0]


def _tell(callback: Callback, on_error: Callback | None, result: object) -> Exception | None:
    try:
        callback(result)
    except Exception as error:
        if on_error is None:
            return error
        on_error(error)
    return None
