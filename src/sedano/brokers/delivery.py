"""One message in a node's hands."""

import msgspec

from sedano.message.envelope import Envelope


class Delivery(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A claimed message. ``tag`` is what settlements name it by, within the lease that claimed it."""

    tag: int
    #: Empty where nothing says it.
    task_id: str
    #: Empty where only a child can read it, or nobody.
    task: str
    queue: str
    envelope: Envelope
    priority: int = 0
    #: How many processes died running this message.
    crashes: int = 0
    #: Its task may have begun before: its node died, or gave it back after that. If not, nobody has run it.
    redelivered: bool = False
    #: When it became ready, POSIX seconds (UTC).
    ready_since: float = 0.0
    #: Why the broker cannot read it, although it knows whose it is: it is to be buried.
    malformed: str | None = None
    #: As in ``Publication``; a broker that does not keep it says False.
    unconditional: bool = False
    #: Where it was published to, if not to the queue by its name.
    exchange: str = ""
    routing_key: str = ""
