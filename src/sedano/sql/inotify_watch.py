"""A file watch on Linux: inotify through ctypes, as Python has no binding of its own.

Made by ``file_watch.watch_file``. Idle, it sleeps in ``poll`` and uses no processor time.
"""

import ctypes
import os
import select
import struct
from pathlib import Path
from typing import Final

from sedano.sql.wakeup_pipe import WakeupPipe

# From <sys/inotify.h>.
_IN_NONBLOCK: Final = os.O_NONBLOCK
_IN_CLOEXEC: Final = os.O_CLOEXEC
_IN_MODIFY: Final = 0x00000002
_IN_IGNORED: Final = 0x00008000
_EVENT_HEAD: Final = struct.Struct("iIII")  # wd, mask, cookie, length of the name that follows


class InotifyWatch:
    """A ``FileWatch``. Raises ``OSError`` when the system has no inotify instance left for this user."""

    def __init__(self, path: Path) -> None:
        self._path = os.fsencode(path)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._inotify = self._libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        if self._inotify < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1 failed")
        self._wakeup = WakeupPipe()
        self._poll = select.poll()
        self._poll.register(self._inotify, select.POLLIN)
        self._poll.register(self._wakeup, select.POLLIN)
        self._watched = False

    def wait(self, timeout: float) -> bool:
        self._watch_again()
        # poll counts in milliseconds and the kernel wakes late rather than early; 0 would not sleep at all.
        ready = self._poll.poll(max(1, round(timeout * 1000)) if timeout > 0 else 0)
        for descriptor, _ in ready:
            if descriptor == self._inotify:
                self._drain()
            else:
                self._wakeup.drain()
        return bool(ready)

    def wake(self) -> None:
        self._wakeup.wake()

    def close(self) -> None:
        self._wakeup.close()
        if self._inotify >= 0:
            os.close(self._inotify)
            self._inotify = -1

    def __del__(self) -> None:
        if hasattr(self, "_wakeup"):  # A constructor that failed has left nothing to close.
            self.close()

    def _watch_again(self) -> None:
        """Watch the file that has the name now. Cheap when it is the same one."""
        if not self._watched:
            # Fails while the file does not exist: then the caller's own look now and then has to do.
            self._watched = self._libc.inotify_add_watch(self._inotify, self._path, _IN_MODIFY) >= 0

    def _drain(self) -> None:
        events = os.read(self._inotify, 65536)
        offset = 0
        while offset < len(events):
            _, mask, _, name_length = _EVENT_HEAD.unpack_from(events, offset)
            offset += _EVENT_HEAD.size + name_length
            if mask & _IN_IGNORED:  # The file was deleted; another may come.
                self._watched = False
