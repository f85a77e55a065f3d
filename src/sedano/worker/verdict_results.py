"""Results of tasks that were ended, where no child could tell of that: killed, crashed.

Called by ``endings``, in the node's parent, which knows no task: it goes by the plan's traits and the
message's headers.
"""

from sedano.brokers.delivery import Delivery
from sedano.clock import Clock
from sedano.execution.ending import Expired, Revoked, TaskEnding, error_of
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

    def of_ending(self, delivery: Delivery, ending: TaskEnding) -> ResultWrite | None:
        """The task was ended from outside: REVOKED if it was not to run, else FAILURE."""
        error = error_of(ending)
        if isinstance(ending, Expired | Revoked):
            if self._is_ignored(delivery):
                return None
            return self._write(
                delivery, TaskMeta.revoked(delivery.task_id, error, finished_at=self._clock.now())
            )
        traits = self._plan.tasks.get(delivery.task)
        kept = traits is not None and traits.store_errors_even_if_ignored
        if self._is_ignored(delivery) and not kept:
            return None
        return self._write(delivery, TaskMeta.failed(delivery.task_id, error, finished_at=self._clock.now()))

    def _is_ignored(self, delivery: Delivery) -> bool:
        if self._plan.result_url is None or not delivery.task_id:
            return True
        headers = peek(delivery.envelope.headers)
        if headers is not None and headers.ignore_result is not None:
            return headers.ignore_result
        traits = self._plan.tasks.get(delivery.task)
        return traits is not None and traits.ignore_result

    def _write(self, delivery: Delivery, meta: TaskMeta) -> ResultWrite:
        expires = self._plan.result_expires
        return ResultWrite(
            meta.task_id,
            meta.status,
            celery_meta.encode(meta, serializer=self._plan.result_serializer),
            None if expires is None else self._clock.timestamp() + expires,
            delivery.envelope.reply_to,
            delivery.envelope.correlation_id,
        )
