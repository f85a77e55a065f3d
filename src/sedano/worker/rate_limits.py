"""Which of the admitted jobs may start now, as far as their tasks' rate limits go; the others go back.

Asked by the feeder about each claim. A limit of this node is kept here; one of all nodes by the broker. No
job waits here: one that may not start is requeued, to be ready when a turn may be free.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sedano.brokers.broker import Broker
from sedano.brokers.lease import Lease
from sedano.brokers.settlement import Requeue
from sedano.clock import Clock
from sedano.errors import ConfigurationError
from sedano.execution.job import Job
from sedano.execution.slot_kind import SlotKind
from sedano.worker.own_turns import OwnTurns
from sedano.worker.plan import NodePlan


class RateLimits:
    """The limits of a node's tasks. Used by the feeder's thread alone."""

    def __init__(self, plan: NodePlan, *, clock: Clock) -> None:
        self._limits = {
            name: traits.rate_limit for name, traits in plan.tasks.items() if traits.rate_limit is not None
        }
        self._clock = clock
        #: Of the limits that this node keeps for itself, by the task's name.
        self._own: dict[str, OwnTurns] = {}

    def hold(self, job: Job) -> bool:
        """Whether this job has to wait for its turn. What only tells of a task's end does not run it."""
        return job.delivery.task in self._limits and job.ending is None

    def part(
        self, jobs: list[Job], lease: Lease, *, rooms: Mapping[SlotKind, int]
    ) -> tuple[list[Job], list[Requeue]]:
        """Those of the jobs that may start, in their order, and where the others go.

        Args:
            jobs: What has been admitted of one claim.
            lease: Keeps the limits of all nodes.
            rooms: How many there are free slots for: nobody else need have a turn.
        """
        if not self._limits:
            return jobs, []
        asking: defaultdict[str, list[Job]] = defaultdict(list)
        for job in jobs:
            if self.hold(job):
                asking[job.delivery.task].append(job)
        starting = {job.delivery.tag: job for job in jobs if not self.hold(job)}
        waiting: list[Requeue] = []
        for task, several in asking.items():
            for job, due in zip(several, self._turns_of(task, several, lease, rooms), strict=True):
                if due:
                    waiting.append(Requeue(job.delivery.tag, due=due, begun=False))
                else:
                    starting[job.delivery.tag] = job
        return [job for job in jobs if job.delivery.tag in starting], waiting

    def _turns_of(
        self, task: str, jobs: list[Job], lease: Lease, rooms: Mapping[SlotKind, int]
    ) -> Sequence[float]:
        limit, most = self._limits[task], rooms[jobs[0].slot]
        if limit.shared:
            return lease.take_turns(task, limit.seconds, len(jobs), most=most)
        turns = self._own.setdefault(task, OwnTurns())
        return turns.give(self._clock.timestamp(), limit.seconds, len(jobs), most=most)


def check_scopes(plan: NodePlan, broker: Broker) -> None:
    """A limit of all nodes needs a broker that counts for all of them.

    Raises:
        ConfigurationError: This one does not.
    """
    if broker.features.shared_rates:
        return
    for name, traits in plan.tasks.items():
        if traits.rate_limit is not None and traits.rate_limit.shared:
            raise ConfigurationError(
                f"task {name}: rate_limit_scope: the {broker.name} broker cannot count for all workers "
                "together. Leave it out: each worker keeps the limit for itself then."
            )
