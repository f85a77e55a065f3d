"""What our own queues are called, in which messages lie aside. No node consumes them."""

from typing import Final

#: Buried messages, until somebody replays or discards them.
DEAD: Final = "sedano.dead"
#: Messages whose tasks nobody knew that has seen them.
PARKING: Final = "sedano.parked"
ASIDE: Final = frozenset({DEAD, PARKING})
