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
from sedano.brokers.settlement import Bury, Park, Record, Requeue, Settlement
from sedano.errors import (
    MalformedMessage,
    MessageError,
    NotSupported,
    ResultStoreError,
    ResultStoreUnavailable,
    TaskCrashed,
    TaskNotRegistered,
    TaskRevoked,
)
from sedano.execution import ending as ending_kinds
from sedano.execution import task_signals
from sedano.execution.attempt import Attempt, Running
from sedano.execution.chord_ends import ChordEnds, patiently
from sedano.execution.ending import ChordComplete, Ending, Expired, error_of
from sedano.execution.executed import Executed
from sedano.execution.handlers import ended, returned
from sedano.execution.host import Host
from sedano.execution.invoke import call, call_async
from sedano.execution.job import Job
from sedano.execution.limits import Limits
from sedano.execution.membership import memberships
from sedano.execution.outcome import (
    Crashed,
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Replaced,
    Retried,
    Revoked,
    Succeeded,
    state_of,
)
from sedano.execution.settling import Settling
from sedano.message.compression import MAX_BODY
from sedano.message.decoding import decode
from sedano.message.envelope import Envelope
from sedano.message.task_message import TaskMessage
from sedano.message.wire_time import parse_time
from sedano.tasks.request import Context
from sedano.tasks.task import Task
from sedano.tasks.worker_view import worker_of

logger = logging.getLogger("sedano.worker.task")

_UNPLACEABLE: Final = (
    "A coroutine is named in a body that only children read: protocol 1 with a serializer other than json, "
    "msgpack and yaml. Have its client use another serializer, or protocol 2."
)

_UNCOUNTED: Final = (
    "The message is of a chord, whose members are counted in the result store, and results are not kept "
    "here: result_backend is 'disabled', or the broker cannot hold results. Replay it when that is changed."
)

