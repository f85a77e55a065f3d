"""Runs one message and says how it is to be settled.

Called by the children (and by solo nodes). The only mention of each fact of a task's life is announced here;
log lines and signals subscribe. Never talks to a broker: it returns a settlement.
"""

import contextlib
import logging
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

import msgspec

from sedano import announced
from sedano.brokers.settlement import Bury, Park, Record, Requeue
from sedano.errors import (
    MalformedMessage,
    MessageError,
    NotSupported,
    TaskCrashed,
    TaskNotRegistered,
    TaskRevoked,
)
from sedano.execution import task_signals
from sedano.execution.attempt import Attempt, Running
from sedano.execution.ending import Ending, Expired, error_of
from sedano.execution.executed import Executed
from sedano.execution.handlers import after_run, before_start
from sedano.execution.host import Host
from sedano.execution.invoke import call, call_async
from sedano.execution.job import Job
from sedano.execution.outcome import (
    Crashed,
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Retried,
    Revoked,
    Succeeded,
    state_of,
)
from sedano.execution.settling import Settling
from sedano.execution.soft_limit import SoftLimit
from sedano.message.compression import MAX_BODY
from sedano.message.decoding import decode
from sedano.message.envelope import Envelope
from sedano.message.task_message import TaskMessage
from sedano.message.wire_time import parse_time
from sedano.tasks.request import Context
from sedano.tasks.task import Task

logger = logging.getLogger("sedano.worker.task")

_UNPLACEABLE: Final = (
    "A coroutine is named in a body that only children read: protocol 1 with a serializer other than json, "
    "msgpack and yaml. Have its client use another serializer, or protocol 2."
)

#: Only messages in this form, without tagged values, are rehearsed: to read others may run the user's code.
JSON: Final = "application/json"
TYPE_TAG: Final = b"__type__"
#: Bytes of a body that is worth a rehearsal.
LARGEST_REHEARSAL: Final = 4096

#: Where a child puts a word about a task that is still running.
Reporter = Callable[[Executed], None]


