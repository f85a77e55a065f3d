"""The rules that decide, before a task runs, whether it may run now.

Called by the feeder for every delivery. Reads the headers only, never the arguments, and never
touches a broker: it returns a job for a child, or the settlement of a message that does not run.
"""

import logging
from collections.abc import Mapping
from typing import Final

from sedano.brokers.crash_attempts import crash_reason
from sedano.brokers.delivery import Delivery
from sedano.brokers.settlement import Bury, Park, Requeue, Settlement
from sedano.clock import Clock
from sedano.execution.ending import TIME_TO_TELL, Crashed, Expired, Revoked, TaskEnding
from sedano.execution.job import Job
from sedano.message.header_peek import peek
from sedano.message.wire_time import parse_time
from sedano.worker.placement import Placement
from sedano.worker.plan import NodePlan, TaskTraits
from sedano.worker.rate_limits import RateLimits

logger = logging.getLogger("sedano.worker")

#: A message that needs another slot than its task usually does, and finds none, is tried again. Seconds.
TRY_AGAIN: Final = 0.25

#: Of what only a child can name, if anybody can.
_UNNAMED: Final = TaskTraits(
    acks_late=True,
    ignore_result=False,
    is_coroutine=False,
    time_limit=None,
    soft_time_limit=None,
    store_errors_even_if_ignored=False,
)


class Admission:
    """Judges deliveries by what the node knows of its tasks."""

    def __init__(self, plan: NodePlan, *, clock: Clock) -> None:
        self.tasks: Mapping[str, TaskTraits] = plan.tasks
        self.placement = Placement(plan)
        #: For the feeder, who asks them when it has judged a whole claim.
        self.rate_limits = RateLimits(plan, clock=clock)
        self._plan = plan
        self._clock = clock
        self._unknown: set[str] = set()

    def admit(self, delivery: Delivery) -> Job | Settlement:
        """A job if the message may run now; otherwise what becomes of it."""
        traits = self.tasks.get(delivery.task) if delivery.task else _UNNAMED
        if traits is None or delivery.task in self.placement.elsewhere:
            return self._park(delivery)
        if delivery.crashes > self._plan.max_crashes:
            reason = crash_reason(delivery.crashes)
            logger.error("Task %s[%s] is buried: %s", delivery.task, delivery.task_id, reason)
            return self._ended(delivery, traits, Crashed(reason, counted=True))
        if delivery.unconditional:
            return self._job(delivery, traits, None, None)
        headers = peek(delivery.envelope.headers)
        if headers is None or delivery.malformed is not None:
            # Protocol 1, or no task at all: the body tells, and a child reads it.
            return self._job(delivery, traits, None, None)
        now = self._clock.timestamp()
        if headers.revoked is True:
            return self._ended(delivery, traits, Revoked())
        try:
            if headers.expires is not None and parse_time(headers.expires).timestamp() <= now:
                return self._ended(delivery, traits, Expired())
            if headers.eta is not None and (due := parse_time(headers.eta).timestamp()) > now:
                return Requeue(delivery.tag, due=due, begun=False)
        except ValueError as error:
            return Bury(delivery.tag, reason=f"MalformedMessage: {error}")
        hard, soft = headers.timelimit or (None, None)
        return self._job(delivery, traits, hard, soft)

    def put_off(self, job: Job) -> Settlement:
        """No slot that fits is free: back it goes.

        If its task usually fits other slots, some of which are free, it is not ready for a while: it would be
        claimed again and again.
        """
        delivery = job.delivery
        if job.slot == self.placement.here.get(delivery.task, job.slot):
            return Requeue(delivery.tag, begun=False)
        return Requeue(delivery.tag, due=self._clock.timestamp() + TRY_AGAIN, begun=False)

    def _job(self, delivery: Delivery, traits: TaskTraits, hard: float | None, soft: float | None) -> Job:
        time_limit = hard or traits.time_limit or self._plan.time_limit
        soft_time_limit = soft or traits.soft_time_limit or self._plan.soft_time_limit
        slot = self.placement.slot_for(traits, time_limit, crashed=delivery.crashes > 0)
        # By position: half the time, and this is made for every message.
        return Job(delivery, not traits.acks_late, time_limit, soft_time_limit, None, False, slot)

    def _park(self, delivery: Delivery) -> Settlement:
        if delivery.task not in self._unknown:
            self._unknown.add(delivery.task)
            slots = self.placement.elsewhere.get(delivery.task)
            if slots is not None:
                logger.warning(
                    "Task %r asks for %s slots, which this node lacks: its messages are parked until a node "
                    "has them (--pool %s=N).",
                    delivery.task,
                    slots,
                    slots,
                )
            else:
                logger.warning(
                    "No task is registered as %r here: its messages are parked until a node knows it. "
                    "Import the module that defines it (setting `imports`, or --include).",
                    delivery.task,
                )
        return Park(delivery.tag)

    def _ended(self, delivery: Delivery, traits: TaskTraits, ending: TaskEnding) -> Job:
        """It is not run, so its message can stay until that has been told, even with ``acks_late=False``."""
        slot = self.placement.slot_for(traits, None, crashed=delivery.crashes > 0)
        return Job(delivery, ending=ending, time_limit=TIME_TO_TELL, slot=slot)
