"""Celery's names of the keys that hold results and groups. A result's key is also the channel of its changes.

Called by the Redis result store. Never touches a server.
"""

from typing import Final

_TASK: Final = "celery-task-meta-"
_GROUP: Final = "celery-taskset-meta-"
#: Of a chord, behind the key of its group; ``chord.lua`` says what they are.
_OF_A_CHORD: Final = (b"", b".j", b".t", b".s", b".d", b".c")
#: A prefix that does not end in one of these is followed by an underscore.
_SEPARATORS: Final = ":_-."


class ResultKeys:
    """From the ids of tasks and groups to keys.

    Args:
        prefix: In front of every key.
        in_cluster: The keys of a group are to share a slot: its id is their hash tag.

    >>> ResultKeys("shop").of_task("1")
    b'shop_celery-task-meta-1'
    """

    __slots__ = ("_group", "_in_cluster", "_task")

    def __init__(self, prefix: str = "", *, in_cluster: bool = False) -> None:
        if prefix and prefix[-1] not in _SEPARATORS:
            prefix += "_"
        self._task = (prefix + _TASK).encode()
        self._group = (prefix + _GROUP).encode()
        self._in_cluster = in_cluster

    def of_task(self, task_id: str) -> bytes:
        """Where the task's document is."""
        return self._task + task_id.encode()

    def of_group(self, group_id: str) -> bytes:
        """Where the group is saved.

        >>> ResultKeys(in_cluster=True).of_group("1")
        b'celery-taskset-meta-{1}'
        """
        return self._group + (b"{%b}" if self._in_cluster else b"%b") % group_id.encode()

    def of_chord(self, group_id: str) -> list[bytes]:
        """Everything of a chord: its group, parts, extensions, size, members counted, who is to end it."""
        group = self.of_group(group_id)
        return [group + suffix for suffix in _OF_A_CHORD]


def success_mark(key: bytes) -> bytes:
    """The key that says of a result that it is a SUCCESS, where its document cannot: ``store_result.lua``."""
    return key + b":success:{" + key + b"}"
