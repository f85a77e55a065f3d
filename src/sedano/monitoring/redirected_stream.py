"""Lines that are printed, as log records: ``worker_redirect_stdouts``.

Put in the place of ``sys.stdout`` and ``sys.stderr`` by ``logging_setup``.
"""

import io
import logging
import threading
from typing import Final

logger = logging.getLogger("sedano.redirected")

#: Handlers that print would otherwise log what they print, for ever.
_busy: Final = threading.local()


class RedirectedStream(io.TextIOBase):
    """Logs whole lines at one level.

    >>> RedirectedStream(logging.WARNING).write("hello")
    5
    """

    def __init__(self, level: int) -> None:
        self._level = level
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        """Log the lines that are complete, keep the rest."""
        if getattr(_busy, "now", False):
            return len(text)
        *lines, self._rest = (self._rest + text).split("\n")
        self._log(lines)
        return len(text)

    def flush(self) -> None:
        """Log what has been printed without an end of line."""
        rest, self._rest = self._rest, ""
        self._log([rest])

    def _log(self, lines: list[str]) -> None:
        _busy.now = True
        try:
            for line in lines:
                if line.strip():
                    logger.log(self._level, "%s", line)
        finally:
            _busy.now = False
