"""The RabbitMQ broker's side of one node: a connection, and what its server waits to hear of.

Made by ``AmqpBroker.lease``. Owned by one thread, but for ``wake``. The lease is the connection: when that
ends, or is silent for as long as the lease, the server gives to others what this node has not acknowledged.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta
from typing import Final

from sedano import ids
from sedano.amqp.failures import NAME
from sedano.amqp.link import AmqpLink
from sedano.brokers.amqp.consequences import Consequences
from sedano.brokers.amqp.consumers import Arrival
from sedano.brokers.amqp.keeping import USUAL_TIMEOUT, Keeping
from sedano.brokers.amqp.message import decode, due_of
from sedano.brokers.amqp.node_log import Ended, Heartbeat, News, Released, Run, run_of
from sedano.brokers.amqp.orphans import GRACE, Orphans
from sedano.brokers.amqp.outbound import Outbound
from sedano.brokers.amqp.parking import Parking
from sedano.brokers.amqp.session import ASK_AGAIN, NodeSession
from sedano.brokers.amqp.settling import Claim, Settling
from sedano.brokers.crash_attempts import crash_delay
from sedano.brokers.delivery import Delivery
from sedano.brokers.lease import Claimed
from sedano.brokers.settlement import Finish, Requeue, Settlement
from sedano.clock import Clock
from sedano.errors import BrokerError, BrokerUnavailable, LeaseLost, NotSupported

#: The server keeps whole seconds. Seconds.
_WAITED_FOR_HERE: Final = 1.5
#: So that whole seconds are still whole when they are told to the server. Seconds.
_MARGIN: Final = 0.1


class AmqpLease:
    """A ``Lease``.

    Args:
        link: A connection of its own.
        make_outbound: Publishes on that connection.
        consumer_timeout: The server's, seconds: it takes back what is held for longer.
        grace: How long what was held is waited for after a loss of the connection, seconds.
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
        consumer_timeout: float = USUAL_TIMEOUT,
        grace: float = GRACE,
        predecessors: Collection[str] = (),
        on_lost: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.incarnation = ids.incarnation(node)
        self._link = link
        self._make_outbound = make_outbound
        self._node = node
        self._duration = duration.total_seconds()
        self._clock = clock
        self._consumer_timeout = consumer_timeout
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
        self._parking = Parking()
        self._consequences = Consequences(clock)
        #: Of what is held, that which the server is to give to us once more.
        self._orphans = Orphans(grace)
        self._generation = -1
        self._session: NodeSession
        self._keeping: Keeping
        with self._talking():
            self._begin(*(Ended(one) for one in predecessors))

    # -- the connection

    @contextlib.contextmanager
    def _talking(self) -> Iterator[None]:
        """An error of the server's is the end of the connection: what it still knows of us is void then."""
        try:
            yield
        except LeaseLost:
            raise
        except BrokerUnavailable:
            if not self._link.is_open:
                self._break()
            raise
        except BrokerError:
            self._break()
            raise

    def _break(self) -> None:
        self._link.forget()
        self._orphans.leave(self._held)

    def _go_on(self) -> bool:
        """Have a connection, on which all that is held is held. False if the lease is lost.

        Raises:
            BrokerUnavailable: Some of it has not come back yet.
        """
        if self._lost or self._ended:
            return False
        self._begin()
        if self._orphans:
            self._orphans.adopt(self._session, self._held)
        if self._orphans and not self._orphans.are_given_up:
            raise BrokerUnavailable(NAME, "what was held on the broken connection has not come back yet")
        if self._orphans:
            self._lost = True
            self._on_lost(self.incarnation)
            self._orphans.clear()
            self._held.clear()
            self._link.close()
        return not self._lost

    def _begin(self, *news: News) -> None:
        """Connect anew, if there is no connection."""
        if self._link.is_open and self._link.generation == self._generation:
            return
        if self._generation >= 0:
            self._watching_since = self._clock.timestamp()
            self._break()
        self._link.open()
        self._generation = self._link.generation
        self._orphans.wait_from_now()
        outbound = self._make_outbound(self._link)
        self._session = NodeSession(self._link, outbound, self.incarnation, self._clock)
        name = self.incarnation.rpartition("/")[2]
        self._keeping = Keeping(self._session, name=name, timeout=self._consumer_timeout)
        if not (self._lost or self._ended):
            self._session.enter(*news, self._heartbeat(()))

    def _notice_a_break(self) -> None:
        """A connection that broke meanwhile is known as broken from here on."""
        if self._held and not self._orphans:
            with contextlib.suppress(BrokerError), self._talking():
                self._link.pump(0)

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
        queues = list(dict.fromkeys(queues)) if limit > 0 else []
        if not settling and not queues:
            return Claimed([], [])
        with self._talking():
            if not self._go_on():
                return Claimed([], self._settle_late(settling))
            lost = self._settle(settling, queues, limit) if settling else []
            self._wanted = limit if queues else self._wanted
            return Claimed(self._claim(queues, limit, came=came) if queues else [], lost)

    def _claim(self, queues: Sequence[str], limit: int, *, came: bool) -> list[Delivery]:
        session = self._session
        deliveries: list[Delivery] = []
        while len(deliveries) < limit:
            opened = session.opened(queues)
            if not opened:
                break
            missing = limit - len(deliveries)
            asked = session.ask_for(opened, missing)
            self._link.pump(0)
            session.ripen()
            if asked or (not came and not session.consumers.has_any(opened)):
                came = True
                session.catch_up(opened)
            arrivals = session.consumers.take(opened, missing)
            if not arrivals:
                break  # else some of them may not run yet, and others lie behind them
            deliveries += self._take_in(arrivals)
        return deliveries

    def _take_in(self, arrivals: Sequence[Arrival]) -> list[Delivery]:
        """Those that may run now are held from now on; the others are dealt with."""
        now = self._clock.timestamp()
        tags: list[int] = []
        away: list[Settlement] = []
        for arrival in arrivals:
            tag = self._next_tag
            self._next_tag += 1
            delivery = decode(
                arrival.message, tag=tag, queue=arrival.queue, now=now, redelivered=arrival.began
            )
            due = due_of(arrival.message) if delivery.ready_since > now else None
            if due is not None and due <= now + _WAITED_FOR_HERE:
                self._session.keep_until(due, arrival)
                continue
            self._held[tag] = Claim(arrival, delivery)
            if self._orphans.had_finished(arrival, delivery):
                away.append(Finish(tag))
            elif due is not None:
                away.append(Requeue(tag, due=due, begun=False))
            elif arrival.began and self._died_of(arrival, delivery):
                due = now + crash_delay(delivery.crashes + 1) + _MARGIN
                away.append(Requeue(tag, due=due, crashed=True))
            else:
                tags.append(tag)
        if away:
            self._settle(away, None)
        return [self._held[tag].delivery for tag in tags]

    def _died_of(self, arrival: Arrival, delivery: Delivery) -> bool:
        since, run = self._watching_since, run_of(arrival.message)
        return self._session.log.blames(delivery.task_id, run, own=self.incarnation, since=since)

    def _settle(
        self, settling: Sequence[Settlement], claimed_from: Collection[str] | None, limit: int = 0
    ) -> list[int]:
        """Carry these out. ``limit`` are claimed next, from these queues; None: within a claim."""
        session = self._session
        batch = Settling(self._held, self._clock.timestamp())
        for settlement in settling:
            batch.add(settlement)
        self._consequences.publish(session.outbound, batch.follow_ups, batch.copies)
        if released := self._told_running.intersection(batch.released):
            session.tell(Released(self.incarnation, list(released)))
        if claimed_from is not None and not claimed_from:
            session.hold_off()
        session.acknowledge([one.arrival for one in batch.done.values()], before=(claimed_from or (), limit))
        self._orphans.finish(batch.done.values())
        away: list[Arrival] = []
        for claim in batch.returned.values():
            if claimed_from and claim.delivery.queue in claimed_from:
                session.consumers.put_back(claim.arrival)
            else:
                away.append(claim.arrival)
        session.give_back(away)
        for tag in (*batch.done, *batch.returned):
            del self._held[tag]
        self._consequences.forget()
        return batch.lost

    def _settle_late(self, settling: Sequence[Settlement]) -> list[int]:
        """All of them are lost that need a claim."""
        records = [settlement for settlement in settling if settlement.tag is None]
        follow_ups = [one for record in records for one in record.follow_ups]
        if follow_ups:
            self._begin()
            self._consequences.publish(self._session.outbound, follow_ups, {})
        return [settlement.tag for settlement in settling if settlement.tag is not None]

    def claim_parked(self, queues: Sequence[str], limit: int, tasks: Collection[str]) -> list[Delivery]:
        self._notice_a_break()
        if limit <= 0 or not self._parking.is_worth_a_look:
            return []
        with self._talking():
            if not self._go_on():
                return []
            self._session.ask_for_pauses(queues)
            opened = self._session.opened(list(dict.fromkeys(queues)))
            if not opened:
                return []
            return self._take_in(self._parking.claim(self._session, opened, limit, tasks))

    def holds(self, tags: Collection[int]) -> set[int]:
        self._notice_a_break()
        if self._orphans:
            with self._talking():
                self._go_on()
        return {tag for tag in tags if tag in self._held}

    def reread(self, tags: Collection[int]) -> list[Delivery]:
        held = self.holds(tags)
        return [self._held[tag].delivery for tag in tags if tag in held]

    def take_turns(self, task: str, seconds: float, count: int, *, most: int) -> Sequence[float]:
        raise NotSupported("RabbitMQ cannot count for all nodes: leave rate_limit_scope out.")

    # -- waiting

    def wait(self, queues: Sequence[str], timeout: float, *, tasks: Collection[str] | None = None) -> bool:
        deadline = time.monotonic() + timeout
        queues = list(dict.fromkeys(queues))
        self._notice_a_break()
        while True:
            with self._talking():
                if not self._go_on():
                    raise self._lease_lost()
                session = self._session
                opened = session.opened(queues)
                if opened:
                    session.ask_for(opened, self._wanted)
                session.ripen()
                self._came = session.consumers.has_any(opened)
                if self._came or self._woken.is_set():
                    self._woken.clear()
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                if len(opened) < len(queues):
                    left = min(left, ASK_AGAIN)
                self._link.pump(min(left, session.seconds_until_ripe()))
                session.leave_paused()

    def wake(self) -> None:
        self._woken.set()
        self._link.wake()

    def rest(self) -> float | None:
        self._notice_a_break()
        if self._lost or self._ended or self._orphans or not self._link.is_open:
            return None
        with self._talking():
            return self._session.rest()

    # -- the lease itself

    def renew(self, running: Collection[int]) -> None:
        self._notice_a_break()
        with self._talking():
            if not self._go_on():
                raise self._lease_lost()
            self._link.pump(0)
            self._session.log.forget_the_dead(self._clock.timestamp())
            if self._link.blocked is None:
                self._session.ask_for_pauses(list(self._session.paused))
                self._held |= self._keeping.keep(self._held.values())
                self._session.tell(self._heartbeat(running))
                self._told_running = frozenset(self._running(running))

    def _heartbeat(self, running: Collection[int]) -> Heartbeat:
        held = dict.fromkeys(self._session.paused, 0)
        for claim in self._held.values():
            held[claim.delivery.queue] = held.get(claim.delivery.queue, 0) + 1
        return Heartbeat(
            self._node,
            self.incarnation,
            self._started_at,
            self._clock.timestamp(),
            self._duration,
            held,
            self._running(running),
        )

    def _running(self, tags: Collection[int]) -> dict[str, Run]:
        claims = [self._held[tag] for tag in tags if tag in self._held]
        return {one.delivery.task_id: run_of(one.arrival.message) for one in claims}

    def recover_dead(self) -> int:
        """The server has given back what they held; who claims it finds out what they died of."""
        return 0

    def end(self) -> int:
        if self._ended:
            return 0
        self._notice_a_break()
        self._ended = True
        count = len(self._held)
        with contextlib.suppress(BrokerError), self._talking():
            if self._link.is_open and not self._orphans:
                self._session.tell(Ended(self.incarnation))
                self._session.give_everything_back([claim.arrival for claim in self._held.values()])
        self._link.close()
        self._orphans.clear()
        self._held.clear()
        return count

    @property
    def is_connected(self) -> bool:
        """As far as we know."""
        return self._link.is_open

    def hang_up(self) -> None:
        """End the connection without a word: its broker was closed."""
        self._link.forget()

    def _lease_lost(self) -> LeaseLost:
        return LeaseLost(f"The lease {self.incarnation} was lost: its connection to RabbitMQ broke.")
