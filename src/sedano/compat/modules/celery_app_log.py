"""``import celery.app.log``."""

from typing import Final

from sedano.compat.task_formatter import TaskFormatter

__all__ = ["TaskFormatter"]

_REFUSED: Final = {
    "Logging": "Connect to the signals setup_logging, after_setup_logger and after_setup_task_logger.",
}
