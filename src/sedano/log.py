"""Loggers for tasks.

Called by users' task modules. Never sets up handlers: the worker does.
"""

import logging
from typing import Final

#: The parent of task loggers: the worker gives it a format with the task's name and id.
TASK_LOGGER: Final = "sedano.task"


def get_task_logger(name: str) -> logging.Logger:
    """A logger whose lines, in a worker, say which task wrote them.

    >>> get_task_logger("myapp.tasks").name
    'myapp.tasks'
    """
    logger = logging.getLogger(name)
    task_logger = logging.getLogger(TASK_LOGGER)
    if logger.parent is logging.root and logger is not task_logger:
        logger.parent = task_logger
    return logger
