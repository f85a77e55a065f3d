"""Whether a child's running jobs have run past their limits.

Asked by the crew at every turn of the parent's loop. Only judges: the crew signals and kills.
"""

from dataclasses import dataclass, field
from typing import Final

from sedano.errors import TimeLimitExceeded
from sedano.worker.child_link import ChildLink

#: A task that outlives its hard limit by this does not heed the child, which cancels coroutines, and raises
#: exceptions in threads. Seconds.
SIDE_GRACE: Final = 2.0


@dataclass(slots=True)
class Verdict:
    """What is to be done about one child now, and when to look again."""

    soft_limit_passed: bool = False
    kill_for: TimeLimitExceeded | None = None
    #: The task that it is to be killed for.
    culprit: int | None = None
    #: When the next limits pass (monotonic seconds).
    deadlines: list[float] = field(default_factory=list)


def judge(child: ChildLink, now: float) -> Verdict:
    """Look at the synchronous slot, then at those beside it."""
    verdict = Verdict()
    if child.killed_for is None and child.pid is not None:
        _judge_slot(child, now, verdict)
        _judge_sides(child, now, verdict)
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
            verdict.kill_for, verdict.culprit = TimeLimitExceeded(hard), job.delivery.tag
        else:
            verdict.deadlines.append(since + hard)


def _judge_sides(child: ChildLink, now: float, verdict: Verdict) -> None:
    """The child itself ends what overruns; what does not heed that costs the child."""
    for side in child.sides.values():
        for job, since in side.limited.values():
            if job.time_limit is None or verdict.kill_for is not None:
                continue
            end = since + job.time_limit + SIDE_GRACE
            if now >= end:
                verdict.kill_for, verdict.culprit = TimeLimitExceeded(job.time_limit), job.delivery.tag
            else:
                verdict.deadlines.append(end)
