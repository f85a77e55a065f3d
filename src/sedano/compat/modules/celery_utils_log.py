"""``import celery.utils.log``."""

import logging
from logging import getLogger as get_logger
from typing import Final

from sedano.log import TASK_LOGGER, get_task_logger

base_logger: Final = logging.getLogger("sedano")
task_logger: Final = logging.getLogger(TASK_LOGGER)

__all__ = ["base_logger", "get_logger", "get_task_logger", "task_logger"]

_PROCESSES: Final = "Use logging.getLogger: every process of a worker logs by itself."
_HANDLER: Final = "Signal handlers of Sedano's do not log."

_REFUSED: Final = {
    "ColorFormatter": "Use celery.app.log.TaskFormatter, which colours as well.",
    "LOG_LEVELS": "Use the standard library's logging.getLevelNamesMapping().",
    "LoggingProxy": "A worker redirects what is printed to its log by itself: worker_redirect_stdouts.",
    "get_multiprocessing_logger": _PROCESSES,
    "in_sighandler": _HANDLER,
    "mlevel": "Use the standard library's logging.getLevelNamesMapping().",
    "reset_multiprocessing_logger": _PROCESSES,
    "set_in_sighandler": _HANDLER,
    "worker_logger": "Use logging.getLogger('sedano').",
}
