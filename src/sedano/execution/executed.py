"""What the executor says of one message: how to settle it, and how long it took."""

import msgspec

from sedano.brokers.settlement import Settlement


class Executed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One settlement on its way to the broker, with what the node wants to know of the run."""

    tag: int
    settlement: Settlement
    #: Seconds the user's function took.
    runtime: float = 0.0
    #: False for a word in between (STARTED, progress): the task goes on.
    final: bool = True
