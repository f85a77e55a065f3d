"""The RabbitMQ broker's side of one node: a connection, and what its server waits to hear of.

Made by ``AmqpBroker.lease``. Owned by one thread, but for ``wake``. The lease is the connection: when that
ends, or is silent for as long as the lease, the server gives to others what this node has not acknowledged.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta
from typing import Final

from sedano import ids
from sedano.amqp.link import AmqpLink
from sedano.brokers.amqp import parking
from sedano.brokers.amqp.consumers import Arrival, Consumers
from sedano.brokers.amqp.message import decode, due_of
from sedano.brokers.amqp.node_log import Ended, Heartbeat, News, NodeLog, Released, outgoing, run_of
from sedano.brokers.amqp.outbound import Outbound
from sedano.brokers.amqp.settling import MOST_RETURNS, Claim, Copy, Settling
from sedano.brokers.crash_attempts import crash_delay
from sedano.brokers.delivery import Delivery
from sedano.brokers.lease import Claimed
from sedano.brokers.settlement import Requeue, Settlement
from sedano.clock import Clock
from sedano.errors import BrokerError, BrokerUnavailable, LeaseLost

logger = logging.getLogger(__name__)

#: A paused queue is asked for this often whether it still is, should the news not arrive. Seconds.
_ASK_AGAIN: Final = 0.5
#: A new lease reads what other nodes have said lately, if that takes no longer. Seconds.
_CATCHES_UP: Final = 1.0
#: The server keeps whole seconds. Seconds.
_WAITED_FOR_HERE: Final = 1.5
#: So that whole seconds are still whole when they are told to the server. Seconds.
_MARGIN: Final = 0.1


class AmqpLease:
    """A ``Lease``.

    Args:
        link: A connection of its own.
        make_outbound: Publishes on that connection.
        predecessors: Incarnations of this process that have lost their connections.
        on_lost: Is told of this incarnation when it has.
    """

    def __init__(
        self,
        link: AmqpLink,
        make_outbound: Callable[[AmqpLink], Outbound],
        node: str,
        *,
        duration: timedelta,
        clock: Clock,
        predecessors: Collection[str] = (),
        on_lost: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.incarnation = ids.incarnation(node)
        self._link = link
        self._make_outbound = make_outbound
        self._node = node
        self._duration = duration.total_seconds()
        self._clock = clock
        self._on_lost = on_lost
        self._held: dict[int, Claim] = {}
        self._next_tag = 1
        self._woken = threading.Event()
        self._lost = False
        self._ended = False
        #: Of the last claim that wanted anything: what a wait is for.
        self._wanted = 1
        #: A wait has ended because something came: a claim need not look for it.
        self._came = False
        #: Task ids that the last heartbeat named as running.
        self._told_running: frozenset[str] = frozenset()
        self._started_at = clock.timestamp()
        #: Nodes that were silent since then may have lost their connections when we did.
        self._watching_since = self._started_at if predecessors else 0.0
        self._paused: dict[str, bool] = {}
        self._ask_again_at = 0.0
        self._generation = -1
        self._parked_patience = parking.Patience()
        #: What came a moment too early, and that moment.
        self._early: list[tuple[float, Arrival]] = []
        self._consumers: Consumers
        self._outbound: Outbound
        self._log: NodeLog
        self._has_log = False
        with self._talking():
            self._begin([Ended(one) for one in predecessors])

    # -- the connection

    @contextlib.contextmanager
    def _talking(self) -> Iterator[None]:
        """An error of the server's is the end of the connection: what it still knows of us is void then."""
        try:
            yield
        except BrokerUnavailable:
            if not self._link.is_open:
                self._break()
            raise
        except BrokerError:
            self._break()
            raise

    def _break(self) -> None:
        self._link.forget()
        if self._held and not self._lost:
            self._lost = True
            self._on_lost(self.incarnation)
        self._held.clear()

    def _begin(self, news: Sequence[News] = ()) -> None:
        """Connect anew, if there is no connection."""
        if self._link.is_open and self._link.generation == self._generation:
            return
        if self._held:
            self._break()
        self._link.open()
        self._generation = self._link.generation
        self._outbound = self._make_outbound(self._link)
        self._consumers = Consumers(self._link, self.incarnation, self._outbound.definition_of)
        self._paused, self._early = {}, []
        self._log = NodeLog(self._on_pause)
        self._has_log = not (self._lost or self._ended) and self._log.follow(self._link, self._clock.timestamp())
        if self._has_log:
            self._tell(*news, self._heartbeat(()))
            self._log.read_until(self._link, self.incarnation, seconds=_CATCHES_UP)

    def _tell(self, *news: News) -> None:
        if self._has_log:
            self._outbound.tell([outgoing(one) for one in news])

    def _heartbeat(self, running: Collection[int]) -> Heartbeat:
        held: dict[str, int] = dict.fromkeys(self._paused, 0)
        for claim in self._held.values():
            held[claim.delivery.queue] = held.get(claim.delivery.queue, 0) + 1
        deliveries = [self._held[tag].delivery for tag in running if tag in self._held]
        return Heartbeat(
            self._node,
            self.incarnation,
            self._started_at,
            self._clock.timestamp(),
            self._duration,
            held,
            {delivery.task_id: run_of(delivery) for delivery in deliveries},
        )

    # -- claiming and settling

    def claim(
        self,
        queues: Sequence[str],
        limit: int,
        settling: Sequence[Settlement] = (),
        *,
        tasks: Collection[str] | None = None,
    ) -> Claimed:
        came, self._came = self._came, False
        self._notice_a_break()
        if self._lost or self._ended:
            return Claimed([], self._settle_late(settling))
        queues = list(dict.fromkeys(queues)) if limit > 0 else []
        if not settling and not queues:
            return Claimed([], [])
        with self._talking():
            self._begin()
            lost = self._settle(settling, queues) if settling else []
            if not queues:
                return Claimed([], lost)
            self._wanted = limit
            return Claimed(self._claim(queues, limit, came=came), lost)

    def _settle_late(self, settling: Sequence[Settlement]) -> list[int]:
        """All of them are lost that need a claim."""
        follow_ups = [one for settlement in settling if settlement.tag is None for one in settlement.follow_ups]
        if follow_ups:
            with self._talking():
                self._begin()
                self._outbound.publish(follow_ups)
        return [settlement.tag for settlement in settling if settlement.tag is not None]

    def _notice_a_break(self) -> None:
        """A connection that broke meanwhile is known as broken from here on."""
        if self._held and not self._lost:
            with contextlib.suppress(BrokerError), self._talking():
                self._link.pump(0)

    def _claim(self, queues: Sequence[str], limit: int, *, came: bool) -> list[Delivery]:
        deliveries: list[Delivery] = []
        looked = came
        while len(deliveries) < limit:
            opened = self._opened(queues)
            if not opened:
                break
            missing = limit - len(deliveries)
            self._ripen()
            asked = self._ask_for(opened, missing)
            self._link.pump(0)
            if asked or (not looked and not self._consumers.has_any(opened)):
                looked = True
                with self._link.within():
                    self._consumers.settle_down(opened)
            arrivals = self._consumers.take(opened, missing)
            if not arrivals:
                break
            # Some of them may not run yet, and others lie behind them.
            deliveries += self._take_in(arrivals)
        return deliveries

    def _ask_for(self, queues: Sequence[str], count: int) -> bool:
        for queue in queues:
            self._outbound.declare(queue)
        with self._link.within(), self._link.gathered():
            return self._consumers.want(queues, count)

    def _take_in(self, arrivals: Sequence[Arrival]) -> list[Delivery]:
        """Those that may run now are held from now on; the others are dealt with."""
        now = self._clock.timestamp()
        taken: list[Claim] = []
        away: list[Settlement] = []
        for arrival in arrivals:
            tag = self._next_tag
            self._next_tag += 1
            delivery = decode(
                arrival.message, tag=tag, queue=arrival.queue, now=now, redelivered=arrival.began
            )
            due = due_of(arrival.message)
            if due is not None and now < due <= now + _WAITED_FOR_HERE:
                self._early.append((due, arrival))
                continue
            if due is not None and due > now:
                away.append(Requeue(tag, due=due, begun=False))
            elif arrival.returned and self._died_of(delivery):
                crashes = delivery.crashes + 1
                away.append(Requeue(tag, due=now + crash_delay(crashes) + _MARGIN, crashed=True))
            claim = self._held[tag] = Claim(arrival, delivery)
            taken.append(claim)
        if away:
            self._settle(away, ())
        return [claim.delivery for claim in taken if claim.delivery.tag in self._held]

    def _died_of(self, delivery: Delivery) -> bool:
        return self._log.blames(delivery, own=self.incarnation, since=self._watching_since)

    def _settle(self, settling: Sequence[Settlement], claimed_from: Collection[str]) -> list[int]:
        """Carry these out; what goes back to a queue that is claimed from in the same call need not go far."""
        batch = Settling(self._held, self._clock.timestamp())
        for settlement in settling:
            batch.add(settlement)
        if batch.follow_ups or batch.copies:
            self._outbound.publish(batch.follow_ups, batch.copies)
        if released := self._told_running.intersection(batch.released):
            self._tell(Released(self.incarnation, list(released)))
        if not claimed_from:
            # Nothing is to come in the place of what goes.
            with self._link.within():
                unwanted = self._consumers.hold_off()
            self._give_back(unwanted)
        if batch.done:
            with self._link.within():
                self._consumers.acknowledge([claim.arrival for claim in batch.done.values()])
        away: list[Arrival] = []
        for claim in batch.returned.values():
            if claim.arrival.queue in claimed_from:
                self._consumers.put_back(claim.arrival)
            else:
                away.append(claim.arrival)
        self._give_back(away)
        for tag in (*batch.done, *batch.returned):
            del self._held[tag]
        return batch.lost

    def _give_back(self, arrivals: Sequence[Arrival]) -> None:
        """What nobody here wants. A quorum queue would drop what was given back very often."""
        if not arrivals:
            return
        tired = [arrival for arrival in arrivals if arrival.returns >= MOST_RETURNS]
        if tired:
            self._outbound.publish((), [Copy(one.queue, one.message) for one in tired])
            with self._link.within():
                self._consumers.acknowledge(tired)
        with self._link.within():
            self._consumers.give_back([one for one in arrivals if one.returns < MOST_RETURNS])

    def claim_parked(self, queues: Sequence[str], limit: int, tasks: Collection[str]) -> list[Delivery]:
        self._notice_a_break()
        if limit <= 0 or self._lost or self._ended or not self._parked_patience.is_over:
            return []
        with self._talking():
            self._begin()
            self._outbound.declare(parking.QUEUE)
            self._ask_for_pauses(queues)
            opened = [queue for queue in dict.fromkeys(queues) if not self._paused[queue]]
            return self._take_in(self._look_at_parked(opened, limit, tasks))

    def _look_at_parked(
        self, queues: Collection[str], limit: int, tasks: Collection[str]
    ) -> list[Arrival]:
        found: list[Arrival] = []
        others: list[tuple[Arrival, str]] = []
        now = self._clock.timestamp()
        while len(found) < limit and len(found) + len(others) < parking.AT_A_TIME:
            with self._link.within():
                arrival = self._consumers.get(parking.QUEUE)
            if arrival is None:
                break
            queue = parking.queue_of(arrival.message)
            task = decode(arrival.message, tag=0, queue=queue, now=now).task
            if queue in queues and task in tasks:
                arrival.queue = queue
                arrival.returned = arrival.began = False
                found.append(arrival)
            else:
                others.append((arrival, queue))
        self._put_behind(others)
        self._parked_patience.note(found=bool(found))
        return found

    def _put_behind(self, parked: Sequence[tuple[Arrival, str]]) -> None:
        """Those that nobody here knows, so that the next look finds others."""
        now = self._clock.timestamp()
        copies = []
        for arrival, queue in parked:
            delivery = decode(arrival.message, tag=0, queue=queue, now=now)
            copies.append(Copy(parking.QUEUE, parking.parked(arrival.message, delivery, now)))
        if copies:
            self._outbound.publish((), copies)
            with self._link.within():
                self._consumers.acknowledge([arrival for arrival, _ in parked])

    def holds(self, tags: Collection[int]) -> set[int]:
        self._notice_a_break()
        return {tag for tag in tags if tag in self._held}

    def reread(self, tags: Collection[int]) -> list[Delivery]:
        self._notice_a_break()
        return [self._held[tag].delivery for tag in tags if tag in self._held]

    def take_turns(self, task: str, seconds: float, count: int, *, most: int) -> Sequence[float]:
        raise NotImplementedError("RabbitMQ does not count for all nodes.")

    # -- pauses

    def _opened(self, queues: Sequence[str]) -> list[str]:
        """Those of these queues that are not paused."""
        unknown = [queue for queue in queues if queue not in self._paused]
        now = time.monotonic()
        if now >= self._ask_again_at:
            unknown += [queue for queue in queues if self._paused.get(queue)]
        if unknown:
            self._ask_again_at = now + _ASK_AGAIN
            self._ask_for_pauses(unknown)
        return [queue for queue in queues if not self._paused[queue]]

    def _ask_for_pauses(self, queues: Sequence[str]) -> None:
        paused = self._outbound.paused_of(queues)
        for queue in queues:
            self._on_pause(queue, queue in paused)
        self._give_back_paused()

    def _on_pause(self, queue: str, is_paused: bool) -> None:
        self._paused[queue] = is_paused

    def _give_back_paused(self) -> None:
        paused = [queue for queue, is_paused in self._paused.items() if is_paused]
        if paused and self._consumers.serves_any(paused):
            with self._link.within():
                given_back = self._consumers.stop(paused)
            self._give_back(given_back)

    # -- waiting

    def wait(self, queues: Sequence[str], timeout: float, *, tasks: Collection[str] | None = None) -> bool:
        deadline = time.monotonic() + timeout
        self._notice_a_break()
        queues = list(dict.fromkeys(queues))
        while True:
            if self._lost or self._ended:
                raise self._lease_lost()
            with self._talking():
                self._begin()
                opened = self._opened(queues)
                if opened:
                    self._ask_for(opened, self._wanted)
                self._ripen()
                self._came = self._consumers.has_any(opened)
                if self._came or self._woken.is_set():
                    self._woken.clear()
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                if len(opened) < len(queues):
                    left = min(left, _ASK_AGAIN)
                self._link.pump(max(0.0, min(left, self._seconds_until_ripe())))
                self._give_back_paused()

    def wake(self) -> None:
        self._woken.set()
        self._link.wake()

    def rest(self) -> float | None:
        if self._lost or self._ended or not self._link.is_open:
            return None
        with self._talking():
            self._link.pump(0)
            self._ripen()
            with self._link.within():
                unwanted, left = self._consumers.rest()
            self._give_back(unwanted)
        ripe = self._seconds_until_ripe()
        return min(ripe, ripe if left is None else left) if self._early or left is not None else None

    def _ripen(self) -> None:
        """What came a moment too early lies with the others when its moment has come."""
        if self._early:
            now = self._clock.timestamp()
            for due, arrival in self._early:
                if due <= now:
                    self._consumers.put_back(arrival)
            self._early = [one for one in self._early if one[0] > now]

    def _seconds_until_ripe(self) -> float:
        first = min((due for due, _ in self._early), default=float("inf"))
        return max(0.0, first - self._clock.timestamp())

    # -- the lease itself

    def renew(self, running: Collection[int]) -> None:
        self._notice_a_break()
        if self._lost or self._ended:
            raise self._lease_lost()
        with self._talking():
            self._begin()
            self._link.pump(0)
            if self._link.blocked is None:
                if self._paused:
                    self._ask_for_pauses(list(self._paused))
                self._tell(self._heartbeat(running))
            self._log.forget_the_dead(self._clock.timestamp())
        self._told_running = frozenset(
            self._held[tag].delivery.task_id for tag in running if tag in self._held
        )

    def recover_dead(self) -> int:
        """The server has given back what they held; who claims it finds out what they died of."""
        return 0

    def end(self) -> int:
        if self._ended:
            return 0
        self._ended = True
        self._notice_a_break()
        count = len(self._held)
        with contextlib.suppress(BrokerError), self._talking():
            if self._link.is_open:
                self._give_everything_back()
        self._link.close()
        self._held.clear()
        return count

    def _give_everything_back(self) -> None:
        self._tell(Ended(self.incarnation))
        with self._link.within():
            unwanted = self._consumers.stop()
        held = [claim.arrival for claim in self._held.values()]
        self._give_back([*held, *unwanted, *(arrival for _, arrival in self._early)])

    def _lease_lost(self) -> LeaseLost:
        return LeaseLost(f"The lease {self.incarnation} was lost: its connection to RabbitMQ broke.")
