"""A node without processes: claims, runs and settles in this thread, until nothing is ready any more."""

from datetime import timedelta

import msgspec

from sedano import Sedano
from sedano.brokers.lease import Claimed, Lease
from sedano.brokers.settlement import Bury, Finish, Settlement
from sedano.execution.ending import ChordComplete
from sedano.execution.executed import Executed
from sedano.execution.executor import Executor
from sedano.execution.job import Job
from sedano.worker.admission import Admission
from sedano.worker.outside_results import Completed, OutsideResults
from tests.unit.worker.conftest import plan, traits

QUEUES = ("celery",)


class Line:
    """One node at work, step by step."""

    def __init__(self, app: Sedano, *, apart: bool = False) -> None:
        """
        Args:
            app: The application.
            apart: Results are treated as if they were elsewhere than the messages.
        """
        assert app.results is not None
        self.app = app
        self._joint = None if apart else app.results.joint_with(app.broker.location)
        self.lease = self._begin_lease()
        self.outside = OutsideResults(app.results, QUEUES) if self._joint is None else None
        tasks = {
            name: traits(acks_late=task.acks_late, is_coroutine=task.is_coroutine)
            for name, task in app.tasks.items()
        }
        self.admission = Admission(plan(tasks=tasks), clock=app.clock)
        self.said: list[Executed] = []
        self.executor = Executor(app, node="line@host", report=self.said.append)
        self.buried: list[Bury] = []

    def run(self, most: int = 100_000) -> None:
        """Run what is ready, and what follows from it."""
        settling: list[Settlement] = []
        while most > 0:
            jobs, settling = self.exchange(settling, min(most, 500))
            most -= len(jobs)
            for job in jobs:
                settling += self.work(job)
            if not jobs and not settling:
                return

    def work(self, job: Job) -> list[Settlement]:
        """Run one job; how it is to be settled."""
        executed = self.executor.execute(job)
        said = [one.settlement for one in self.said]
        self.said.clear()
        return [*said, executed.settlement]

    def exchange(self, settling: list[Settlement], limit: int) -> tuple[list[Job], list[Settlement]]:
        """Settle and claim."""
        self.buried += [one for one in settling if isinstance(one, Bury)]
        claimed, completed = self.settle(settling, limit)
        jobs: list[Job] = []
        refused: list[Settlement] = []
        for one in completed:
            for delivery in self.lease.reread([one.tag]):
                jobs.append(Job(delivery, ending=ChordComplete((one.group_id,), one.burial)))
        for delivery in claimed.deliveries:
            verdict = self.admission.admit(delivery)
            if isinstance(verdict, Job):
                jobs.append(self._acknowledged(verdict))
            else:
                refused.append(verdict)
        return jobs, refused

    def settle(self, settling: list[Settlement], limit: int = 0) -> tuple[Claimed, list[Completed]]:
        told = self.outside.tell(self.lease, settling) if self.outside is not None else None
        claimed = self.lease.claim(QUEUES, limit, told.settlements if told is not None else settling)
        completed = [Completed(tag, group_id) for tag, group_id in claimed.completing]
        if told is not None and self.outside is not None:
            self.outside.forget(told, claimed.lost)
            completed += told.completed
        return claimed, completed

    def jobs(self, limit: int = 100) -> list[Job]:
        """Claim, and run nothing."""
        return self.exchange([], limit)[0]

    def _acknowledged(self, job: Job) -> Job:
        if job.acknowledged:
            self.lease.claim(QUEUES, 0, [Finish(job.delivery.tag)])
        return job

    def die(self) -> None:
        """The node is gone; what it held comes again."""
        self.lease.end()
        self.lease = self._begin_lease()

    def _begin_lease(self) -> Lease:
        return self.app.broker.lease("line@host", duration=timedelta(hours=1), results=self._joint)


def ended(job: Job, ending: object) -> Job:
    """The job, as one whose end is told."""
    return msgspec.structs.replace(job, ending=ending)
