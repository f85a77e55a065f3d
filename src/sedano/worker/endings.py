"""How jobs are settled that did not end by themselves: their child died, was killed, or was never given them.

Called by the crew. Decides by why the child ended; never touches a process or a broker.
"""

import contextlib
import logging
import signal

import msgspec

from sedano.brokers.crash_attempts import crash_delay
from sedano.brokers.delivery import Delivery
from sedano.brokers.publication import Publication
from sedano.brokers.settlement import Bury, Finish, Record, Requeue, Settlement
from sedano.clock import Clock
from sedano.errors import MalformedMessage, TimeLimitExceeded
from sedano.execution.ending import (
    TIME_TO_TELL,
    ChordComplete,
    Crashed,
    Expired,
    Revoked,
    TaskEnding,
    TimedOut,
)
from sedano.execution.job import Job
from sedano.message.body_peek import carries_workflow
from sedano.message.envelope import Envelope
from sedano.message.task_headers import mark_revoked
from sedano.results.result_write import ResultWrite
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
        if job.ending is not None:
            return self.untold(job)
        if not job.acknowledged:
            return Requeue(delivery.tag, begun=False)
        # Its message is gone already, and it has not run: publish it again.
        return Record(None, follow_ups=(_again(job, delivery.envelope),))

    @staticmethod
    def must_stay(job: Job) -> bool:
        """Whether another node would do worse with this job. What ran past its limit would run once more."""
        return isinstance(job.ending, TimedOut) or (job.acknowledged and job.ending is not None)

    def untold(self, job: Job) -> Settlement:
        """The task has ended, and no child of this node can tell anybody: another node will.

        With nothing but a result to tell, where that node would run the task again, it is stored here.
        """
        delivery, ending = job.delivery, job.ending
        has_followers = carries_workflow(delivery.envelope)
        if job.acknowledged:
            if has_followers:
                # There is no message that could go back: one that is not to run tells what waits for it.
                with contextlib.suppress(MalformedMessage):
                    return Record(None, follow_ups=(_again(job, mark_revoked(delivery.envelope)),))
            return self.unheard(job)
        if isinstance(ending, Crashed):
            return Requeue(delivery.tag, crashed=not ending.counted)
        if isinstance(ending, TimedOut) and (not has_followers or not self._acks_on_timeout(delivery)):
            return self.unheard(job)
        return Requeue(delivery.tag, begun=not isinstance(ending, Expired | Revoked))

    def unheard(self, job: Job) -> Settlement:
        """Nobody can be told of the end: that costs every process its life. Only the result is stored.

        What is tried again after its time limit is tried again all the same.
        """
        delivery, ending = job.delivery, job.ending
        if ending is None:
            return self.unstarted(job)
        if isinstance(ending, ChordComplete):
            return Bury(delivery.tag, reason=f"ChordError: {ending.failure}", crashed=True)
        result = self._results.of_ending(delivery, ending)
        if job.acknowledged:
            return Record(None, result=result)
        if isinstance(ending, Crashed):
            reason = f"TaskCrashed: {ending.reason}"
            return Bury(delivery.tag, reason=reason, crashed=not ending.counted, result=result)
        if isinstance(ending, TimedOut) and not self._acks_on_timeout(delivery):
            return self._after_crash(delivery, result)
        return Finish(delivery.tag, result=result)

    def of_dead_child(
        self, child: ChildLink, left: Wreckage, returncode: int, max_rss: int
    ) -> tuple[list[Settlement], list[Job]]:
        """What becomes of the jobs that the child had begun.

        Returns:
            Settlements; and jobs that have ended, whose handlers another child is to tell.
        """
        settlements: list[Settlement] = [
            Requeue(job.delivery.tag) for job in left.unreported if not job.acknowledged
        ]
        to_tell: list[Job] = []
        for job in left.suspects:
            verdict = self._of_suspect(job, child, returncode, max_rss)
            if isinstance(verdict, Job):
                to_tell.append(verdict)
            else:
                settlements.append(verdict)
        return settlements, to_tell

    def _of_suspect(self, job: Job, child: ChildLink, returncode: int, max_rss: int) -> Settlement | Job:
        if isinstance(child.killed_for, TimeLimitExceeded):
            # A child killed for one task takes the others with it: those run again.
            if child.killed_tag not in {None, job.delivery.tag}:
                return self._interrupted(job)
            return self._ended(job, TimedOut(child.killed_for.args[0]))
        if child.killed_for is not None:
            return self._interrupted(job)
        return self._crashed(job, child, returncode, max_rss)

    def _ended(
        self, job: Job, ending: TaskEnding, why: str = "it ran past its time limit"
    ) -> Settlement | Job:
        """Have it told; without the user's handlers, if it was they who ended the child."""
        if job.ending is None:
            limit = job.time_limit or TIME_TO_TELL
            return msgspec.structs.replace(job, ending=ending, time_limit=limit, soft_time_limit=None)
        return self._ended_while_telling(job, why)

    def _ended_while_telling(self, job: Job, why: str) -> Settlement | Job:
        delivery = job.delivery
        if isinstance(job.ending, ChordComplete):
            return self._ended_while_joining(job, job.ending, why)
        if not job.silent:
            logger.error(
                "A handler of task %s[%s] ended its process: %s", delivery.task, delivery.task_id, why
            )
            return msgspec.structs.replace(job, silent=True)
        logger.error("Nobody could be told how task %s[%s] ended: %s", delivery.task, delivery.task_id, why)
        return self.unheard(job)

    def _ended_while_joining(self, job: Job, ending: ChordComplete, why: str) -> Settlement | Job:
        """A process died of what a chord's members returned: of its size, say. After some, it has failed."""
        delivery, chords = job.delivery, ", ".join(ending.group_ids)
        crashes = delivery.crashes + 1
        logger.error("The process that was to start the body of chord %s died: %s", chords, why)
        if ending.failure is not None:
            return self.unheard(job)
        if crashes <= self._plan.max_crashes:
            return self._after_crash(delivery)
        failed = msgspec.structs.replace(
            ending, failure=f"the process that was to start the body died: {why}"
        )
        return msgspec.structs.replace(job, ending=failed, silent=True)

    def _interrupted(self, job: Job) -> Settlement:
        """Stopped by the node itself, or with a task beside it: which is no fault of this one."""
        delivery = job.delivery
        if job.ending is not None:
            return self.untold(job)
        logger.warning(
            "Task %s[%s] was stopped with its process, and will run again", delivery.task, delivery.task_id
        )
        if job.acknowledged:
            # At most once, as its user chose: it has begun, so it does not run again.
            return self.untold(msgspec.structs.replace(job, ending=Crashed("the node was stopped")))
        return Requeue(delivery.tag)

    def _crashed(self, job: Job, child: ChildLink, returncode: int, max_rss: int) -> Settlement | Job:
        delivery = job.delivery
        crashes = delivery.crashes + 1
        reason = f"{describe(returncode)}, peak memory {max_rss / 1024:.0f} MB"
        if job.ending is not None:
            return self._ended_while_telling(job, reason)
        if job.acknowledged:
            logger.error("Task %s[%s] killed its process: %s", delivery.task, delivery.task_id, reason)
            return self._ended(job, Crashed(reason))
        if crashes > self._plan.max_crashes:
            reason = f"Worker exited prematurely: {reason}; run {crashes} times"
            logger.error("Task %s[%s] is buried: %s", delivery.task, delivery.task_id, reason)
            return self._ended(job, Crashed(reason))
        logger.error(
            "Task %s[%s] killed its process (pid %s): %s. Crash %d of %d; it runs again in %g s",
            delivery.task,
            delivery.task_id,
            child.pid,
            reason,
            crashes,
            self._plan.max_crashes,
            crash_delay(crashes),
        )
        return self._after_crash(delivery)

    def _after_crash(self, delivery: Delivery, result: ResultWrite | None = None) -> Requeue:
        due = self._clock.timestamp() + crash_delay(delivery.crashes + 1)
        return Requeue(delivery.tag, due=due, crashed=True, result=result)

    def _acks_on_timeout(self, delivery: Delivery) -> bool:
        traits = self._plan.tasks.get(delivery.task)
        return traits is None or traits.acks_on_timeout


def _again(job: Job, envelope: Envelope) -> Publication:
    delivery = job.delivery
    return Publication(delivery.task_id, delivery.task, delivery.queue, envelope, delivery.priority)


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