#: A task whose end cannot be told to the result store goes back to the broker for so long. Seconds.
STORE_IS_BACK: Final = 5.0

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
        limits: Limits | None = None,
    ) -> None:
        self._app = app
        self._node = node
        self._report = report
        self._limits = limits
        self._settling = Settling(app)
        self._chords = ChordEnds(app)
        self._announcer = app.announcer
        self._worker = worker_of(app, node)
        task_signals.attach(app.announcer)

    def execute(self, job: Job) -> Executed:
        """Run one task and say what became of it. Raises nothing."""
        attempt: Attempt | Executed | None = None
        try:
            attempt = self._begin(job)
            if not isinstance(attempt, Attempt):
                return attempt
            with Running(attempt, self._app.around_attempt):
                if job.ending is not None:
                    return self._finish_from_outside(attempt, job.ending)
                self._announce_start(attempt)
                outcome = call(
                    attempt.task,
                    attempt.request,
                    limits=self._limits,
                    soft_seconds=job.soft_time_limit,
                    hard_seconds=job.time_limit,
                )
                return self._finish(attempt, outcome)
        except Exception as error:
            return self._give_up(job, error, attempt)

    async def execute_async(self, job: Job) -> Executed:
        """``execute`` for a coroutine task, on the running event loop."""
        attempt: Attempt | Executed | None = None
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
            return self._give_up(job, error, attempt)

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
            exchange=delivery.exchange,
            routing_key=delivery.routing_key,
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
            if message.chord is not None and self._app.results is None:
                raise NotSupported(_UNCOUNTED)
        except (MessageError, NotSupported) as error:
            return self._refuse(job, error)
        if message.protocol != 2 and job.ending is None:
            early = self._out_of_time(job, message)
            if early is not None:
                return early
        try:
            task = self._app.tasks[message.task]
        except TaskNotRegistered as error:
            if not delivery.task:
                return self._refuse(job, error)
            # Set aside under its name, until a node comes up that knows it.
            self._announcer.announce(announced.MessageParked(self._worker, delivery, error))
            return Executed(delivery.tag, Park(delivery.tag))
        request = self._request(job, message, task)
        attempt = Attempt(job, task, request)
        if task.is_coroutine and not delivery.task:
            return self._bury(attempt, NotSupported(_UNPLACEABLE))
        if delivery.redelivered and (message.chord or message.chain):
            told_before = self._told_before(attempt)
            if told_before is not None:
                return told_before
        if self._report is not None:
            request._record_state = lambda state, meta: self._record_state(attempt, state, meta)
            if task.track_started and job.ending is None:
                self._record_started(attempt)
        return attempt

    def _out_of_time(self, job: Job, message: TaskMessage) -> Executed | None:
        """What stands in the body (protocol 1), where the node could not see it."""
        now = self._app.clock.now()
        delivery = job.delivery
        if message.headers.get("revoked") is True:
            return self.execute(msgspec.structs.replace(job, ending=ending_kinds.Revoked()))
        if message.expires is not None and parse_time(message.expires) <= now:
            return self.execute(msgspec.structs.replace(job, ending=Expired()))
        if message.eta is not None and (due := parse_time(message.eta)) > now and not job.acknowledged:
            return Executed(delivery.tag, Requeue(delivery.tag, due=due.timestamp(), begun=False))
        return None

    def _refuse(self, job: Job, error: Exception) -> Executed:
        delivery = job.delivery
        self._announcer.announce(announced.MessageRefused(self._worker, delivery, error))
        result = self._settling.failure_of(delivery, error)
        reason = f"{type(error).__name__}: {error}"
        if job.acknowledged:
            return Executed(delivery.tag, Record(None, result=result))
        return Executed(delivery.tag, Bury(delivery.tag, reason=reason, result=result))

    def _give_up(self, job: Job, error: Exception, attempt: Attempt | Executed | None) -> Executed:
        """What surrounds the task failed, such as the care for connections: no fault of the child's."""
        delivery = job.delivery
        who = delivery.task, delivery.task_id
        comes_again = (
            isinstance(error, ResultStoreUnavailable)
            or (isinstance(error, ResultStoreError) and attempt is None)  # nothing has run
            or isinstance(job.ending, ChordComplete)
        )
        if comes_again and not job.acknowledged:
            logger.warning("Task %s[%s] will be brought to its end later: %s", *who, error)
            due = self._app.clock.timestamp() + STORE_IS_BACK
            begun = isinstance(attempt, Attempt) or job.ending is not None
            return Executed(delivery.tag, Requeue(delivery.tag, due=due, begun=begun))
        logger.exception("Task %s[%s] could not be brought to an end", *who)
        if isinstance(attempt, Attempt):
            try:
                return self._bury(attempt, error, attempt.request)
            except Exception:
                logger.exception("Task %s[%s]: nor could it be told of that", *who)
        return self._refuse(job, error)

    def _bury(self, attempt: Attempt, error: Exception, run: Context | None = None) -> Executed:
        """The message can be read, but not run: what depends on it hears of that."""
        executed = self._conclude(attempt, self._settling.burial(attempt, error))
        delivery = attempt.job.delivery
        self._announcer.announce(announced.MessageRefused(self._worker, delivery, error, run))
        return executed

    # -- chords

    def _told_before(self, attempt: Attempt) -> Executed | None:
        """A message that comes again. Its chords may have counted it: it was settled, but for the message."""
        store = self._app.results
        if store is None or isinstance(attempt.job.ending, ChordComplete):
            return None
        try:
            members = [one for one in memberships(attempt.request) if store.groups.has_part(one.part())]
        except ResultStoreUnavailable:
            if attempt.job.acknowledged:
                return None  # there is no message to come back to
            raise
        if not members:
            return None
        with Running(attempt, self._app.around_attempt):
            return self._conclude(attempt, self._settling.told_before(attempt, members))

    def _finish_from_outside(self, attempt: Attempt, ending: Ending) -> Executed:
        if not isinstance(ending, ChordComplete):
            return self._finish(attempt, outcome_of_ending(ending))
        settlement = self._chords.settlement(attempt, ending)
        return self._conclude(attempt, settlement)

    def _conclude(self, attempt: Attempt, settlement: Settlement) -> Executed:
        """The last word on an attempt, after those on the chords of a job that has no message to keep."""
        tag = attempt.job.delivery.tag
        if isinstance(settlement, Record) and settlement.workflow is not None:
            *before, settlement = self._chords.count(attempt, settlement)
            for record in before:
                if self._report is not None:
                    self._report(Executed(tag, record, final=False))
        return Executed(tag, settlement, attempt.runtime)

    def _announce_start(self, attempt: Attempt) -> None:
        if self._announcer.wants(announced.TaskStarted):
            delivery = attempt.job.delivery
            self._announcer.announce(announced.TaskStarted(attempt.task, attempt.request, delivery))
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
        job = attempt.job
        if job.acknowledged:
            settlement, outcome = patiently(lambda: self._settling.settlement(attempt, outcome))
        else:
            settlement, outcome = self._settling.settlement(attempt, outcome)
        if not job.silent:
            self._announce_end(attempt, outcome)
        if job.acknowledged:
            return self._conclude(attempt, settlement)
        return Executed(job.delivery.tag, settlement, attempt.runtime)

    def _announce_end(self, attempt: Attempt, outcome: Outcome) -> None:
        task, request, announcer = attempt.task, attempt.request, self._announcer
        ended(task, request, outcome)
        match outcome:
            case Succeeded(value=value):
                if announcer.wants(announced.TaskSucceeded):
                    announcer.announce(announced.TaskSucceeded(task, request, value, attempt.runtime))
            case Failed(error=error, traceback=text):
                announcer.announce(announced.TaskFailed(task, request, error, text, attempt.runtime))
            case Crashed(error=crash):
                announcer.announce(announced.TaskFailed(task, request, crash, str(crash), 0.0))
            case Revoked() if isinstance(attempt.job.ending, ending_kinds.Revoked):
                announcer.announce(announced.TaskRevoked(task, request))
            case Revoked():
                announcer.announce(announced.TaskExpired(task, request))
            case Retried(retry=retry, traceback=text):
                announcer.announce(announced.TaskRetried(task, request, retry, text))
            case Rejected(reason=reason, requeue=requeue):
                announcer.announce(announced.TaskRejected(task, request, reason, requeue))
            case Ignored() | Replaced():
                announcer.announce(announced.TaskIgnored(task, request))
        returned(task, request, outcome)
        # What a limit ended has begun, in a process that could not say this.
        began = attempt.job.ending is None or isinstance(attempt.job.ending, ending_kinds.TimedOut)
        if began and announcer.wants(announced.TaskFinished):
            announcer.announce(announced.TaskFinished(task, request, *state_of(outcome)))


def outcome_of_ending(ending: ending_kinds.TaskEnding) -> Outcome:
    """What has become of a task that the node ended, or never ran."""
    match error_of(ending):
        case TaskCrashed() as crash:
            return Crashed(crash)
        case TaskRevoked() as revoked:
            return Revoked(revoked)
        case error:
            return Failed(error, repr(error))
