"""``import celery.beat``: for arguments that are computed for each run."""

from typing import Final

from sedano.beat.lazy_value import LazyValue as BeatLazyFunc

__all__ = ["BeatLazyFunc"]

_OWN: Final = "There are no classes of schedulers to derive from. Put what is to run into beat_schedule."

_REFUSED: Final = dict.fromkeys(
    (
        "BeatPidbox",
        "EmbeddedService",
        "PersistentScheduler",
        "ScheduleEntry",
        "Scheduler",
        "SchedulingError",
        "Service",
    ),
    _OWN,
)
