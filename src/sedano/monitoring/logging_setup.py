"""Logging of a worker's processes.

Called once in each process: the parent, and the zygote (whose children inherit it). Leaves alone what the
application has set up itself.
"""

import logging
import sys
from pathlib import Path
from typing import Final

import msgspec

from sedano.log import TASK_LOGGER
from sedano.monitoring.redirected_stream import RedirectedStream
from sedano.tasks.request import worker_request

WORKER_FORMAT: Final = "[%(asctime)s: %(levelname)s/%(process)d] %(message)s"
TASK_FORMAT: Final = "[%(asctime)s: %(levelname)s/%(process)d] %(task_name)s[%(task_id)s]: %(message)s"


#: ANSI colours by level, for terminals.
_COLORS: Final = {
    logging.DEBUG: "34",
    logging.WARNING: "33",
    logging.ERROR: "31",
    logging.CRITICAL: "35",
}


class LineFormatter(logging.Formatter):
    """Adds the running task's name and id: ``%(task_name)s`` and ``%(task_id)s``, ``???`` outside of one."""

    def __init__(self, format: str, dates: str | None, *, color: bool) -> None:
        super().__init__(format, dates)
        self._color = color

    def format(self, record: logging.LogRecord) -> str:
        request = worker_request()
        record.__dict__.setdefault("task_name", request.task if request is not None else "???")
        record.__dict__.setdefault("task_id", request.id if request is not None else "???")
        line = super().format(record)
        code = _COLORS.get(record.levelno) if self._color else None
        return f"\033[{code}m{line}\033[0m" if code else line


class LogFormats(msgspec.Struct, frozen=True, kw_only=True):
    """How log lines look; None is our own way."""

    worker: str | None = None
    worker_dates: str | None = None
    task: str | None = None
    task_dates: str | None = None
    #: None: where the output is a terminal.
    color: bool | None = None


def set_up_logging(
    level: str, *, logfile: str | None = None, formats: LogFormats | None = None, hijack_root: bool = False
) -> None:
    """Log to standard error (or a file) from ``level`` up.

    The root logger gets a handler only if it has none, or with ``hijack_root`` (Celery's
    ``worker_hijack_root_logger``). ``sedano`` and task loggers go by ``level`` in any case.
    """
    root = logging.getLogger()
    formats = formats or LogFormats()
    number = logging.getLevelNamesMapping()[level.upper()]
    color = formats.color if formats.color is not None else logfile is None and sys.stderr.isatty()
    if hijack_root:
        root.handlers.clear()
    if not root.handlers:
        handler = _handler(logfile)
        handler.setFormatter(
            LineFormatter(_portable(formats.worker) or WORKER_FORMAT, formats.worker_dates, color=color)
        )
        root.addHandler(handler)
        root.setLevel(number)
    logging.getLogger("sedano").setLevel(number)
    task_logger = logging.getLogger(TASK_LOGGER)
    if not task_logger.handlers:
        task_handler = _handler(logfile)
        task_handler.setFormatter(
            LineFormatter(_portable(formats.task) or TASK_FORMAT, formats.task_dates, color=color)
        )
        task_logger.addHandler(task_handler)
        task_logger.propagate = False
    logging.captureWarnings(True)


def redirect_output(level: str) -> None:
    """From now on, what is printed is logged (``worker_redirect_stdouts``). After ``set_up_logging``."""
    number = logging.getLevelNamesMapping()[level.upper()]
    sys.stdout = RedirectedStream(number)
    sys.stderr = RedirectedStream(number)


def _handler(logfile: str | None) -> logging.Handler:
    if logfile is None:
        # The stream of now: it goes on to be the terminal where sys.stderr is redirected to the log.
        return logging.StreamHandler(sys.stderr)
    # Opened for appending by every process of the node: short lines are written in one piece.
    return logging.FileHandler(Path(logfile))


def _portable(text: str | None) -> str | None:
    """Celery's formats name the process, which only its own pool gives a telling name: we show the pid."""
    return text.replace("%(processName)s", "%(process)d") if text is not None else None
