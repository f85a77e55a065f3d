"""What the server sends ahead of claims: a consumer for each queue, and the messages that it has brought.

Used by ``AmqpLease``, in its thread. Asks for as much as is wanted and no more; only where all that was asked
for is gone within a moment, for twice as much. Gives back what nobody wants. Never reads a message.
"""

import time
from bisect import insort
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final

import amqp
from amqp import spec

from sedano.amqp.link import AmqpLink
from sedano.queues.definition import QueueDefinition
from sedano.queues.queue_table import QUORUM

#: What is not wanted for so long goes back to the server, for other nodes. Seconds.
UNWANTED: Final = 0.1
#: What lies in a queue while we have room for it is on its way, and here by then. Seconds.
_COMES_WITHIN: Final = 0.2
#: A quorum queue is handed 32 acknowledgements ahead of those it has carried out, no more; the others wait in
#: the channel, and are lost with it.
ACKNOWLEDGED_AT_ONCE: Final = 16
#: Where so many are sent ahead, more is on its way at any moment.
_MANY: Final = 128
#: No consumer is sent more than so many ahead.
_LARGEST: Final = 2048


class Arrival:
    """A message that the server has sent and waits to hear of."""

    __slots__ = ("began", "came_at", "is_kept", "message", "queue", "returned", "tag")

    def __init__(self, message: amqp.Message, queue: str) -> None:
        self.message = message
        self.queue = queue
        #: The server's number for it, on this channel.
        self.tag: int = message.delivery_info["delivery_tag"]
        #: The server has had it back from somebody.
        self.returned: bool = message.delivery_info["redelivered"]
        #: Its task may have begun: in this process, or as far as the server knows.
        self.began = self.returned
        #: Monotonic seconds.
        self.came_at = time.monotonic()
        #: It is a copy in a queue of the node's own.
        self.is_kept = False

    @property
    def priority(self) -> int:
        """Higher is sooner."""
        priority = self.message.properties.get("priority")
        return priority if isinstance(priority, int) else 0

    @property
    def returns(self) -> int:
        """How often a quorum queue has got it back; 0 in a classic queue."""
        returns = (self.message.properties.get("application_headers") or {}).get("x-delivery-count", 0)
        return returns if isinstance(returns, int) else 0


class _Consumer:
    """One life of the consumer of a queue: how many it may have been sent at a time cannot be changed."""

    __slots__ = ("name", "queue", "room")

    def __init__(self, name: str, queue: str, room: int) -> None:
        self.name = name
        self.queue = queue
        #: So many may still come.
        self.room = room


