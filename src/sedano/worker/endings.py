"""How jobs are settled that did not end by themselves: their child died, was killed, or was never given them.

Called by the crew. Decides by why the child ended; never touches a process or a broker.
"""

import logging
import signal

from sedano.brokers.crash_attempts import crash_delay
from sedano.brokers.publication import Publication
from sedano.brokers.settlement import Bury, Finish, Record, Requeue, Settlement
from sedano.clock import Clock
from sedano.errors import TimeLimitExceeded
from sedano.execution.job import Job
from sedano.worker.child_link import ChildLink, Wreckage
from sedano.worker.plan import NodePlan
from sedano.worker.verdict_results import VerdictResults

logger = logging.getLogger("sedano.worker")


class Endings:
    """Makes the settlements, and says in the log what happened."""

    def __init__(self, plan: NodePlan, *, results: VerdictResults, clock: Clock) -> None:
        self._plan = plan
        self._results = results
        self._clock = clock

    def unstarted(self, job: Job) -> Settlement:
        """The job never began: back to the front of its lane, uncounted."""
        delivery = job.delivery
        if not job.acknowledged:
            return Requeue(delivery.tag)
        # Its message is gone already, and it has not run: publish it again.
        again = Publication(
            delivery.task_id, delivery.task, delivery.queue, delivery.envelope, delivery.priority
        )
        return Record(None, follow_ups=(again,))

    def of_dead_child(
        self, child: ChildLink, left: Wreckage, returncode: int, max_rss: int
    ) -> list[Settlement]:
        """One settlement for each job that the child had begun."""
        settlements: list[Settlement] = [
            Requeue(job.delivery.tag) for job in left.unreported if not job.acknowledged
        ]
        for job in left.suspects:
            if isinstance(child.killed_for, TimeLimitExceeded):
                # A child killed for one coroutine takes the others with it: those run again.
                is_culprit = child.killed_tag in {None, job.delivery.tag}
                settlements.append(
                    self._timed_out(job, child.killed_for) if is_culprit else self.unstarted(job)
                )
            elif child.killed_for is not None:
                settlements.append(self._interrupted(job))
            else:
                settlements.append(self._crashed(job, child, returncode, max_rss))
        return settlements

    def _timed_out(self, job: Job, error: TimeLimitExceeded) -> Settlement:
        delivery = job.delivery
        logger.error(
            "Task %s[%s] ran past its hard time limit (%s s) and was killed",
            delivery.task,
            delivery.task_id,
            error.args[0],
        )
        result = self._results.failed(delivery, error)
        if job.acknowledged:
            return Record(None, result=result)
        return Finish(delivery.tag, result=result)

    def _interrupted(self, job: Job) -> Settlement:
        """Stopped by the node itself, which is no fault of the task."""
        delivery = job.delivery
        logger.warning(
            "Task %s[%s] was stopped with its node, and will run again", delivery.task, delivery.task_id
        )
        if job.acknowledged:
            # At most once, as its user chose: it has begun, so it does not run again.
            return Record(None, result=self._results.crashed(delivery, "the node was stopped"))
        return Requeue(delivery.tag)

    def _crashed(self, job: Job, child: ChildLink, returncode: int, max_rss: int) -> Settlement:
        delivery = job.delivery
        crashes = delivery.crashes + 1
        reason = f"{describe(returncode)}, peak memory {max_rss / 1024:.0f} MB"
        if job.acknowledged:
            logger.error("Task %s[%s] killed its process: %s", delivery.task, delivery.task_id, reason)
            return Record(None, result=self._results.crashed(delivery, reason))
        if crashes > self._plan.max_crashes:
            reason = f"Worker exited prematurely: {reason}; run {crashes} times"
            logger.error("Task %s[%s] is buried: %s", delivery.task, delivery.task_id, reason)
            return Bury(
                delivery.tag,
                reason=f"TaskCrashed: {reason}",
                crashed=True,
                result=self._results.crashed(delivery, reason),
            )
        delay = crash_delay(crashes)
        logger.error(
            "Task %s[%s] killed its process (pid %s): %s. Crash %d of %d; it runs again in %g s",
            delivery.task,
            delivery.task_id,
            child.pid,
            reason,
            crashes,
            self._plan.max_crashes,
            delay,
        )
        return Requeue(delivery.tag, due=self._clock.timestamp() + delay, crashed=True)


def describe(returncode: int) -> str:
    """An exit code in words.

    >>> describe(-11)
    'signal 11 (SIGSEGV)'
    >>> describe(3)
    'exit code 3'
    """
    if returncode >= 0:
        return f"exit code {returncode}"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        return f"signal {-returncode}"
    return f"signal {-returncode} ({name})"
