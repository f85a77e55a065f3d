"""What the values of task headers may be, for the full reading and for the parent's peek alike.

Called by ``task_headers`` and ``header_peek``. Raises ``ValueError``; what becomes of it is theirs to say.
"""

import math
from typing import Annotated, TypeAlias

import msgspec

from sedano.message.representation import represent
from sedano.message.wire_time import parse_time

#: The name or the id of something.
Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]
#: A number of times; databases and monitors hold it in 32 bits.
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
#: Seconds, hard first.
TimeLimits: TypeAlias = tuple[float | None, float | None]


def check(eta: str | None, expires: str | None, timelimit: TimeLimits | None) -> None:
    """Check what the types do not say. Raises ValueError."""
    if eta is not None:
        _check_time("eta", eta)
    if expires is not None:
        _check_time("expires", expires)
    if timelimit is not None:
        for seconds in timelimit:
            if seconds is not None and not 0 <= seconds < math.inf:
                raise ValueError(f"header 'timelimit': expected seconds of at least 0, got {seconds}")


def _check_time(name: str, text: str) -> None:
    try:
        parse_time(text)
    except ValueError:
        raise ValueError(
            f"header {name!r}: expected an ISO 8601 date and time, got {represent(text, max_length=80)}"
        ) from None
