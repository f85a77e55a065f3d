"""Celery's task signals, sent for what is announced of tasks.

Attached to the application's announcer by the executor and the eager runner. Never raises: a receiver's
error is logged by the signal.
"""

import traceback

from sedano import announced, signals
from sedano.announcements import Announcer
from sedano.brokers.delivery import Delivery
from sedano.errors import Reject, TaskNotRegistered
from sedano.execution.exception_info import ExceptionInfo
from sedano.execution.message_view import MessageView
from sedano.execution.received_request import ReceivedRequest
from sedano.tasks.request import Context, current_request
from sedano.tasks.worker_view import WorkerView, worker_of


def attach(announcer: Announcer) -> None:
    """Send signals for the announcements of this announcer. Once is enough; twice changes nothing."""
    announcer.subscribe(announced.TaskStarted, _received, while_=signals.task_received.has_listeners)
    announcer.subscribe(announced.TaskStarted, _started, while_=signals.task_prerun.has_listeners)
    announcer.subscribe(announced.TaskSucceeded, _succeeded, while_=signals.task_success.has_listeners)
    announcer.subscribe(announced.TaskFailed, _failed, while_=signals.task_failure.has_listeners)
    announcer.subscribe(announced.TaskRetried, _retried, while_=signals.task_retry.has_listeners)
    announcer.subscribe(announced.TaskRejected, _rejected, while_=signals.task_failure.has_listeners)
    announcer.subscribe(announced.TaskExpired, _expired, while_=signals.task_revoked.has_listeners)
    announcer.subscribe(announced.TaskRevoked, _revoked, while_=signals.task_revoked.has_listeners)
    announcer.subscribe(announced.TaskFinished, _finished, while_=signals.task_postrun.has_listeners)
    announcer.subscribe(announced.MessageRefused, _refused)
    announcer.subscribe(announced.MessageParked, _parked, while_=signals.task_unknown.has_listeners)


def _received(event: announced.TaskStarted) -> None:
    # Not where the task is only called in place: nobody receives it. And not if nobody listens, since what
    # wants the announcement may be another signal.
    if event.delivery is None or not signals.task_received.has_listeners():
        return
    worker = worker_of(event.task.app, event.request.hostname)
    # What a receiver publishes is no child of the task, which has not begun.
    token = current_request.set(None)
    try:
        request = ReceivedRequest(worker, event.task, event.request, event.delivery)
        signals.task_received.send(worker, request=request)
    finally:
        current_request.reset(token)


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


def _rejected(event: announced.TaskRejected) -> None:
    """Celery tells of a task that refuses its message for good as of one that failed."""
    if event.requeue:
        return
    request, error = event.request, Reject(event.reason, event.requeue)
    signals.task_failure.send(
        event.task,
        task_id=request.id,
        exception=error,
        args=request.args,
        kwargs=request.kwargs,
        traceback=None,
        einfo=ExceptionInfo(error, repr(error)),
    )


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


def _refused(event: announced.MessageRefused) -> None:
    if event.run is not None:
        _broke(event.run, event.error)
    elif isinstance(event.error, TaskNotRegistered):
        unknown(event.worker, event.delivery, event.error)
    else:
        rejected(event.worker, event.delivery, event.error)


def _broke(request: Context, error: BaseException) -> None:
    if not signals.task_internal_error.has_listeners():
        return
    signals.task_internal_error.send(
        request.task_object,
        task_id=request.id,
        args=request.args,
        kwargs=request.kwargs,
        request=request.as_dict(),
        exception=error,
        traceback=error.__traceback__,
        einfo=ExceptionInfo(error, "".join(traceback.format_exception(error)), internal=True),
    )


def _parked(event: announced.MessageParked) -> None:
    unknown(event.worker, event.delivery, event.error)


def unknown(worker: WorkerView, delivery: Delivery, error: TaskNotRegistered) -> None:
    """Send ``task_unknown`` for a message."""
    if signals.task_unknown.has_listeners():
        named = {"message": MessageView(delivery), "name": error.name, "id": delivery.task_id}
        signals.task_unknown.send(worker, exc=error, **named)


def rejected(worker: WorkerView, delivery: Delivery, error: BaseException) -> None:
    """Send ``task_rejected`` for a message."""
    if signals.task_rejected.has_listeners():
        signals.task_rejected.send(worker, message=MessageView(delivery), exc=error)
