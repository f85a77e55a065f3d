"""Looking at RabbitMQ and steering it.

Used through ``AmqpBroker.admin``. AMQP has neither lists nor searches: queues are those that the settings and
the nodes name, and this process has used; to look at messages is to receive them and to give them back.
"""

import contextlib
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final

from sedano import ids
from sedano.amqp.link import AmqpLink
from sedano.brokers.admin import DeadLetter, NodeRecord, QueueDepth, Remark, StoredMessage, Substitute
from sedano.brokers.amqp import dead_letters, server_checks
from sedano.brokers.amqp.consumers import Arrival
from sedano.brokers.amqp.looking import Look, look
from sedano.brokers.amqp.message import decode, due_of
from sedano.brokers.amqp.node_log import Heartbeat, Marker, NodeLog, Paused, outgoing
from sedano.brokers.amqp.outbound import Outbound
from sedano.brokers.amqp.parked import queue_of
from sedano.brokers.amqp.queue_names import DEAD, PARKING
from sedano.brokers.publication import Publication
from sedano.clock import Clock

#: Of messages that wait for their time so many are looked at; the rest is taken to be like them.
_SAMPLE: Final = 1000
#: How long a look at what nodes have said lately may take, seconds.
_READS_THE_LOG: Final = 2.0


class _Session:
    """One operation: a connection, what is published on it, and what is looked at."""

    def __init__(self, link: AmqpLink, outbound: Outbound, looking: Look) -> None:
        self.link = link
        self.outbound = outbound
        self.look = looking
        #: The nodes that live, once they have been asked for.
        self.heartbeats: list[Heartbeat] | None = None


