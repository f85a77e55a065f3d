"""Identities: of tasks, of nodes, and of the process that sends.

Called by the publisher and the node. Never remembers what it gave out.
"""

import itertools
import os
import socket
import time
import uuid
from functools import cache
from typing import Final

NODE_NAME_DEFAULT: Final = "sedano@%h"

#: The digit of a UUID whose upper two bits say that it is one of RFC 9562, by a digit of chance.
_VARIANT: Final = dict(zip("0123456789abcdef", 4 * "89ab", strict=True))


#: The namespace of derived ids.
_FOLLOWING: Final = uuid.UUID("5b9e2a52-27f4-4f0e-9a51-6f1c5f4f2f0b")

_numbers: Final = itertools.count()
_process = os.urandom(12).hex()


def _begin_process() -> None:
    global _process
    _process = os.urandom(12).hex()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_process)


def task_id() -> str:
    """A new task id: the text of a UUID of version 7 (RFC 9562), 36 characters as Celery's.

    It begins with the time in milliseconds, so ids that are made together lie together in a database's
    index: with random ids each stored result would write an index page of its own. 74 bits are random.

    >>> len(task_id()), task_id()[14]
    (36, '7')
    """
    moment = f"{time.time_ns() // 1_000_000:012x}"
    chance = os.urandom(10).hex()
    return f"{moment[:8]}-{moment[8:]}-7{chance[:3]}-{_VARIANT[chance[3]]}{chance[4:7]}-{chance[7:19]}"


def derived(cause: str, number: int) -> str:
    """The id of what follows from something: the same each time, so that to do it again makes no second tree.

    >>> derived("1", 0) == derived("1", 0), derived("1", 0) == derived("1", 1)
    (True, False)
    """
    return str(uuid.uuid5(_FOLLOWING, f"{cause}:{number}"))


def serial() -> str:
    """A text that is made only once: of this process, by number. Made in a sixth of a task id's time."""
    return f"{_process}-{next(_numbers):x}"


def incarnation(node: str) -> str:
    """The identity of one life of a node: a node that comes back is another incarnation."""
    return f"{node}/{os.getpid()}/{uuid.uuid4().hex[:12]}"


def hostname() -> str:
    """This machine's name."""
    return socket.gethostname()


def node_name(pattern: str | None) -> str:
    """Expand a node name: ``%h`` host and domain, ``%n`` host, ``%d`` domain.

    A name without ``@`` gets the host: ``w1`` becomes ``w1@host``.
    """
    host = hostname()
    short, _, domain = host.partition(".")
    name = pattern or NODE_NAME_DEFAULT
    if "@" not in name:
        name += "@%h"
    return name.replace("%h", host).replace("%n", short).replace("%d", domain)


def origin() -> str:
    """What a message says of its sender: ``gen<pid>@<host>``."""
    return f"gen{os.getpid()}@{hostname()}"


_REPLY_NAMESPACE: Final = uuid.uuid4()


@cache
def reply_address() -> str:
    """Where replies to this process go; Celery's ``reply_to`` has the same form."""
    return str(uuid.uuid3(_REPLY_NAMESPACE, str(os.getpid())))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=reply_address.cache_clear)
