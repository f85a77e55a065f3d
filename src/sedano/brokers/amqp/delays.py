"""How RabbitMQ keeps a message until it is due: Celery's 28 queues, each of which holds it for 2^n seconds.

Used by publishers and leases. A message goes through the queues of the binary digits of its delay, which its
routing key begins with. Whole seconds are waited there; what is left of a second, in the lease that gets the
message.

From the last of them it goes to its queue, which is bound there directly: so it does not matter whether that
is classic or quorum, and what kind of exchange it has. A message to an exchange goes through a queue of its
own that sends it on at once, with the routing key that it was published with.
"""

import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from sedano.amqp.failures import ChannelClosed
from sedano.amqp.link import AmqpLink
from sedano.brokers.amqp.topology import Declaring
from sedano.queues.definition import QueueDefinition
from sedano.queues.exchange import DIRECT, Exchange
from sedano.queues.queue_table import QUORUM

#: Digits of a delay: eight and a half years. What is due later comes then, and waits again.
LEVELS: Final = 28
LONGEST: Final = 2**LEVELS - 1
#: Where messages come out that are due.
DELIVERY: Final = "celery_delayed_delivery"
_LEVEL: Final = "celery_delayed_{}"
#: Where messages wait.
QUEUES: Final = tuple(_LEVEL.format(level) for level in range(LEVELS))
_ENTRANCE: Final = _LEVEL.format(LEVELS - 1)
#: Arguments of a quorum queue whose messages go on to the next queue with a confirm.
KEPT_BY_MOST: Final = {
    "x-queue-type": QUORUM,
    "x-overflow": "reject-publish",
    "x-dead-letter-strategy": "at-least-once",
}
#: What our routing keys end with. Celery's workers bind queues by the end of a key alone, and would get
#: what is for others.
_END: Final = ".sedano-due"
#: Routing keys have 255 bytes, of which the digits and their dots take some.
_LONGEST_KEY: Final = 255 - 2 * LEVELS - len(_END)
_RELAY: Final = "sedano.due."
#: A queue that was deleted and made again is not bound any more, and nobody would say so. Seconds.
_BIND_AGAIN: Final = 30.0


def digits(seconds: int) -> str:
    """The beginning of the routing key of a message that is to wait for so long.

    >>> digits(90)
    '0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.1.1.0.1.0'
    """
    return ".".join(format(min(seconds, LONGEST), f"0{LEVELS}b"))


