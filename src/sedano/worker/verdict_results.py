"""Results of messages that never ran to an end of their own: expired, revoked, killed, crashed.

Called by the node's parent, which knows no task: it goes by the plan's traits and the message's headers.
"""

from sedano.brokers.delivery import Delivery
from sedano.clock import Clock
from sedano.execution.ending import Crashed, Ending, Expired, error_of
from sedano.message.header_peek import peek
from sedano.results import celery_meta
from sedano.results.result_write import ResultWrite
from sedano.results.task_meta import TaskMeta
from sedano.worker.plan import NodePlan


class VerdictResults:
    """Makes the documents; None where the result is not to be stored."""

    def __init__(self, plan: NodePlan, *, clock: Clock) -> None:
        self._plan = plan
        self._clock = clock

    def of_ending(self, delivery: Delivery, ending: Ending) -> ResultWrite | None:
        """The task was ended from outside: REVOKED if it expired, else FAILURE."""
        error = error_of(ending)
        if isinstance(ending, Expired):
            if self._is_ignored(delivery):
                return None
            return self._write(TaskMeta.revoked(delivery.task_id, error, finished_at=self._clock.now()))
        traits = self._plan.tasks.get(delivery.task)
        kept = traits is not None and traits.store_errors_even_if_ignored
        if self._is_ignored(delivery) and not kept:
            return None
        return self._write(TaskMeta.failed(delivery.task_id, error, finished_at=self._clock.now()))

    def crashed(self, delivery: Delivery, reason: str) -> ResultWrite | None:
        """The processes that ran the task died under it, once too often: state FAILURE."""
        return self.of_ending(delivery, Crashed(reason))

    def _is_ignored(self, delivery: Delivery) -> bool:
        if self._plan.result_url is None or not delivery.task_id:
            return True
        headers = peek(delivery.envelope.headers)
        if headers is not None and headers.ignore_result is not None:
            return headers.ignore_result
        traits = self._plan.tasks.get(delivery.task)
        return traits is not None and traits.ignore_result

    def _write(self, meta: TaskMeta) -> ResultWrite:
        expires = self._plan.result_expires
        return ResultWrite(
            meta.task_id,
            meta.status,
            celery_meta.encode(meta, serializer=self._plan.result_serializer),
            None if expires is None else self._clock.timestamp() + expires,
        )