class Consumers:
    """On a channel of its own. Lost with the connection.

    Args:
        link: Is open.
        name: Begins the names of the consumers.
        definition_of: What the application says of a queue.
    """

    def __init__(self, link: AmqpLink, name: str, definition_of: Callable[[str], QueueDefinition]) -> None:
        self._link = link
        self._name = name
        self._definition_of = definition_of
        self._channel: Any = link.channel()
        self._number = 0
        self._consumers: dict[str, _Consumer] = {}
        #: In the order of their tags: all that the server has not heard of.
        self._outstanding: dict[int, _Consumer] = {}
        #: Queue -> what has come and nobody has taken, in the order of the queue.
        self._waiting: dict[str, list[Arrival]] = {}
        #: Consumers that were cancelled: something of theirs may be on its way.
        self._stale: list[str] = []
        #: Those of which nothing can be on its way any more, when the server has been asked again.
        self._older: list[str] = []
        #: Queue -> how many acknowledgements may still wait in the channel.
        self._unconfirmed: Counter[str] = Counter()
        self._prioritized = False
        self._turn = 0
        #: While everything that comes is gone at once, more is asked for.
        self._size = 0
        self._taken = 0
        self._counting_since = 0.0
        self._wanted_at = 0.0

    # -- asking

    def want(self, queues: Collection[str], count: int) -> bool:
        """Have up to so many messages of each of these queues sent. True if the server was asked for more."""
        self._wanted_at = now = time.monotonic()
        self._note_speed(now)
        asked = False
        for queue in queues:
            consumer = self._consumers.get(queue)
            missing = count - len(self._waiting.get(queue, ()))
            if missing > (consumer.room if consumer is not None else 0):
                self._consume(queue, max(missing, self._size))
                asked = True
        return asked

    def _note_speed(self, now: float) -> None:
        passed = now - self._counting_since
        if passed < UNWANTED:
            return
        sent_ahead = sum(consumer.room for consumer in self._consumers.values()) + len(self._outstanding)
        gone = self._taken * UNWANTED / passed
        if gone >= sent_ahead > 0:
            self._size = min(1 << (2 * sent_ahead - 1).bit_length(), _LARGEST)
        elif gone * 2 < sent_ahead or not sent_ahead:
            self._size = 0
        self._taken = 0
        self._counting_since = now

    def _consume(self, queue: str, size: int) -> None:
        self._cancel(queue)
        self._number += 1
        consumer = _Consumer(f"{self._name}.{self._number}", queue, size)
        self._consumers[queue] = consumer
        # Neither is waited for: its first message may come with the answer.
        self._channel.send_method(spec.Basic.Qos, "lBb", (0, size, False))
        definition = self._definition_of(queue)
        self._channel.basic_consume(
            definition.name,
            consumer.name,
            arguments=dict(definition.consumer_arguments or {}),
            nowait=True,
            callback=lambda message: self._on_message(consumer, message),
            on_cancel=lambda _: self._on_cancel(consumer),
        )

    def _cancel(self, queue: str, *, nowait: bool = True) -> None:
        """What is on its way comes all the same."""
        consumer = self._consumers.pop(queue, None)
        if consumer is not None:
            self._channel.basic_cancel(consumer.name, nowait=nowait)
            if nowait:
                self._stale.append(consumer.name)
            else:
                del self._unconfirmed[queue]

    def _on_message(self, consumer: _Consumer, message: amqp.Message) -> None:
        consumer.room -= 1
        arrival = Arrival(message, consumer.queue)
        self._outstanding[arrival.tag] = consumer
        self._prioritized = self._prioritized or arrival.priority != 0
        self._waiting.setdefault(consumer.queue, []).append(arrival)

    def _on_cancel(self, consumer: _Consumer) -> None:
        """By the server: the queue was deleted, or its leader is gone."""
        if self._consumers.get(consumer.queue) is consumer:
            del self._consumers[consumer.queue]

    def make_way(self, queues: Collection[str], count: int, done: Iterable[Arrival]) -> None:
        """``want`` is about to ask for so many: cancel now whom it would replace, as these are done with.

        Otherwise the room that they leave might bring something to a consumer that is being cancelled: that
        goes back to a quorum queue, and is in nobody's reach for a moment.
        """
        freed = Counter(self._outstanding[one.tag] for one in done if one.tag in self._outstanding)
        for queue in queues:
            consumer = self._consumers.get(queue)
            missing = count - len(self._waiting.get(queue, ()))
            if consumer is not None and missing > consumer.room + freed[consumer]:
                self._cancel(queue)

    def settle_down(self, queues: Sequence[str]) -> None:
        """Return when the server has sent what it has for us at this moment."""
        deadline = time.monotonic() + _COMES_WITHIN
        # What a quorum queue answers is a little behind what it does.
        is_behind = any(self._definition_of(queue).type == QUORUM for queue in queues)
        rounds = 3 if is_behind or self._stale else 1
        while True:
            left = sum(map(self._ready, queues))
            # First the queue has answered, after it had sent; then the channel, after that had come through.
            self._ready(queues[-1])
            rounds -= 1
            if rounds <= 0 and (not left or self.has_any(queues) or time.monotonic() >= deadline):
                break
            if left:
                # It has not yet heard of what was acknowledged before: it answers questions first.
                self._link.pump(_COMES_WITHIN / 40)
        for name in self._older:
            self._channel.callbacks.pop(name, None)
            self._channel.cancel_callbacks.pop(name, None)
        self._older, self._stale = self._stale, []

    def _ready(self, queue: str) -> int:
        declared = self._channel.queue_declare(self._definition_of(queue).name, passive=True)
        return int(declared.message_count)

    # -- taking

    def get(self, queue: str) -> Arrival | None:
        """One message of a queue that has no consumer here, at once."""
        message = self._channel.basic_get(queue)
        if message is None:
            return None
        arrival = Arrival(message, queue)
        self._outstanding[arrival.tag] = _Consumer("", queue, 0)
        return arrival

    @property
    def is_fast(self) -> bool:
        """Whether much comes, and all of it goes: then there is no need to ask the server what it has."""
        return self._size >= _MANY

    @property
    def is_empty(self) -> bool:
        """Whether nothing lies here."""
        return not any(self._waiting.values())

    def serves_any(self, queues: Iterable[str]) -> bool:
        """Whether something of these queues lies here, or may come."""
        return any(queue in self._consumers or self._waiting.get(queue) for queue in queues)

    def count(self, queues: Iterable[str]) -> int:
        """How many messages of these queues lie here."""
        return sum(len(self._waiting.get(queue, ())) for queue in queues)

    def has_any(self, queues: Iterable[str]) -> bool:
        """Whether something of these queues lies here."""
        return any(self._waiting.get(queue) for queue in queues)

    def take(self, queues: Sequence[str], limit: int) -> list[Arrival]:
        """Up to so many, by priority; among equals each queue in its turn."""
        lists = [waiting for queue in queues if (waiting := self._waiting.get(queue))]
        if not lists or limit <= 0:
            return []
        if self._prioritized:
            for waiting in lists:
                waiting.sort(key=lambda arrival: (-arrival.priority, arrival.tag))
        if len(lists) == 1:
            taken, lists[0][:] = lists[0][:limit], lists[0][limit:]
        else:
            taken = self._take_in_turns(lists, limit)
        if self._prioritized:
            self._prioritized = any(one.priority for waiting in self._waiting.values() for one in waiting)
        self._taken += len(taken)
        return taken

    def _take_in_turns(self, lists: list[list[Arrival]], limit: int) -> list[Arrival]:
        turn = self._turn % len(lists)
        self._turn += 1
        lists = lists[turn:] + lists[:turn]
        line = []
        for number, waiting in enumerate(lists):
            places: dict[int, int] = {}
            for arrival in waiting[:limit]:
                place = places[arrival.priority] = places.get(arrival.priority, 0) + 1
                line.append((-arrival.priority, place, number, arrival))
        line.sort(key=lambda one: one[:3])
        counts = [0] * len(lists)
        for _, _, number, _ in line[:limit]:
            counts[number] += 1
        for waiting, count in zip(lists, counts, strict=True):
            del waiting[:count]
        return [arrival for *_, arrival in line[:limit]]

    def put_back(self, arrival: Arrival) -> None:
        """Taken, and to be taken again: it lies where it lay."""
        waiting = self._waiting.setdefault(arrival.queue, [])
        insort(waiting, arrival, key=attrgetter("tag"))
        self._prioritized = self._prioritized or arrival.priority != 0

    # -- telling the server

    def acknowledge(self, arrivals: Sequence[Arrival]) -> None:
        """They are done with. Not waited for."""
        tags = {arrival.tag for arrival in arrivals if arrival.tag in self._outstanding}
        last = 0
        for tag in self._outstanding:
            if tag not in tags:
                break
            last = tag
        with self._link.gathered():
            if last:
                self._channel.basic_ack(last, multiple=True)
            for tag in sorted(tags):
                if tag > last:
                    self._channel.basic_ack(tag)
                    self._unconfirmed[self._outstanding[tag].queue] += 1
                self._forget(tag)

    def give_back(self, arrivals: Sequence[Arrival]) -> None:
        """They lie in front of their queues again. Not waited for."""
        with self._link.gathered():
            for arrival in sorted(arrivals, key=attrgetter("tag")):
                if arrival.tag in self._outstanding:
                    self._channel.basic_reject(arrival.tag, requeue=True)
                    self._forget(arrival.tag)

    def _forget(self, tag: int) -> None:
        self._outstanding.pop(tag).room += 1

    # -- resting

    def rest(self) -> tuple[list[Arrival], float | None]:
        """What is to be given back now, and after how many seconds this is to be asked again."""
        # What is given back must not come again at once.
        spare = [
            queue
            for queue, consumer in self._consumers.items()
            if consumer.room > 0 or self._waiting.get(queue)
        ]
        if not spare and self.is_empty:
            return [], None
        left = self._wanted_at + UNWANTED - time.monotonic()
        if self._size and left > 0:
            return [], left
        for queue in spare:
            self._cancel(queue, nowait=False)
        self._size = 0
        return self.take_all(), None

    def hold_off(self) -> list[Arrival]:
        """Unless all goes fast: have nothing sent in the place of what is settled now.

        Returns:
            What is to be given back.
        """
        if self._size:
            return []
        for queue, consumer in list(self._consumers.items()):
            self._cancel(queue, nowait=consumer.room <= 0)
        return self.take_all()

    def stop(self, queues: Iterable[str] | None = None) -> list[Arrival]:
        """Nothing more is to come from these queues, or from any; what lies here is to be given back."""
        for queue in list(self._consumers if queues is None else queues):
            self._cancel(queue, nowait=False)
        if queues is None:
            self._confirm()
        return self.take_all(queues)

    def _confirm(self) -> None:
        """A quorum queue answers to a cancelled consumer when it has carried out what came before."""
        for queue in [name for name, count in self._unconfirmed.items() if count > ACKNOWLEDGED_AT_ONCE]:
            if self._definition_of(queue).type == QUORUM:
                self._consume(queue, 1)
                self._cancel(queue, nowait=False)

    def take_all(self, queues: Iterable[str] | None = None) -> list[Arrival]:
        """Everything that lies here of these queues, or of any."""
        taken = []
        for queue in list(self._waiting if queues is None else queues):
            taken += self._waiting.pop(queue, [])
        return taken
