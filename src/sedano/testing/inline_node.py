"""A node without processes and threads: it claims, admits, executes and settles where it is called.

Used by ``idle``. What it does is done by the parts of the real node: ``Admission``, ``Executor`` and, where
the result store is not at the broker's, ``OutsideResults``. It keeps no time limits but those of coroutines,
and no task can crash without the test.
"""

from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from sedano.brokers.delivery import Delivery
from sedano.brokers.lease import Lease
from sedano.brokers.settlement import Finish, Settlement
from sedano.execution.ending import ChordComplete
from sedano.execution.executed import Executed
from sedano.execution.executor import Executor
from sedano.execution.job import Job
from sedano.testing.callers_thread import CoroutineThread
from sedano.testing.plan_for_tests import plan_for_tests
from sedano.worker.admission import Admission
from sedano.worker.outside_results import Completed, OutsideResults

if TYPE_CHECKING:
    from sedano.app import Sedano

#: No test lasts as long, by the broker's clock: a manual one is turned between renewals.
LEASE: Final = timedelta(days=1)

#: A claim may bring nothing although something is ready: on Redis it sorts out what is not due yet.
MOST_VAIN_CLAIMS: Final = 100

#: More than a queue of a test holds.
WHOLE_QUEUE: Final = 1_000_000


class InlineNode:
    """One node, whose only slot is the calling thread.

    Args:
        app: The application whose tasks it knows.
        queues: What it consumes; None means every queue that holds messages.
    """

    def __init__(self, app: "Sedano", queues: Sequence[str] | None = None) -> None:
        self._broker = app.broker
        self._queues = queues
        plan = plan_for_tests(app, "inline@test")
        self._own_queues = plan.queues
        self._name = plan.name
        self._tasks = plan.tasks
        results = app.results
        self._joint = results.joint_with(app.broker.location) if results is not None else None
        self._outside = (
            OutsideResults(results, plan.queues) if results is not None and self._joint is None else None
        )
        self._admission = Admission(plan, clock=app.clock)
        self._executor = Executor(app, node=plan.name, report=lambda said: self._settle(said.settlement))
        self._completed: list[Completed] = []
        self._coroutines = CoroutineThread()

    def __enter__(self) -> Self:
        self._lease: Lease = self._broker.lease(self._name, duration=LEASE, results=self._joint)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lease.end()
        self._coroutines.close()

    def queues(self) -> Sequence[str]:
        """What it consumes right now."""
        if self._queues is not None:
            return self._queues
        return tuple(dict.fromkeys((*self._own_queues, *self._broker.admin.queues())))

    def run_next(self) -> bool:
        """Take one message, and do with it what a node would; False if none is ready."""
        deliveries = self._claim()
        for delivery in deliveries:
            verdict = self._admission.admit(delivery)
            if isinstance(verdict, Job):
                self._work(verdict)
            else:
                self._settle(verdict)
        return bool(deliveries)

    def _claim(self) -> list[Delivery]:
        queues = self.queues()
        for _ in range(MOST_VAIN_CLAIMS):
            deliveries = self._lease.claim(queues, 1).deliveries
            if deliveries:
                return deliveries
            if not self.ready():
                break
        return self._lease.claim_parked(queues, 1, list(self._tasks))

    def next_due(self, now: float) -> float | None:
        """When the first message that is not due yet will be, in POSIX seconds; None if there is none."""
        admin = self._broker.admin
        dues = [
            message.due
            for queue in self.queues()
            if not admin.depth(queue).paused
            for message in admin.peek(queue, limit=WHOLE_QUEUE)
            if message.state == "scheduled" and message.due is not None and message.due > now
        ]
        return min(dues, default=None)

    def ready(self) -> list[str]:
        """The names of the tasks whose messages are ready."""
        admin = self._broker.admin
        return [
            message.task
            for queue in self.queues()
            if not admin.depth(queue).paused
            for message in admin.peek(queue, limit=WHOLE_QUEUE)
            if message.state == "ready"
        ]

    def renew(self) -> None:
        """Time has passed."""
        self._lease.renew(())

    def _work(self, job: Job) -> None:
        if job.acknowledged and self._lease.claim(self.queues(), 0, [Finish(job.delivery.tag)]).lost:
            return
        jobs = deque([job])
        while jobs:
            executed = self._execute(jobs.popleft())
            self._settle(executed.settlement)
            completed, self._completed = self._completed, []
            for one in completed:
                jobs.extend(
                    Job(delivery, ending=ChordComplete((one.group_id,), one.burial))
                    for delivery in self._lease.reread([one.tag])
                )

    def _execute(self, job: Job) -> Executed:
        traits = self._tasks.get(job.delivery.task)
        if traits is not None and traits.is_coroutine and job.ending is None:
            return self._coroutines.run(lambda: self._executor.execute_async(job))
        return self._executor.execute(job)

    def _settle(self, settlement: Settlement) -> None:
        settling = [settlement]
        told = self._outside.tell(self._lease, settling) if self._outside is not None else None
        claimed = self._lease.claim(self.queues(), 0, told.settlements if told is not None else settling)
        self._completed += [Completed(tag, group_id) for tag, group_id in claimed.completing]
        if self._outside is not None and told is not None:
            self._outside.forget(told, claimed.lost)
            self._completed += told.completed
