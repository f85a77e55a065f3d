"""``import celery.utils.time``."""

from typing import Final

from sedano.compat.moments import aware as maybe_make_aware
from sedano.compat.moments import backoff as get_exponential_backoff_interval
from sedano.compat.moments import duration as maybe_timedelta
from sedano.compat.moments import in_zone as make_aware
from sedano.compat.moments import is_naive, to_utc
from sedano.compat.moments import zones as timezone

__all__ = [
    "get_exponential_backoff_interval",
    "is_naive",
    "make_aware",
    "maybe_make_aware",
    "maybe_timedelta",
    "timezone",
    "to_utc",
]

_STANDARD: Final = "It is a tool of Celery's own. Use the standard library's datetime and zoneinfo."
_SCHEDULES: Final = "Ask the schedule: schedule.remaining_estimate(last_run_at)."

_REFUSED: Final = {
    **dict.fromkeys(
        (
            "LocalTimezone",
            "add_seconds_to_datetime",
            "adjust_timestamp",
            "delta_resolution",
            "humanize_seconds",
            "localize",
            "maybe_iso8601",
            "subtract_datetimes",
            "utcoffset",
        ),
        _STANDARD,
    ),
    "ffwd": _SCHEDULES,
    "rate": "A rate is a text, such as '10/m', wherever one is given.",
    "remaining": _SCHEDULES,
    "weekday": "crontab takes the names of days.",
}