class AmqpAdmin:
    """A ``BrokerAdmin``.

    Args:
        link: Its own connection.
        make_outbound: Publishes on that connection.
        publish: As the broker does.
        known: The queues that this process has used, and those of the settings.
    """

    def __init__(
        self,
        link: AmqpLink,
        make_outbound: Callable[[AmqpLink], Outbound],
        *,
        publish: Callable[[Sequence[Publication]], None],
        known: Callable[[], Iterable[str]],
        clock: Clock,
    ) -> None:
        self._link = link
        self._make_outbound = make_outbound
        self._publish = publish
        self._known = known
        self._clock = clock
        self._used: set[str] = set()
        self._lock = threading.Lock()  # guards the connection
        self._outbound: Outbound | None = None
        self._generation = -1

    @contextlib.contextmanager
    def _session(self) -> Iterator[_Session]:
        with self._lock:
            if self._link.is_stale():
                self._link.forget()
            self._link.open()
            if self._outbound is None or self._generation != self._link.generation:
                self._generation = self._link.generation
                self._outbound = self._make_outbound(self._link)
            with look(self._link, self._outbound) as looking:
                yield _Session(self._link, self._outbound, looking)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._link.close()

    # -- queues

    def queues(self) -> list[str]:
        with self._session() as session:
            names = self._names(session)
            paused = session.outbound.paused_of(names)
            waiting = {self._queue_of(one, session) for one in self._scheduled(session)[0]}
            parked = {queue_of(one.message) for one in session.look.messages(PARKING, _SAMPLE)}
            held = {
                queue for node in self._heartbeats(session) for queue, count in node.held.items() if count
            }
            ready = {queue for queue in names if session.look.count(queue)}
            return sorted((paused | waiting | parked | held | ready) - {""})

    def depth(self, queue: str) -> QueueDepth:
        now = self._clock.timestamp()
        with self._session() as session:
            scheduled, share = self._scheduled(session)
            waiting = sum(self._queue_of(one, session) == queue for one in scheduled)
            parked = session.look.messages(PARKING, _SAMPLE)
            first = session.look.messages(queue, _SAMPLE if session.outbound.is_prioritized(queue) else 1)
            since = [decode(one.message, tag=0, queue=queue, now=now).ready_since for one in first]
            return QueueDepth(
                queue=queue,
                ready=len(first) + session.look.count(queue),
                scheduled=round(waiting * share),
                claimed=sum(node.held.get(queue, 0) for node in self._heartbeats(session)),
                parked=sum(queue_of(one.message) == queue for one in parked),
                oldest_age=max(0.0, now - min(since)) if since else None,
                paused=bool(session.outbound.paused_of([queue])),
            )

    def _names(self, session: _Session) -> list[str]:
        served = {queue for node in self._heartbeats(session) for queue in node.held}
        return sorted({*self._known(), *self._used, *served})

    def _scheduled(self, session: _Session, limit: int | None = _SAMPLE) -> tuple[list[Arrival], float]:
        """Messages that wait for their time, and how many there are for each of them."""
        queues = session.outbound.delay_queues
        counts = {queue: session.look.count(queue) for queue in queues}
        found: list[Arrival] = []
        for queue, count in counts.items():
            if count and (limit is None or len(found) < limit):
                found += session.look.messages(queue, None if limit is None else limit - len(found))
        return found, max(1.0, sum(counts.values()) / len(found)) if found else 1.0

    def _queue_of(self, scheduled: Arrival, session: _Session) -> str:
        return session.outbound.waits_for(scheduled.message)

    # -- messages

    def peek(self, queue: str, *, limit: int = 50) -> list[StoredMessage]:
        with self._session() as session:
            shown = [self._stored(one, queue, "ready") for one in session.look.messages(queue, limit)]
            if len(shown) < limit:
                waiting = [
                    self._stored(one, queue, "scheduled")
                    for one in self._scheduled(session)[0]
                    if self._queue_of(one, session) == queue
                ]
                shown += sorted(waiting, key=lambda one: one.due or 0.0)
            if len(shown) < limit:
                shown += [
                    self._stored(one, queue, "parked")
                    for one in session.look.messages(PARKING, _SAMPLE)
                    if queue_of(one.message) == queue
                ]
            return shown[:limit]

    def find(self, task_id: str) -> StoredMessage | None:
        with self._session() as session:
            for _, stored in self._everything(session):
                if stored.task_id == task_id:
                    return stored
        return None

    def revoke(self, *task_ids: str, instead: Substitute | None = None) -> set[str]:
        wanted = set(task_ids)
        revoked: set[str] = set()
        if not wanted:
            return revoked
        with self._session() as session:
            for arrival, stored in list(self._everything(session)):
                if stored.task_id not in wanted:
                    continue
                substitute = None if instead is None else instead(stored)
                if substitute is not None:
                    self._publish([substitute])
                session.look.remove(arrival)
                revoked.add(stored.task_id)
        return revoked

    def purge(self, queue: str) -> int:
        with self._session() as session:
            purged = session.look.purge(queue)
            others = [
                one for one in self._scheduled(session, None)[0] if self._queue_of(one, session) == queue
            ]
            others += [one for one in session.look.messages(PARKING) if queue_of(one.message) == queue]
            for arrival in others:
                session.look.remove(arrival)
            return purged + len(others)

    def pause(self, queue: str) -> None:
        self._used.add(queue)
        with self._session() as session:
            session.outbound.pause(queue)
            session.outbound.tell([outgoing(Paused(queue, True))])

    def resume(self, queue: str) -> None:
        with self._session() as session:
            session.outbound.resume(queue)
            session.outbound.tell([outgoing(Paused(queue, False))])

    def _everything(self, session: _Session) -> Iterator[tuple[Arrival, StoredMessage]]:
        names = self._names(session)
        for queue in names:
            for arrival in session.look.messages(queue):
                yield arrival, self._stored(arrival, queue, "ready")
        for arrival in self._scheduled(session, None)[0]:
            yield arrival, self._stored(arrival, self._queue_of(arrival, session), "scheduled")
        for arrival in session.look.messages(PARKING):
            yield arrival, self._stored(arrival, queue_of(arrival.message), "parked")

    def _stored(self, arrival: Arrival, queue: str, state: str) -> StoredMessage:
        one = decode(arrival.message, tag=0, queue=queue, now=self._clock.timestamp())
        due = due_of(arrival.message) if state == "scheduled" else None
        return StoredMessage(
            one.task_id, one.task, queue, state, one.priority, due, one.crashes, one.envelope
        )

    # -- dead letters

    def dead_letters(self, *, limit: int = 50) -> list[DeadLetter]:
        with self._session() as session:
            letters = [letter for _, letter in self._letters(session)]
        return sorted(letters, key=lambda letter: letter.key, reverse=True)[:limit]

    def replay(self, keys: Sequence[int]) -> int:
        replayed = 0
        now = self._clock.timestamp()
        with self._session() as session:
            for arrival, _ in self._letters(session, keys):
                session.outbound.publish((), [dead_letters.replayed(arrival.message, now)])
                session.look.remove(arrival)
                replayed += 1
        return replayed

    def discard(self, keys: Sequence[int]) -> int:
        with self._session() as session:
            found = self._letters(session, keys)
            for arrival, _ in found:
                session.look.remove(arrival)
            return len(found)

    def _letters(
        self, session: _Session, keys: Collection[int] | None = None
    ) -> list[tuple[Arrival, DeadLetter]]:
        found = []
        for arrival in session.look.messages(DEAD):
            letter = dead_letters.letter_of(arrival.message)
            if letter is not None and (keys is None or letter.key in keys):
                found.append((arrival, letter))
        return found

    # -- nodes, and the server

    def nodes(self) -> list[NodeRecord]:
        with self._session() as session:
            return [
                NodeRecord(
                    one.node,
                    one.incarnation,
                    one.started_at,
                    one.renewed_at,
                    claimed=sum(one.held.values()),
                    running=len(one.running),
                )
                for one in self._heartbeats(session)
            ]

    def _heartbeats(self, session: _Session) -> list[Heartbeat]:
        if session.heartbeats is None:
            session.heartbeats = self._read_log(session)
        return session.heartbeats

    def _read_log(self, session: _Session) -> list[Heartbeat]:
        log = NodeLog()
        now = self._clock.timestamp()
        if not log.follow(session.link, now):
            return []
        marker = ids.serial()
        session.outbound.tell([outgoing(Marker(marker))])
        log.read_until(session.link, marker, seconds=_READS_THE_LOG)
        log.close(session.link)
        return log.living(now)

    def remarks(self) -> list[Remark]:
        with self._session() as session:
            definitions = map(session.outbound.definition_of, self._names(session))
            return server_checks.look_at(session.link, definitions)
