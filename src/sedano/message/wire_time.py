"""Moments as messages carry them: ISO 8601 texts.

Called when a message is decoded, by the node's admission and by the publisher. Never reads a clock.
"""

from datetime import UTC, datetime


def parse_time(text: str) -> datetime:
    """The moment a text names, aware and in UTC. A text without an offset is taken as UTC, as Celery does.

    Raises:
        ValueError: the text is no ISO 8601 date and time, or lies outside the years 1 to 9999.

    >>> parse_time("2026-11-22T04:55:37+02:00").isoformat()
    '2026-11-22T02:55:37+00:00'
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999") from error


def format_time(moment: datetime) -> str:
    """The text for a moment; one without an offset is taken as UTC.

    >>> format_time(datetime(2026, 11, 22, 4, 55))
    '2026-11-22T04:55:00+00:00'
    """
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).isoformat()
