"""What a process of a node does to the operating system: follow its parent into death, measure itself.

Called by the zygote and the children at their start. Linux and macOS; nothing here is for Windows.
"""

import ctypes
import os
import select
import signal
import sys
import threading
from pathlib import Path
from typing import Final

#: <sys/prctl.h>
_PR_SET_PDEATHSIG: Final = 1

_PAGE_KIB: Final = os.sysconf("SC_PAGE_SIZE") // 1024 if hasattr(os, "sysconf") else 4


def die_with_parent(parent: int, life: int | None = None) -> None:
    """Make sure that this process ends when its parent does, even if that is killed with SIGKILL.

    On Linux the kernel does it. Elsewhere a thread watches ``life``, the reading end of a pipe or socket
    that only the parent holds the other end of.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    elif life is not None:
        threading.Thread(target=_watch_life, args=(life,), name="sedano-life", daemon=True).start()
    if os.getppid() != parent:
        # It died before we could ask to follow it.
        os.kill(os.getpid(), signal.SIGKILL)


def _watch_life(life: int) -> None:
    # Only for its end: what comes through it is for others.
    poll = select.poll()
    poll.register(life, 0)
    poll.poll()
    os.kill(os.getpid(), signal.SIGKILL)


def heed_no_stop_signals() -> None:
    """Leave SIGINT, SIGTERM, SIGQUIT and SIGHUP to the parent, though a whole group may get them.

    Handlers that do nothing, rather than SIG_IGN: what a task starts with exec would inherit SIG_IGN.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, _heed_not)


def _heed_not(number: int, frame: object) -> None:
    pass


def resident_kib() -> int:
    """This process's resident memory in KiB: now, where the system tells (Linux), else its peak."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE_KIB
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak


def has_outgrown(limit: int | None) -> bool:
    """Whether this process holds more memory than it may (KiB)."""
    return limit is not None and resident_kib() > limit