class Delays:
    """Thread-safe: at worst something is declared twice.

    Args:
        queue_type: Of the queues that messages wait in, where we make them: ``classic`` or ``quorum``.
    """

    def __init__(self, queue_type: str = QUORUM) -> None:
        self._queue_type = queue_type
        self._is_declared = False
        #: Key -> when it was bound, monotonic seconds.
        self._bound: dict[str, float] = {}

    def address(self, key: str, seconds: int) -> tuple[str, str]:
        """Exchange and routing key of a message that waits so long (at least one second) and goes on then.

        Args:
            key: Of ``key_of_queue`` or ``key_of_exchange``.
        """
        return _ENTRANCE, f"{digits(seconds)}.{key}"

    def key_of_queue(self, link: AmqpLink, queue: str) -> str:
        """What stands for a queue, which is there. Declares what that needs."""
        key = _key(queue)
        if not self._is_bound(key):
            self._declare(link)
            self._bind(link, queue, key)
        return key

    def key_of_exchange(
        self, link: AmqpLink, exchange: str, routing_key: str, *, lasting: bool = True
    ) -> str:
        """What stands for an exchange, and for the routing key there. Declares what that needs.

        Args:
            lasting: What reaches no queue when it is due waits for one, as far as the server can do that.
        """
        # With the length, no other exchange and routing key come to the same.
        said = f"{len(exchange)}.{exchange}.{routing_key}"
        name = _RELAY + _fitting(said, _LONGEST_KEY - len(_RELAY))
        key = _key(name)
        if not self._is_bound(key):
            self._declare(link)
            declaring = Declaring(link)
            following = {"x-dead-letter-exchange": exchange, "x-dead-letter-routing-key": routing_key}
            kind = self._arguments if lasting else {}
            declaring.plain_queue(name, arguments={**kind, "x-message-ttl": 0, **following})
            declaring.close()
            self._bind(link, name, key)
        return key

    def let_in(self, link: AmqpLink, queue: QueueDefinition) -> None:
        """Have this queue, which is there, get what Celery's clients put off that is for its exchange.

        They count on workers to have bound it, as Celery's do; otherwise it is lost.
        """
        if queue.no_declare or queue.exchange.no_declare or queue.exchange.type == DIRECT:
            return
        self._declare(link)
        declaring = Declaring(link)
        key = f"#.{queue.routing_key}"
        with link.within():
            declaring.channel.exchange_bind(queue.exchange.name, DELIVERY, key)
        declaring.bind(queue.name, queue.exchange.name, key)
        declaring.close()

    def queue_of(self, routing_key: str) -> str:
        """The queue that a message goes to which waits with this routing key, as far as we know."""
        return ".".join(routing_key.split(".")[LEVELS:]).removesuffix(_END)

    def forget(self) -> None:
        """It is not there any more."""
        self._is_declared = False
        self._bound.clear()

    @property
    def _arguments(self) -> Mapping[str, Any]:
        if self._queue_type == QUORUM:
            return KEPT_BY_MOST
        return {"x-queue-type": self._queue_type, "x-overflow": "reject-publish"}

    def _is_bound(self, key: str) -> bool:
        return time.monotonic() - self._bound.get(key, -_BIND_AGAIN) < _BIND_AGAIN

    def _bind(self, link: AmqpLink, queue: str, key: str) -> None:
        declaring = Declaring(link)
        # Not "#.": that would fetch the messages of all queues whose names end alike.
        declaring.bind(queue, DELIVERY, "*." * LEVELS + key)
        declaring.close()
        self._bound[key] = time.monotonic()

    def _declare(self, link: AmqpLink) -> None:
        if self._is_declared:
            return
        try:
            self._declare_at_once(link)
        except ChannelClosed:
            # Some of it exists with other settings: one by one then.
            self._declare_one_by_one(link)
        self._is_declared = True

    def _declare_at_once(self, link: AmqpLink) -> None:
        """More than a hundred commands; only the last one is answered."""
        with link.within():
            channel: Any = link.channel()
            with link.gathered():
                for level in range(LEVELS):
                    name = _LEVEL.format(level)
                    channel.exchange_declare(name, "topic", durable=True, auto_delete=False, nowait=True)
                    channel.queue_declare(
                        name, durable=True, auto_delete=False, nowait=True, arguments=self._level(level)
                    )
                channel.exchange_declare(DELIVERY, "topic", durable=True, auto_delete=False, nowait=True)
                for level in range(LEVELS):
                    name, following, waits, passes = _level_bindings(level)
                    channel.queue_bind(name, name, waits, nowait=True)
                    channel.exchange_bind(following, name, passes, nowait=True)
            channel.exchange_declare(DELIVERY, "topic", passive=True)
            channel.close()

    def _declare_one_by_one(self, link: AmqpLink) -> None:
        declaring = Declaring(link)
        for level in range(LEVELS):
            name = _LEVEL.format(level)
            declaring.exchange(Exchange(name, "topic"))
            declaring.plain_queue(name, arguments=self._level(level))
        declaring.exchange(Exchange(DELIVERY, "topic"))
        for level in range(LEVELS):
            name, following, waits, passes = _level_bindings(level)
            declaring.bind(name, name, waits)
            declaring.bind_exchange(following, name, passes)
        declaring.close()

    def _level(self, level: int) -> dict[str, Any]:
        return {
            **self._arguments,
            "x-message-ttl": 2**level * 1000,
            "x-dead-letter-exchange": _following(level),
        }


def _following(level: int) -> str:
    """The exchange after a level's queue."""
    return _LEVEL.format(level - 1) if level else DELIVERY


def _level_bindings(level: int) -> tuple[str, str, str, str]:
    """Of one level: its exchange and queue, the next exchange, and the keys of what waits here and passes."""
    before = "*." * (LEVELS - 1 - level)
    return _LEVEL.format(level), _following(level), f"{before}1.#", f"{before}0.#"


def _key(name: str) -> str:
    """What stands for a queue behind the digits: its name, where a routing key can say that."""
    words = name.split(".")
    if "*" in words or "#" in words:
        return sha256(name.encode()).hexdigest() + _END
    return _fitting(name, _LONGEST_KEY) + _END


def _fitting(name: str, longest: int) -> str:
    return name if len(name.encode()) <= longest else sha256(name.encode()).hexdigest()
