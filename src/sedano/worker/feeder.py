"""The node's broker thread: claims, settles, renews the lease, and waits for news.

Started by the node. The only thread that talks to the broker, so that the loop which watches children and
time limits never waits for the network. Hands admitted jobs over; takes settlements back; keeps those that
could not be sent until the broker answers again.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from time import monotonic
from typing import Final

from sedano.backoff import ExponentialBackoff
from sedano.brokers.broker import Broker
from sedano.brokers.delivery import Delivery
from sedano.brokers.lease import Claimed, Lease
from sedano.brokers.settlement import Finish, Record, Requeue, Settlement
from sedano.errors import BrokerError, LeaseLost, ResultStoreError
from sedano.execution.ending import TIME_TO_JOIN, ChordComplete
from sedano.execution.job import Job
from sedano.execution.slot_kind import SlotKind
from sedano.results.store import ResultStore
from sedano.worker.admission import Admission
from sedano.worker.allowance import Allowance, Wish
from sedano.worker.outside_results import Completed, OutsideResults
from sedano.worker.plan import NodePlan

logger = logging.getLogger("sedano.worker")

#: How many messages one claim may bring, and about how many bytes.
LARGEST_CLAIM: Final = 1024
LARGEST_CLAIM_SIZE: Final = 8 * 1024 * 1024
#: The longest sleep without a look at the lease. Seconds.
LONGEST_WAIT: Final = 1.0
#: After an outage of the broker the other nodes have this long to renew their leases as well: the longest
#: back-off, and a call that runs into its timeout. Seconds.
RENEWED_WITHIN: Final = 5.0
#: Messages that other nodes did not know are looked for this often. Seconds.
LOOK_FOR_PARKED_EVERY: Final = 0.5
#: Expired results are deleted this often. Seconds.
PRUNE_EVERY: Final = 60.0

#: Jobs that were claimed under one life of the lease; settlements for an older life are void.
Handover = Callable[[list[Job], int], None]


class Feeder:
    """One thread, one lease. Methods without an underscore are for the node's loop, from its thread."""

    def __init__(
        self,
        plan: NodePlan,
        broker: Broker,
        results: ResultStore | None,
        *,
        admission: Admission,
        hand_over: Handover,
        news: Callable[[], None],
        lease_lost: Callable[[int], None],
        failed: Callable[[BaseException], None],
        listens: Callable[[], object] = lambda: None,
        renewed: Callable[[], object] = lambda: None,
        refused: Callable[[Delivery, Settlement], object] = lambda _, __: None,
    ) -> None:
        self._plan = plan
        self._broker = broker
        self._results = results
        self._joint = results.joint_with(broker.location) if results is not None else None
        self._outside = (
            OutsideResults(results, plan.queues) if results is not None and self._joint is None else None
        )
        self._hand_over = hand_over
        self._news = news
        self._lease_lost = lease_lost
        self._failed = failed
        self._listens = listens
        self._renewed = renewed
        self._refused = refused
        self._thread = threading.Thread(target=self._run, name="sedano-feeder", daemon=True)
        self._bell = threading.Event()
        self._lease: Lease | None = None  # set by the feeder's thread; the loop only rings its bell

        self._lock = threading.Lock()  # guards the next five
        self._settling: list[Settlement] = []
        self._generation = 0
        self._allowance = Allowance()
        self._running: frozenset[int] = frozenset()
        self._stopping = False

        #: Replaced by the loop when the application was reloaded; asked by the feeder's thread.
        self.admission = admission

        # The feeder thread's own.
        #: Claims grow to this while all they bring is not due: ready messages may lie behind.
        self._looking_past = 0
        #: The last wait ended with nothing: only what others have parked is left to look for.
        self._nothing_ready = False
        self._has_claimed = False
        self._largest_claim = LARGEST_CLAIM
        #: Messages that are kept until the chords which they completed have been ended.
        self._completed: list[Completed] = []
        self._next_renewal = 0.0
        self._next_recovery = 0.0
        self._next_parked = 0.0
        self._next_prune = monotonic() + PRUNE_EVERY
        self._backoff = ExponentialBackoff(factor=0.05, longest=2.0, jitter=True)
        self._failures = 0

    def start(self) -> None:
        """Begin to claim as far as allowed."""
        self._thread.start()

    def allow(self, totals: Mapping[SlotKind, int]) -> None:
        """Jobs may be handed over until so many were since the start, for each kind of slot."""
        with self._lock:
            grown = self._allowance.set(totals)
        if grown:
            self._wake()

    def settle(self, settlements: Sequence[Settlement], generation: int) -> None:
        """Carry these out, soon and in this order, unless their lease has been lost since."""
        with self._lock:
            if generation == self._generation:
                self._settling.extend(settlements)
            else:
                self._settling.extend(s for s in settlements if isinstance(s, Record) and s.tag is None)
        self._wake()

    def note_running(self, tags: frozenset[int]) -> None:
        """What the children are running; told to the broker with the next renewal."""
        with self._lock:
            self._running = tags

    def stop(self, timeout: float) -> bool:
        """Send what is left, end the lease and the thread. False if the broker did not answer in time."""
        with self._lock:
            self._stopping = True
            self._allowance.set({})
        self._wake()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _wake(self) -> None:
        self._bell.set()
        if self._lease is not None:
            self._lease.wake()

    # -- the feeder's thread

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        except BaseException as error:
            self._failed(error)

    def _turn(self) -> bool:
        """One round: settle and claim, look after the lease, wait. False ends the thread."""
        try:
            lease = self._lease or self._begin_lease()
            self._look_after(lease)
            self._end_chords(lease, self._generation)
            busy = self._settle_and_claim(lease)
            if self._is_done():
                lease.end()
                return False
            if not busy:
                self._wait(lease)
            self._failures = 0
        except LeaseLost:
            self._start_anew()
        except (BrokerError, ResultStoreError) as error:
            if self._stopping and self._failures > 3:
                logger.error("Gave up on the broker while stopping: %s", error)
                return False
            self._endure(error)
        return True

    def _begin_lease(self) -> Lease:
        lease = self._broker.lease(
            self._plan.name, duration=timedelta(seconds=self._plan.lease), results=self._joint
        )
        self._next_renewal = self._next_parked = 0.0
        self._lease = lease
        return lease

    def _start_anew(self) -> None:
        logger.warning(
            "Other nodes took this one for dead (was it stopped, or starved of CPU?) and took its work over. "
            "What it was running is void; it starts anew."
        )
        self._lease = None
        self._completed = []
        with self._lock:
            self._generation += 1
            self._settling = [s for s in self._settling if isinstance(s, Record) and s.tag is None]
            generation = self._generation
        self._lease_lost(generation)

    def _endure(self, error: Exception) -> None:
        delay = self._backoff.delay(self._failures)
        if self._failures == 0:
            logger.warning("%s. Trying again; settlements are kept.", error)
        self._failures += 1
        self._next_recovery = monotonic() + RENEWED_WITHIN
        self._bell.clear()
        self._bell.wait(delay)

    def _settle_and_claim(self, lease: Lease) -> bool:
        """Whether there was anything to do, so that it is worthwhile to look again at once."""
        with self._lock:
            settling, self._settling = self._settling, []
            wish = self._wish()
            generation = self._generation
            self._bell.clear()
        in_vain, self._nothing_ready = self._nothing_ready and not settling, False
        if not settling and not wish.limit:
            return False
        wanted = wish.limit
        if wanted:
            wanted = min(max(wanted, self._looking_past), self._largest_claim)
        try:
            told = self._outside.tell(lease, settling) if self._outside is not None and settling else None
            sendable = told.settlements if told is not None else settling
            claimed = (
                Claimed([], [])
                if in_vain
                else lease.claim(self._plan.queues, wanted, sendable, tasks=wish.tasks)
            )
        except BaseException:
            with self._lock:
                self._settling = settling + self._settling
            raise
        if wanted and not self._has_claimed:
            self._has_claimed = True
            self._listens()
        self._completed += [Completed(tag, group_id) for tag, group_id in claimed.completing]
        if self._outside is not None and told is not None:
            self._outside.forget(told, claimed.lost)
            self._completed += told.completed
        if claimed.lost:
            logger.warning(
                "%d outcomes came too late: their messages had been taken over by other nodes",
                len(claimed.lost),
            )
        count = len(claimed.deliveries) + len(self._completed)
        try:
            # Before what was claimed: there may be no slot for it after that, for long.
            self._end_chords(lease, generation)
        finally:
            self._take_in(lease, claimed.deliveries, generation)
        if len(claimed.deliveries) < wish.limit:
            parked = self._claim_parked(lease, wish, wish.limit - len(claimed.deliveries))
            self._take_in(lease, parked, generation)
            count += len(parked)
        with self._lock:
            self._allowance.note_claimed(wish, len(claimed.deliveries), self.admission.placement)
            # Admission may have settled what it did not let in: told at once, not after the next wait.
            return bool(settling) or bool(self._settling) or count > 0 or wish.narrowed

    def _wish(self) -> Wish:
        return self._allowance.wish(self.admission.placement, by_task=self._broker.features.claims_by_task)

    def _claim_parked(self, lease: Lease, wish: Wish, limit: int) -> list[Delivery]:
        """What nodes without this one's code or slots have set aside."""
        now = monotonic()
        if now < self._next_parked:
            return []
        self._next_parked = now + LOOK_FOR_PARKED_EVERY
        tasks = self.admission.placement.here if wish.tasks is None else wish.tasks
        return lease.claim_parked(self._plan.queues, limit, list(tasks))

    def _take_in(self, lease: Lease, deliveries: list[Delivery], generation: int) -> None:
        if not deliveries:
            return
        # Large messages come in small claims. The next ones are taken to be as large as these.
        size = sum(len(delivery.envelope.body) for delivery in deliveries)
        average = size // len(deliveries) + 1
        self._largest_claim = max(1, min(LARGEST_CLAIM, LARGEST_CLAIM_SIZE // average))
        jobs: list[Job] = []
        refused: list[Settlement] = []
        for delivery in deliveries:
            verdict = self.admission.admit(delivery)
            if isinstance(verdict, Job):
                jobs.append(verdict)
            else:
                refused.append(verdict)
                self._refused(delivery, verdict)
        try:
            jobs = self._keep_rate_limits(lease, jobs, refused)
            # A claim that looked past messages which are not due may have brought more than is wanted.
            with self._lock:
                jobs, excess = self._allowance.split(jobs)
            refused += [self.admission.put_off(job) for job in excess]
            jobs = self._acknowledge_early(lease, jobs)
        except BrokerError:
            # Claimed, and handed to nobody: they would be held for ever.
            refused += [Requeue(job.delivery.tag, begun=False) for job in jobs]
            raise
        finally:
            with self._lock:
                self._settling.extend(refused)
        with self._lock:
            self._allowance.count(jobs)
        if jobs:
            if logger.isEnabledFor(logging.INFO):
                for job in jobs:
                    logger.info("Task %s[%s] received", job.delivery.task, job.delivery.task_id)
            self._hand_over(jobs, generation)

    def _keep_rate_limits(self, lease: Lease, jobs: list[Job], refused: list[Settlement]) -> list[Job]:
        """The jobs that may start now; the others are refused. And whether there may be more behind those."""
        with self._lock:
            rooms = {kind: self._allowance.room(kind) for kind in {job.slot for job in jobs}}
        limits = self.admission.rate_limits
        starting, waiting = limits.part(jobs, lease, rooms=rooms)
        refused += waiting
        early = all(isinstance(one, Requeue) for one in refused) and all(map(limits.hold, starting))
        self._looking_past = 2 * (len(refused) + len(starting)) if refused and early else 0
        return starting

    def _acknowledge_early(self, lease: Lease, jobs: list[Job]) -> list[Job]:
        """At most once, where its user chose that: gone from the broker before it starts."""
        early = [Finish(job.delivery.tag) for job in jobs if job.acknowledged]
        if not early:
            return jobs
        lost = set(lease.claim(self._plan.queues, 0, early).lost)
        return [job for job in jobs if job.delivery.tag not in lost]

    def _end_chords(self, lease: Lease, generation: int) -> None:
        """Have children start the bodies of chords whose last members have been settled."""
        if not self._completed:
            return
        group_ids: dict[int, tuple[str, ...]] = {}
        for one in self._completed:
            group_ids[one.tag] = (*group_ids.get(one.tag, ()), one.group_id)
        if self._stopping:
            # Another node ends them. It does not run the members again.
            with self._lock:
                self._settling += [Requeue(tag) for tag in group_ids]
            self._completed = []
            return
        deliveries = lease.reread(list(group_ids))
        burials = {one.tag: one.burial for one in self._completed}
        self._completed = []
        jobs = [
            Job(
                delivery,
                ending=ChordComplete(group_ids[delivery.tag], burials[delivery.tag]),
                time_limit=TIME_TO_JOIN,
                slot=self.admission.placement.slot_of(delivery.task),
            )
            for delivery in deliveries
        ]
        with self._lock:
            self._allowance.count(jobs)
        if jobs:
            self._hand_over(jobs, generation)

    def _look_after(self, lease: Lease) -> None:
        now = monotonic()
        if now >= self._next_renewal:
            with self._lock:
                running = self._running
            lease.renew(running)
            self._renewed()
            self._next_renewal = now + self._plan.lease / 4
            if now >= self._next_recovery:
                self._recover(lease)
        if now >= self._next_prune:
            self._next_prune = now + PRUNE_EVERY
            if self._results is not None and self._results.prune():
                self._next_prune = now

    def _recover(self, lease: Lease) -> None:
        recovered = lease.recover_dead()
        if recovered:
            logger.warning("Took over from a dead node: %d messages are ready again", recovered)

    def _is_done(self) -> bool:
        with self._lock:
            return self._stopping and not self._settling and not self._completed

    def _wait(self, lease: Lease) -> None:
        timeout = min(LONGEST_WAIT, max(0.0, self._next_renewal - monotonic()))
        with self._lock:
            wish = self._wish()
        if not wish.limit:
            again = lease.rest()
            self._bell.wait(timeout if again is None else min(timeout, again))
        elif not self._bell.is_set():
            self._nothing_ready = not lease.wait(self._plan.queues, timeout, tasks=wish.tasks)
            if not self._nothing_ready and not self._bell.is_set():
                self._news()
