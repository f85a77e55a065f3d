"""Whether a RabbitMQ is set up to keep messages: what ``sedano check`` says of it.

Called by ``AmqpAdmin.remarks``. Asks what AMQP can tell, which is little: a queue shows what it is by
refusing to be declared as something else. Declares nothing that is not there.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sedano.amqp.failures import ChannelClosed
from sedano.amqp.link import AmqpLink
from sedano.brokers.admin import Remark
from sedano.queues.definition import QueueDefinition
from sedano.queues.queue_table import CLASSIC

#: "inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received 'quorum' but current is 'classic'"
_INEQUIVALENT: Final = re.compile(
    r"inequivalent arg '([^']+)'.*?received (.*?) but current is (.*?)(?: \(|$)", re.DOTALL
)
_QUOTED: Final = re.compile(r"'([^']*)'")
#: The first version that gives a message to somebody else when it has been held for too long.
_TIMES_OUT: Final = (3, 8, 17)
#: The first version with streams, in which workers tell each other what they run.
_HAS_STREAMS: Final = (3, 9)


class Found:
    """What a look at the queues has found, by name."""

    def __init__(self) -> None:
        #: Those that are there and are of this type.
        self.types: dict[str, str] = {}
        #: Those that are there and are not what the settings say: what is different.
        self.others: dict[str, str] = {}


def look_at(link: AmqpLink, queues: Iterable[QueueDefinition]) -> list[Remark]:
    """Ask the server for these queues, and judge what it says."""
    found = Found()
    for queue in queues:
        _look(link, queue, found)
    return judge(_version(link), found)


def judge(version: str, found: Found) -> list[Remark]:
    """What should be known of such a server.

    >>> [remark.text for remark in judge("3.8.9", Found())]
    ['The server is a RabbitMQ 3.8.9, which has no streams: workers cannot tell each other what they run.']
    """
    return [*_of_the_version(version), *_of_queues(found)]


def _of_the_version(version: str) -> list[Remark]:
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdecimal())
    remarks = []
    if numbers and numbers < _HAS_STREAMS:
        remarks.append(
            Remark(
                f"The server is a RabbitMQ {version}, which has no streams: workers cannot tell each other "
                "what they run.",
                "Take 3.10 or newer.",
            )
        )
    if numbers >= _TIMES_OUT:
        remarks.append(
            Remark(
                "The server takes a message away from a worker that has held it for consumer_timeout: 30 "
                "minutes, unless it is set. Workers take such messages anew before that; the server does not "
                "show them the setting.",
                'If it is less, say so: broker_transport_options = {"consumer_timeout": 900} (seconds)',
                is_note=True,
            )
        )
    return remarks


def _of_queues(found: Found) -> list[Remark]:
    remarks = [
        Remark(
            f"The queue {name} is not what the settings say, and is used as it is: {difference}.",
            "Say in task_queues what it is, or delete it when it is empty, to have it made anew.",
        )
        for name, difference in sorted(found.others.items())
    ]
    classic = sorted(name for name, kind in found.types.items() if kind == CLASSIC)
    if classic:
        remarks.append(
            Remark(
                f"Classic queues: {', '.join(classic)}. Each is on one server, and away while that is. Where "
                "there are several servers, quorum queues outlive the loss of one.",
                "task_default_queue_type, task_create_missing_queue_type, or x-queue-type in task_queues: "
                "quorum. For queues that are there already, make others.",
                is_note=True,
            )
        )
    return remarks


def _look(link: AmqpLink, queue: QueueDefinition, found: Found) -> None:
    if _refusal(link, queue, passive=True) is not None:
        return  # it is not there, or is not ours to see
    refused = _refusal(link, queue, passive=False)
    if refused is None:
        found.types[queue.name] = queue.type
        return
    match = _INEQUIVALENT.search(refused.reason)
    if match is None:
        return
    argument, received, current = (_plain(part) for part in match.groups())
    if argument == "x-queue-type":
        received, current = (CLASSIC if kind == "none" else kind for kind in (received, current))
        found.types[queue.name] = current
    found.others[queue.name] = f"{argument} is {current}, and not {received}"


def _plain(shown: str) -> str:
    """What the server calls "the value 'quorum' of type 'longstr'"."""
    quoted = _QUOTED.search(shown)
    return quoted.group(1) if quoted is not None else shown


def _refusal(link: AmqpLink, queue: QueueDefinition, *, passive: bool) -> ChannelClosed | None:
    channel = link.channel()
    try:
        with link.within():
            channel.queue_declare(
                queue.name,
                passive=passive,
                durable=queue.durable,
                exclusive=queue.exclusive,
                auto_delete=queue.auto_delete,
                arguments=dict(queue.arguments),
            )
            channel.close()
    except ChannelClosed as error:
        return error
    return None


def _version(link: AmqpLink) -> str:
    properties: Mapping[str, Any] = link.server_properties
    return str(properties.get("version", ""))
