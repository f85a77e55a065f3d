"""What nodes tell each other: a stream that all append to, and that whoever wants follows from a minute back.

Written and followed by leases, each on its own connection; read by ``AmqpAdmin``. Where the server has no
streams everything works but this: nobody learns that a node died running a message, and nodes are not listed.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import amqp
import msgspec

from sedano.amqp.confirms import Outgoing
from sedano.amqp.failures import ChannelClosed
from sedano.amqp.link import AmqpLink
from sedano.brokers.amqp.message import stamp_of

logger = logging.getLogger(__name__)

LOG: Final = "sedano.log"
#: Longer than any node is silent that is not dead. Seconds.
_LOOKS_BACK: Final = 60.0
_ARGUMENTS: Final = {
    "x-queue-type": "stream",
    "x-max-age": "1h",
    "x-stream-max-segment-size-bytes": 1_000_000,
}
#: The server sends so many ahead.
_AT_A_TIME: Final = 200

#: A message that is being run, as it was when it was claimed: how often it has crashed, and since when it was
#: ready, where it says so. Another message of the same task is another one.
Run: TypeAlias = tuple[int, float]


def run_of(message: amqp.Message) -> Run:
    """What tells this message from another one of the same task. One that is not of ours says nothing."""
    stamp = stamp_of(message)
    return (0, 0.0) if stamp is None else (stamp.crashes, round(stamp.since, 3))


class Heartbeat(msgspec.Struct, tag="heartbeat"):
    """A node lives."""

    node: str
    incarnation: str
    started_at: float
    renewed_at: float
    #: Of the lease.
    seconds: float
    #: Queue -> how many of its messages the node holds; all that it claims from.
    held: dict[str, int]
    #: Task id -> the message that its children are running.
    running: dict[str, Run]


class Ended(msgspec.Struct, tag="ended"):
    """A lease is over, and its node has not died of what it was running."""

    incarnation: str


class Released(msgspec.Struct, tag="released"):
    """A node gave messages back that it had been running."""

    incarnation: str
    task_ids: list[str]


class Paused(msgspec.Struct, tag="paused"):
    """An operator has paused or resumed a queue."""

    queue: str
    is_paused: bool


class Marker(msgspec.Struct, tag="marker"):
    """Says nothing: who wrote it and sees it has read what came before."""

    name: str


News: TypeAlias = Heartbeat | Ended | Released | Paused | Marker

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(News).decode
_warned = False


def outgoing(news: News) -> Outgoing:
    """An entry on its way into the log."""
    message = amqp.Message(_encode(news), content_type="application/json", delivery_mode=2)
    return Outgoing("", LOG, message, "news of a node")


class NodeLog:
    """As far as it has been read.

    Args:
        on_pause: Is told of each queue that is paused or resumed.
    """

    def __init__(self, on_pause: Callable[[str, bool], object] = lambda _, __: None) -> None:
        self._on_pause = on_pause
        self._channel: Any = None
        #: Incarnation -> its last heartbeat, of leases that have not ended in good order.
        self.nodes: dict[str, Heartbeat] = {}
        self._markers: set[str] = set()

    def follow(self, link: AmqpLink, now: float) -> bool:
        """Have what is written from a minute back on read with everything else; False if there is no log."""
        global _warned
        try:
            self._channel = link.channel()
            with link.within():
                self._channel.queue_declare(LOG, durable=True, auto_delete=False, arguments=_ARGUMENTS)
                self._channel.basic_qos(0, _AT_A_TIME, False)
                since = datetime.fromtimestamp(now, UTC) - timedelta(seconds=_LOOKS_BACK)
                self._channel.basic_consume(
                    LOG, callback=self._on_message, arguments={"x-stream-offset": since.replace(tzinfo=None)}
                )
        except ChannelClosed as error:
            self._channel = None
            if not _warned:
                _warned = True
                logger.warning(
                    "The queue %s cannot be used: %s. Nodes are not listed, and what they die of is not "
                    "counted as crashed.",
                    LOG,
                    error.reason,
                )
            return False
        return True

    def has_seen(self, name: str) -> bool:
        """Whether this marker, or the heartbeat of this incarnation, has been read."""
        return name in self._markers or name in self.nodes

    def blames(self, task_id: str, run: Run, *, own: str, since: float) -> bool:
        """Whether a node died running this message of a task.

        Args:
            own: The incarnation that asks.
            since: Nodes that were silent since then may have lost what we have lost: the server.
        """
        for heartbeat in self.nodes.values():
            if heartbeat.incarnation != own and heartbeat.renewed_at >= since:
                found = heartbeat.running.get(task_id)
                if found is not None and tuple(found) == run:
                    return True
        return False

    def read_until(self, link: AmqpLink, name: str, *, seconds: float) -> None:
        """Read on until ``has_seen`` this name, but no longer than so."""
        deadline = time.monotonic() + seconds
        while not self.has_seen(name) and time.monotonic() < deadline:
            link.pump(max(0.0, deadline - time.monotonic()))

    def close(self, link: AmqpLink) -> None:
        """Read no more."""
        if self._channel is not None and self._channel.is_open:
            with link.within():
                self._channel.close()

    def _on_message(self, message: amqp.Message) -> None:
        # It stays in the stream. Unanswered for long, the server would end the channel.
        self._channel.basic_ack(message.delivery_info["delivery_tag"])
        try:
            news = _decode(message.body)
        except msgspec.DecodeError:  # of a later version
            return
        self.take(news)

    def take(self, news: News) -> None:
        """Note what somebody wrote."""
        match news:
            case Heartbeat():
                self.nodes[news.incarnation] = news
            case Ended():
                self.nodes.pop(news.incarnation, None)
            case Released():
                self._forget_running(news.incarnation, news.task_ids)
            case Paused():
                self._on_pause(news.queue, news.is_paused)
            case Marker():
                self._markers.add(news.name)

    def _forget_running(self, incarnation: str, task_ids: Sequence[str]) -> None:
        heartbeat = self.nodes.get(incarnation)
        if heartbeat is not None:
            running = {one: run for one, run in heartbeat.running.items() if one not in task_ids}
            self.nodes[incarnation] = msgspec.structs.replace(heartbeat, running=running)

    def living(self, now: float) -> list[Heartbeat]:
        """Those whose lease has not run out, by name."""
        living = [one for one in self.nodes.values() if one.renewed_at + one.seconds >= now]
        return sorted(living, key=lambda one: (one.node, one.incarnation))

    def forget_the_dead(self, now: float) -> None:
        """Those who were silent for long are of no interest any more."""
        self.nodes = {
            name: one for name, one in self.nodes.items() if one.renewed_at + one.seconds + _LOOKS_BACK >= now
        }
