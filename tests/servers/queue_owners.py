"""Which queues may stay in a RabbitMQ, and why: everything else is a leak.

Asked by fixtures at the end. The docstrings of ``sedano.brokers.amqp`` say what each is for.
"""

import re
from typing import Final

from tests.servers.rabbitmq_server import RabbitServer

#: Names of queues without an end, and why they stay. Those that are exclusive or expire have an end.
OWNERS: Final = {
    r"celery_delayed_\d+": "messages that wait for their time; both libraries use them",
    r"sedano\.due\..+": "the way of such messages to an exchange, one for each routing key",
    r"sedano\.dead": "dead letters, until somebody replays or discards them",
    r"sedano\.kept\..+": "a message of a worker whose task runs very long, until it ends",
    r"sedano\.log": "what nodes tell each other; a stream that forgets",
    r"sedano\.parked": "messages that wait for a node that knows their task",
    r"sedano\.paused": "what is sent to find out whether a queue is paused; drops it",
}


def unowned(server: RabbitServer, url: str, *users_own: str) -> list[str]:
    """The queues of a virtual host that have neither an end nor an owner.

    Args:
        users_own: Patterns of the names of those that the test has named.
    """
    owned = re.compile("|".join((*OWNERS, *users_own)))
    return sorted(
        name
        for name, said in server.queues(url).items()
        if "{exclusive,true}" not in said and "x-expires" not in said and not owned.fullmatch(name)
    )
