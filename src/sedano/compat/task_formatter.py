"""``celery.app.log.TaskFormatter``, which projects give to handlers of their own.

Used by ``modules/celery_app_log``, and by logging configurations that name it.
"""

import logging

from sedano.monitoring.logging_setup import LineFormatter


class TaskFormatter(LineFormatter):
    """Adds ``%(task_name)s`` and ``%(task_id)s`` to log lines; ``???`` outside of a task."""

    def __init__(self, fmt: str | None = None, use_color: bool = True) -> None:
        """
        Args:
            fmt: The format of a line; None shows the message alone.
            use_color: Show the level by a colour.
        """
        super().__init__(fmt or logging.PercentStyle.default_format, None, color=use_color)
