"""Celery's task signals, sent for what is announced of tasks.

Attached to the application's announcer by the executor and the eager runner. Never raises: a receiver's
error is logged by the signal.
"""

from sedano import announced, signals
from sedano.announcements import Announcer
from sedano.execution.exception_info import ExceptionInfo


def attach(announcer: Announcer) -> None:
    """Send signals for the announcements of this announcer. Once is enough; twice changes nothing."""
    announcer.subscribe(announced.TaskStarted, _started, while_=signals.task_prerun.has_listeners)
    announcer.subscribe(announced.TaskSucceeded, _succeeded, while_=signals.task_success.has_listeners)
    announcer.subscribe(announced.TaskFailed, _failed, while_=signals.task_failure.has_listeners)
    announcer.subscribe(announced.TaskRetried, _retried, while_=signals.task_retry.has_listeners)
    announcer.subscribe(announced.TaskExpired, _expired, while_=signals.task_revoked.has_listeners)
    announcer.subscribe(announced.TaskRevoked, _revoked, while_=signals.task_revoked.has_listeners)
    announcer.subscribe(announced.TaskFinished, _finished, while_=signals.task_postrun.has_listeners)


def _started(event: announced.TaskStarted) -> None:
    request = event.request
    signals.task_prerun.send(
        event.task, task_id=request.id, task=event.task, args=request.args, kwargs=request.kwargs
    )


def _succeeded(event: announced.TaskSucceeded) -> None:
    signals.task_success.send(event.task, result=event.result, runtime=event.runtime)


def _failed(event: announced.TaskFailed) -> None:
    request = event.request
    signals.task_failure.send(
        event.task,
        task_id=request.id,
        exception=event.error,
        args=request.args,
        kwargs=request.kwargs,
        traceback=event.error.__traceback__,
        einfo=ExceptionInfo(event.error, event.traceback),
    )


def _retried(event: announced.TaskRetried) -> None:
    info = ExceptionInfo(event.reason, event.traceback)
    signals.task_retry.send(event.task, request=event.request, reason=event.reason, einfo=info)


def _expired(event: announced.TaskExpired) -> None:
    signals.task_revoked.send(event.task, request=event.request, terminated=False, signum=None, expired=True)


def _revoked(event: announced.TaskRevoked) -> None:
    signals.task_revoked.send(event.task, request=event.request, terminated=False, signum=None, expired=False)


def _finished(event: announced.TaskFinished) -> None:
    request = event.request
    signals.task_postrun.send(
        event.task,
        task_id=request.id,
        task=event.task,
        args=request.args,
        kwargs=request.kwargs,
        retval=event.retval,
        state=event.state,
    )
