"""Whether a child's running jobs have run past their limits.

Asked by the crew at every turn of the parent's loop. Only judges: the crew signals and kills.
"""

from dataclasses import dataclass, field
from typing import Final

from sedano.errors import TimeLimitExceeded
from sedano.worker.child_link import ChildLink

#: A coroutine task that outlives its hard limit by this is not heeding its cancellation. Seconds.
LOOP_GRACE: Final = 2.0


@dataclass(slots=True)
class Verdict:
    """What is to be done about one child now, and when to look again."""

    soft_limit_passed: bool = False
    kill_for: TimeLimitExceeded | None = None
    #: The coroutine task that it is to be killed for; None if it is the synchronous slot's.
    culprit: int | None = None
    #: When the next limits pass (monotonic seconds).
    deadlines: list[float] = field(default_factory=list)


def judge(child: ChildLink, now: float) -> Verdict:
    """Look at the synchronous slot, then at the coroutines."""
    verdict = Verdict()
    if child.killed_for is None and child.pid is not None:
        _judge_slot(child, now, verdict)
        _judge_loop(child, now, verdict)
    return verdict


def _judge_slot(child: ChildLink, now: float, verdict: Verdict) -> None:
    job, since = child.running, child.busy_since
    if job is None:
        return
    soft, hard = job.soft_time_limit, job.time_limit
    if soft is not None and child.soft_limit_sent != job.delivery.tag:
        verdict.soft_limit_passed = now >= since + soft
        if not verdict.soft_limit_passed:
            verdict.deadlines.append(since + soft)
    if hard is not None:
        if now >= since + hard:
            verdict.kill_for = TimeLimitExceeded(hard)
        else:
            verdict.deadlines.append(since + hard)


def _judge_loop(child: ChildLink, now: float, verdict: Verdict) -> None:
    """The child's loop cancels what overruns; what does not heed that costs the child."""
    for job, since in child.on_loop.values():
        if job.time_limit is None or verdict.kill_for is not None:
            continue
        end = since + job.time_limit + LOOP_GRACE
        if now >= end:
            verdict.kill_for, verdict.culprit = TimeLimitExceeded(job.time_limit), job.delivery.tag
        else:
            verdict.deadlines.append(end)
