"""From the moment when something expires to how long the server is to keep it."""

import math


def milliseconds_left(expires_at: float | None, now: float) -> int:
    """What is left until then; 0 if it never expires.

    >>> milliseconds_left(10.5, 10.0), milliseconds_left(None, 10.0)
    (500, 0)
    """
    # At least one: what has expired already must not be kept for good.
    return 0 if expires_at is None else max(1, math.ceil((expires_at - now) * 1000))
