"""Logging of a worker's processes.

Called once in each process: the parent, and the zygote (whose children inherit it). Leaves alone what the
application has set up itself.
"""

import logging
import sys
from pathlib import Path
from typing import Final

from sedano.log import TASK_LOGGER
from sedano.tasks.request import worker_request

WORKER_FORMAT: Final = "[%(asctime)s: %(levelname)s/%(process)d] %(message)s"
TASK_FORMAT: Final = "[%(asctime)s: %(levelname)s/%(process)d] %(task_name)s[%(task_id)s]: %(message)s"


class TaskFormatter(logging.Formatter):
    """Adds the running task's name and id: ``%(task_name)s`` and ``%(task_id)s``, ``???`` outside of one."""

    def format(self, record: logging.LogRecord) -> str:
        request = worker_request()
        record.__dict__.setdefault("task_name", request.task if request is not None else "???")
        record.__dict__.setdefault("task_id", request.id if request is not None else "???")
        return super().format(record)


def set_up_logging(
    level: str,
    *,
    logfile: str | None = None,
    worker_format: str | None = None,
    task_format: str | None = None,
    date_format: str | None = None,
    hijack_root: bool = False,
) -> None:
    """Log to standard error (or a file) from ``level`` up.

    The root logger gets a handler only if it has none, or with ``hijack_root`` (Celery's
    ``worker_hijack_root_logger``). ``sedano`` and task loggers go by ``level`` in any case.
    """
    root = logging.getLogger()
    number = logging.getLevelNamesMapping()[level.upper()]
    handler = _handler(logfile)
    handler.setFormatter(logging.Formatter(_portable(worker_format) or WORKER_FORMAT, date_format))
    if hijack_root:
        root.handlers.clear()
    if not root.handlers:
        root.addHandler(handler)
        root.setLevel(number)
    logging.getLogger("sedano").setLevel(number)
    task_logger = logging.getLogger(TASK_LOGGER)
    if not task_logger.handlers:
        task_handler = _handler(logfile)
        task_handler.setFormatter(TaskFormatter(_portable(task_format) or TASK_FORMAT, date_format))
        task_logger.addHandler(task_handler)
        task_logger.propagate = False
    logging.captureWarnings(True)


def _handler(logfile: str | None) -> logging.Handler:
    if logfile is None:
        return logging.StreamHandler(sys.stderr)
    # Opened for appending by every process of the node: short lines are written in one piece.
    return logging.FileHandler(Path(logfile))


def _portable(text: str | None) -> str | None:
    """Celery's formats name the process, which only its own pool gives a telling name: we show the pid."""
    return text.replace("%(processName)s", "%(process)d") if text is not None else None
