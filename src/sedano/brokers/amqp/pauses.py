"""Which queues an operator has paused: bindings of one exchange, whose routing keys are their names.

Asked by leases, changed by ``AmqpAdmin``. To ask is to send a message there: if it gets anywhere, the queue
is paused. So no channel is lost over a question, and a server that restarts has not forgotten.
"""

from collections.abc import Collection
from typing import Any, Final

import amqp

from sedano.amqp.confirms import Confirms, Outgoing
from sedano.amqp.link import AmqpLink

_EXCHANGE: Final = "sedano.pauses"
#: Takes what is sent to find out, and drops it.
_SINK: Final = "sedano.paused"
_ARGUMENTS: Final = {"x-message-ttl": 0, "x-max-length": 1}


def declare(link: AmqpLink, channel: Any) -> None:
    """Have what this needs. Again and again without harm."""
    with link.within():
        channel.exchange_declare(_EXCHANGE, "direct", durable=True, auto_delete=False)


def pause(link: AmqpLink, channel: Any, queue: str) -> None:
    """From now on ``paused_of`` names it."""
    declare(link, channel)
    with link.within():
        channel.queue_declare(_SINK, durable=True, auto_delete=False, arguments=_ARGUMENTS)
        channel.queue_bind(_SINK, _EXCHANGE, queue)


def resume(link: AmqpLink, channel: Any, queue: str) -> None:
    """Undo ``pause``."""
    declare(link, channel)
    with link.within():
        channel.queue_declare(_SINK, durable=True, auto_delete=False, arguments=_ARGUMENTS)
        channel.queue_unbind(_SINK, _EXCHANGE, queue)


def paused_of(confirms: Confirms, queues: Collection[str], *, deadline: float) -> set[str]:
    """Those of these queues that are paused."""
    questions = [Outgoing(_EXCHANGE, queue, amqp.Message(b"", delivery_mode=1)) for queue in queues]
    running = {one.outgoing.routing_key for one in confirms.send(questions, deadline=deadline)}
    return set(queues) - running
