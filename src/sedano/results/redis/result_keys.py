"""Celery's names of the keys that hold results. A result's key is also the channel of its changes.

Called by ``RedisResultStore``. Never touches a server.
"""

from typing import Final

_TASK: Final = "celery-task-meta-"
#: A prefix that does not end in one of these is followed by an underscore.
_SEPARATORS: Final = ":_-."


class ResultKeys:
    """From task ids to keys.

    >>> ResultKeys("shop").of_task("1")
    b'shop_celery-task-meta-1'
    """

    __slots__ = ("_task",)

    def __init__(self, prefix: str = "") -> None:
        if prefix and prefix[-1] not in _SEPARATORS:
            prefix += "_"
        self._task = (prefix + _TASK).encode()

    def of_task(self, task_id: str) -> bytes:
        """Where the task's document is."""
        return self._task + task_id.encode()


def success_mark(key: bytes) -> bytes:
    """The key that says of a result that it is a SUCCESS, where its document cannot: ``store_result.lua``."""
    return key + b":success:{" + key + b"}"
