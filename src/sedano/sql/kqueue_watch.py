"""A file watch on macOS and the BSDs: kqueue.

Made by ``file_watch.watch_file``. Holds the file open for reading; closing it again is safe, as SQLite takes
its locks on other files than the write-ahead log (a POSIX lock is lost when any descriptor is closed).
"""

import os
import select
import sys
from pathlib import Path

from sedano.sql.wakeup_pipe import WakeupPipe

if sys.platform != "linux" and sys.platform != "win32":

    class KqueueWatch:
        """A ``FileWatch``."""

        def __init__(self, path: Path) -> None:
            self._path = path
            self._kqueue = select.kqueue()
            self._wakeup = WakeupPipe()
            self._file = -1
            self._kqueue.control([select.kevent(self._wakeup, select.KQ_FILTER_READ, select.KQ_EV_ADD)], 0)

        def wait(self, timeout: float) -> bool:
            self._watch_again()
            events = self._kqueue.control(None, 8, max(0.0, timeout))
            for event in events:
                if event.ident == self._wakeup.fileno():
                    self._wakeup.drain()
                elif event.fflags & (select.KQ_NOTE_DELETE | select.KQ_NOTE_RENAME):
                    self._forget()
            return bool(events)

        def wake(self) -> None:
            self._wakeup.wake()

        def close(self) -> None:
            self._forget()
            self._wakeup.close()
            self._kqueue.close()

        def __del__(self) -> None:
            self.close()

        def _watch_again(self) -> None:
            if self._file >= 0:
                return
            try:
                self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return  # It does not exist now: then the caller's own look now and then has to do.
            notes = select.KQ_NOTE_WRITE | select.KQ_NOTE_EXTEND
            gone = select.KQ_NOTE_DELETE | select.KQ_NOTE_RENAME
            flags = select.KQ_EV_ADD | select.KQ_EV_CLEAR
            self._kqueue.control([select.kevent(self._file, select.KQ_FILTER_VNODE, flags, notes | gone)], 0)

        def _forget(self) -> None:
            if self._file >= 0:
                os.close(self._file)  # takes its event out of the kqueue as well
                self._file = -1
