"""Logging as an application's settings say, for the commands that run for long: ``worker`` and ``beat``.

Receivers of Celery's logging signals may do it instead, or add to it.
"""

import logging

from sedano import signals
from sedano.log import TASK_LOGGER
from sedano.monitoring.logging_setup import TASK_FORMAT, WORKER_FORMAT, LogFormats, set_up_logging
from sedano.settings.sections import WorkerSettings


def set_up_app_logging(worker: WorkerSettings, loglevel: str, *, logfile: str | None) -> None:
    """Set up this process's logging, unless a receiver of ``setup_logging`` does it."""
    formats = log_formats(worker)
    about = {"loglevel": level_number(loglevel), "logfile": logfile, "colorize": bool(formats.color)}
    own = {**about, "format": formats.worker or WORKER_FORMAT}
    answers = signals.setup_logging.send(None, **own)
    # A receiver that failed has set up nothing.
    if any(not isinstance(answer, Exception) for _, answer in answers):
        return
    set_up_logging(loglevel, logfile=logfile, formats=formats, hijack_root=worker.hijack_root_logger)
    signals.after_setup_logger.send(None, logger=logging.getLogger(), **own)
    tasks = {**about, "format": formats.task or TASK_FORMAT}
    signals.after_setup_task_logger.send(None, logger=logging.getLogger(TASK_LOGGER), **tasks)


def log_formats(worker: WorkerSettings) -> LogFormats:
    """How the settings want log lines."""
    return LogFormats(
        worker=worker.log_format,
        worker_dates=worker.log_datefmt,
        task=worker.task_log_format,
        task_dates=worker.task_log_datefmt,
        color=worker.log_color,
    )


def level_number(name: str) -> int:
    """The number of a level, whose name may be in small letters."""
    return logging.getLevelNamesMapping()[name.upper()]
