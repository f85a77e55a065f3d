"""Where private servers listen."""

import contextlib
import itertools
import os
import random
import socket
from collections.abc import Iterator
from typing import Final

#: Below those that systems give to outgoing connections (Linux begins at 32,768).
_LOWEST, _HIGHEST = 10_000, 32_000
#: More than run at a time.
_PROCESSES: Final = 16


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at, no two of them the same: not even those of tests that run beside these.

    A server begins to listen a while later. Meanwhile no outgoing connection may take its port (those have
    higher ones), and no other process of pytest-xdist (each has ports of its own).
    """
    found: list[int] = []
    while len(found) < count:
        port = next(_candidates)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
    return found


def _ports_of_this_process() -> Iterator[int]:
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _PROCESSES
    mine = range(_LOWEST + number, _HIGHEST, _PROCESSES)
    start = random.SystemRandom().randrange(len(mine))
    for place in itertools.count(start):
        yield mine[place % len(mine)]


_candidates: Final = _ports_of_this_process()
