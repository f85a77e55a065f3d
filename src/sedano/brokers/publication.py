"""One message on its way into a broker."""

import msgspec

from sedano.message.envelope import Envelope


class Publication(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A message, and where and when it is to be ready.

    ``task_id`` and ``task`` repeat what the envelope's headers say, so that no broker parses headers.
    """

    task_id: str
    #: The registered name of the task.
    task: str
    queue: str
    envelope: Envelope
    #: Higher is sooner; 0 is the default.
    priority: int = 0
    #: When it may run, POSIX seconds (UTC); None means at once.
    due: float | None = None
    #: Its headers hold no ETA, no expiry and no time limits: whoever admits it need not read them.
    unconditional: bool = False
    #: Where the broker has exchanges: the one it goes to, with its routing key. Empty: to the queue by name.
    #: ``queue`` is empty then, where an exchange alone says where it goes.
    exchange: str = ""
    routing_key: str = ""
