"""The rules for a message whose process died: how long it waits, and what is said of it.

Used by brokers that recover what dead nodes held, and by nodes whose child died. Never touches a broker.
"""

from typing import Final

from sedano.backoff import ExponentialBackoff

#: A crash loop must not occupy a slot, so it slows down quickly; what died by accident runs again soon.
_BACKOFF: Final = ExponentialBackoff(factor=1.0, longest=60.0, jitter=False)


def crash_delay(crashes: int) -> float:
    """Seconds until a message may run again whose process has died ``crashes`` times.

    >>> [crash_delay(crashes) for crashes in (1, 2, 3, 10)]
    [1.0, 2.0, 4.0, 60.0]
    """
    return _BACKOFF.delay(max(0, crashes - 1))


def crash_reason(crashes: int) -> str:
    """Why a message is buried whose node died: for the dead letter and for the task's result."""
    return f"Its node died while running it; that was crash {crashes}."
