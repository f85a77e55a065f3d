"""Identities: of tasks, of nodes, and of the process that sends.

Called by the publisher and the node. Never remembers what it gave out.
"""

import os
import socket
import threading
import time
import uuid
from typing import Final

NODE_NAME_DEFAULT: Final = "sedano@%h"


def task_id() -> str:
    """A new task id: the text of a UUID of version 7 (RFC 9562), 36 characters as Celery's.

    It begins with the time in milliseconds, so ids that are made together lie together in a database's
    index: with random ids each stored result would write an index page of its own. 74 bits are random.

    >>> len(task_id()), task_id()[14]
    (36, '7')
    """
    chance = int.from_bytes(os.urandom(10), "big")
    bits = (time.time_ns() // 1_000_000) << 80 | 0x7 << 76 | (chance >> 68) << 64 | 0b10 << 62
    text = f"{bits | chance & (1 << 62) - 1:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


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


def thread_oid() -> str:
    """The reply address of the calling thread; Celery's ``reply_to`` has the same form."""
    name = f"{os.getpid()}-{threading.get_ident()}"
    return str(uuid.uuid3(_REPLY_NAMESPACE, name))
