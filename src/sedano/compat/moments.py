"""What applications take from ``celery.utils.time``: zones, moments, and times between tries.

Used by ``modules/celery_utils_time``. Sedano itself counts in UTC and has no use for it.
"""

import random
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from sedano.backoff import ExponentialBackoff

T = TypeVar("T")


class Zones:
    """Time zones by name.

    >>> zones.get_timezone("Europe/Rome").key
    'Europe/Rome'
    """

    #: With a name, as Celery's: `timezone.utc.key`.
    utc: Final = ZoneInfo("UTC")

    def get_timezone(self, zone: str | tzinfo) -> tzinfo:
        """The zone of this name; a zone stands for itself."""
        return ZoneInfo(zone) if isinstance(zone, str) else zone


zones: Final = Zones()


def is_naive(dt: datetime) -> bool:
    """Whether a time does not say in which zone it is."""
    return dt.utcoffset() is None


def in_zone(dt: datetime, tz: tzinfo) -> datetime:
    """A zone's time: the first of two that are called the same; one that is left out is later by the gap.

    >>> in_zone(datetime(2026, 3, 29, 2, 30), ZoneInfo("Europe/Rome")).isoformat()
    '2026-03-29T03:30:00+02:00'
    """
    return dt.replace(tzinfo=tz, fold=0).astimezone(UTC).astimezone(tz)


def to_utc(dt: datetime) -> datetime:
    """A naive time taken for one in UTC."""
    return in_zone(dt, zones.utc)


def aware(dt: datetime, tz: tzinfo | str | None = None, naive_as_utc: bool = True) -> datetime:
    """A naive time made a moment, in the zone ``tz`` (UTC); one with a zone stands for itself.

    Args:
        dt: The time.
        tz: The zone to tell it in.
        naive_as_utc: It was meant in UTC; else in ``tz``.
    """
    if not is_naive(dt):
        return dt
    zone = zones.utc if tz is None else zones.get_timezone(tz)
    return to_utc(dt).astimezone(zone) if naive_as_utc else in_zone(dt, zone)


def duration(delta: T) -> T | timedelta:
    """Seconds as a ``timedelta``; anything else stands for itself.

    >>> duration(90)
    datetime.timedelta(seconds=90)
    """
    return timedelta(seconds=delta) if isinstance(delta, int | float) else delta


def backoff(factor: int, retries: int, maximum: int, full_jitter: bool = False) -> int:
    """Seconds to wait before the next try: ``factor * 2**retries``, at most ``maximum``.

    Args:
        factor: The first delay.
        retries: How many retries there have been.
        maximum: The longest delay.
        full_jitter: Draw the delay from between nothing and that.

    >>> backoff(2, 3, 60)
    16
    """
    longest = int(ExponentialBackoff(factor=factor, longest=maximum, jitter=False).delay(retries))
    return max(0, random.randint(0, max(0, longest)) if full_jitter else longest)