class Executor:
    """Runs the messages of one application, one at a time per thread (many at a time on an event loop)."""

    def __init__(
        self,
        app: Host,
        *,
        node: str | None = None,
        report: Reporter | None = None,
        soft_limit: SoftLimit | None = None,
    ) -> None:
        self._app = app
        self._node = node
        self._report = report
        self._soft_limit = soft_limit
        self._settling = Settling(app)
        self._announcer = app.announcer
        task_signals.attach(app.announcer)

    def execute(self, job: Job) -> Executed:
        """Run one task and say what became of it. Raises nothing."""
        try:
            attempt = self._begin(job)
            if not isinstance(attempt, Attempt):
                return attempt
            with Running(attempt, self._app.around_attempt):
                if job.ending is not None:
                    return self._finish(attempt, outcome_of_ending(job.ending))
                self._announce_start(attempt)
                outcome = call(
                    attempt.task, attempt.request, soft_limit=self._soft_limit, seconds=job.soft_time_limit
                )
                return self._finish(attempt, outcome)
        except Exception as error:
            return self._give_up(job, error)

    async def execute_async(self, job: Job) -> Executed:
        """``execute`` for a coroutine task, on the running event loop."""
        try:
            attempt = self._begin(job)
            if not isinstance(attempt, Attempt):
                return attempt
            with Running(attempt, self._app.around_attempt):
                self._announce_start(attempt)
                outcome = await call_async(
                    attempt.task,
                    attempt.request,
                    soft_seconds=job.soft_time_limit,
                    hard_seconds=job.time_limit,
                )
                return self._finish(attempt, outcome)
        except Exception as error:
            return self._give_up(job, error)

    def rehearse(self, job: Job) -> None:
        """Read a message once more, in the way in which ``execute`` reads it, and do nothing with it.

        For a process that has slept and will get a job in a moment: what the reading takes is in the
        processor's caches then. It saves a tenth of the time from ``delay()`` to the start of a task.
        """
        envelope = job.delivery.envelope
        if envelope.content_type != JSON or len(envelope.body) > LARGEST_REHEARSAL:
            return
        if TYPE_TAG in envelope.body or TYPE_TAG in envelope.headers:
            return
        with contextlib.suppress(Exception):
            message = self._decode(envelope)
            self._request(job, message, self._app.tasks[message.task])

    # -- before the call

    def _decode(self, envelope: Envelope) -> TaskMessage:
        settings = self._app.settings.tasks
        return decode(
            envelope,
            accept=settings.accept_content,
            max_size=max(MAX_BODY, settings.max_message_size),
        )

    def _request(self, job: Job, message: TaskMessage, task: Task[..., Any]) -> Context:
        delivery = job.delivery
        return Context.from_message(
            message,
            task,
            queue=delivery.queue,
            priority=delivery.priority,
            redelivered=delivery.redelivered,
            hostname=self._node,
        )

    def _begin(self, job: Job) -> Attempt | Executed:
        delivery = job.delivery
        if delivery.malformed is not None:
            return self._refuse(job, MalformedMessage(delivery.malformed))
        try:
            message = self._decode(delivery.envelope)
            refuse_workflows(message)
        except (MessageError, NotSupported) as error:
            return self._refuse(job, error)
        if message.protocol != 2 and job.ending is None:
            early = self._out_of_time(job, message)
            if early is not None:
                return early
        try:
            task = self._app.tasks[message.task]
        except TaskNotRegistered as error:
            # Set aside under its name, until a node comes up that knows it.
            return Executed(delivery.tag, Park(delivery.tag)) if delivery.task else self._refuse(job, error)
        if task.is_coroutine and not delivery.task:
            return self._refuse(job, NotSupported(_UNPLACEABLE))
        request = self._request(job, message, task)
        attempt = Attempt(job, task, request)
        if self._report is not None:
            request._record_state = lambda state, meta: self._record_state(attempt, state, meta)
            if task.track_started and job.ending is None:
                self._record_started(attempt)
        return attempt

    def _out_of_time(self, job: Job, message: TaskMessage) -> Executed | None:
        """Times that stand in the body (protocol 1), where the node could not see them."""
        now = self._app.clock.now()
        delivery = job.delivery
        if message.expires is not None and parse_time(message.expires) <= now:
            return self.execute(msgspec.structs.replace(job, ending=Expired()))
        if message.eta is not None and (due := parse_time(message.eta)) > now and not job.acknowledged:
            return Executed(delivery.tag, Requeue(delivery.tag, due=due.timestamp()))
        return None

    def _refuse(self, job: Job, error: Exception) -> Executed:
        delivery = job.delivery
        self._announcer.announce(announced.MessageRefused(delivery.task_id, delivery.task, error))
        result = self._settling.failure_of(delivery.task_id, error) if delivery.task_id else None
        reason = f"{type(error).__name__}: {error}"
        if job.acknowledged:
            return Executed(delivery.tag, Record(None, result=result))
        return Executed(delivery.tag, Bury(delivery.tag, reason=reason, result=result))

    def _give_up(self, job: Job, error: Exception) -> Executed:
        """What surrounds the task failed, such as the care for connections: no fault of the child's."""
        logger.exception(
            "Task %s[%s] could not be brought to an end", job.delivery.task, job.delivery.task_id
        )
        return self._refuse(job, error)

    def _announce_start(self, attempt: Attempt) -> None:
        if self._announcer.wants(announced.TaskStarted):
            self._announcer.announce(announced.TaskStarted(attempt.task, attempt.request))
        before_start(attempt.task, attempt.request)
        attempt.started = perf_counter()

    # -- words in between

    def _record_started(self, attempt: Attempt) -> None:
        self._send(attempt, self._settling.started(attempt, self._node))

    def _record_state(self, attempt: Attempt, state: str, meta: Any) -> None:
        self._send(attempt, self._settling.custom(attempt, state, meta))

    def _send(self, attempt: Attempt, record: Record) -> None:
        if self._report is not None and record.result is not None:
            self._report(Executed(attempt.job.delivery.tag, record, final=False))

    # -- after the call

    def _finish(self, attempt: Attempt, outcome: Outcome) -> Executed:
        if attempt.started:
            attempt.runtime = perf_counter() - attempt.started
        settlement, outcome = self._settling.settlement(attempt, outcome)
        self._announce_end(attempt, outcome)
        return Executed(attempt.job.delivery.tag, settlement, attempt.runtime)

    def _announce_end(self, attempt: Attempt, outcome: Outcome) -> None:
        task, request, announcer = attempt.task, attempt.request, self._announcer
        match outcome:
            case Succeeded(value=value):
                if announcer.wants(announced.TaskSucceeded):
                    announcer.announce(announced.TaskSucceeded(task, request, value, attempt.runtime))
            case Failed(error=error, traceback=text):
                announcer.announce(announced.TaskFailed(task, request, error, text, attempt.runtime))
            case Crashed(error=crash):
                announcer.announce(announced.TaskFailed(task, request, crash, str(crash), 0.0))
            case Revoked():
                announcer.announce(announced.TaskExpired(task, request))
            case Retried(retry=retry, traceback=text):
                announcer.announce(announced.TaskRetried(task, request, retry, text))
            case Rejected(reason=reason, requeue=requeue):
                announcer.announce(announced.TaskRejected(task, request, reason, requeue))
            case Ignored():
                announcer.announce(announced.TaskIgnored(task, request))
        after_run(task, request, outcome)
        if attempt.job.ending is None and announcer.wants(announced.TaskFinished):
            announcer.announce(announced.TaskFinished(task, request, *state_of(outcome)))


def outcome_of_ending(ending: Ending) -> Outcome:
    """What has become of a task that the node ended, or never ran."""
    match error_of(ending):
        case TaskCrashed() as crash:
            return Crashed(crash)
        case TaskRevoked() as revoked:
            return Revoked(revoked)
        case error:
            return Failed(error, repr(error))


def refuse_workflows(message: TaskMessage) -> None:
    """Messages that are part of a workflow: bury them rather than run them and drop the rest.

    Raises:
        NotSupported: the message carries a chain, a chord or callbacks.
    """
    for part in ("chain", "chord", "callbacks", "errbacks"):
        if getattr(message, part):
            raise NotSupported(
                f"The message carries a {part!r}: this version of Sedano runs no workflows. "
                "Replay it from the dead letters with a version that does."
            )
