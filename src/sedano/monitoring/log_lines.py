"""One log line for each end of a task, in Celery's words, which tools scrape.

Attached by the worker. Formats what core code announces; never decides anything.
"""

import logging

from sedano import announced
from sedano.announcements import Announcer
from sedano.message.representation import represent

logger = logging.getLogger("sedano.worker.task")


def attach(announcer: Announcer) -> None:
    """Log what is announced on this announcer."""
    if logger.isEnabledFor(logging.INFO):
        announcer.subscribe(announced.TaskSucceeded, _succeeded)
        announcer.subscribe(announced.TaskRetried, _retried)
        announcer.subscribe(announced.TaskIgnored, _ignored)
        announcer.subscribe(announced.TaskExpired, _expired)
        announcer.subscribe(announced.TaskRevoked, _revoked)
    announcer.subscribe(announced.TaskFailed, _failed)
    announcer.subscribe(announced.TaskRejected, _rejected)
    announcer.subscribe(announced.MessageRefused, _refused)


def _succeeded(event: announced.TaskSucceeded) -> None:
    shown = represent(event.result, max_length=event.task.resultrepr_maxsize)
    logger.info("Task %s[%s] succeeded in %.6fs: %s", *_who(event), event.runtime, shown)


def _retried(event: announced.TaskRetried) -> None:
    logger.info("Task %s[%s] retry: %s", *_who(event), event.reason)


def _ignored(event: announced.TaskIgnored) -> None:
    logger.info("Task %s[%s] ignored", *_who(event))


def _expired(event: announced.TaskExpired) -> None:
    logger.info("Task %s[%s] was not run: it expired at %s", *_who(event), event.request.expires)


def _revoked(event: announced.TaskRevoked) -> None:
    logger.info("Task %s[%s] was not run: it was revoked", *_who(event))


def _failed(event: announced.TaskFailed) -> None:
    throws = event.task.throws
    if isinstance(event.error, throws if isinstance(throws, tuple) else (throws,)):
        logger.info("Task %s[%s] raised expected: %r", *_who(event), event.error)
    else:
        logger.error("Task %s[%s] raised unexpected: %r\n%s", *_who(event), event.error, event.traceback)


def _rejected(event: announced.TaskRejected) -> None:
    where = "requeued" if event.requeue else "buried"
    logger.warning("Task %s[%s] rejected, %s: %s", *_who(event), where, event.reason)


def _refused(event: announced.MessageRefused) -> None:
    logger.error(
        "A message for task %s[%s] cannot be run and is buried: %s: %s",
        event.task,
        event.task_id,
        type(event.error).__name__,
        event.error,
    )


def _who(
    event: announced.TaskSucceeded
    | announced.TaskFailed
    | announced.TaskRetried
    | announced.TaskRejected
    | announced.TaskIgnored
    | announced.TaskExpired
    | announced.TaskRevoked,
) -> tuple[str | None, str | None]:
    return event.request.shadow or event.request.task, event.request.id
