"""The schedules under the module that Celery has them in, for ``from sedano.schedules import ...``.

For users only: the package itself uses ``sedano.scheduler``.
"""

from sedano.scheduler.clocked import clocked
from sedano.scheduler.crontab import crontab
from sedano.scheduler.crontab_fields import crontab_parser
from sedano.scheduler.interval import schedule, schedule_from
from sedano.scheduler.invalid_schedule import InvalidSchedule
from sedano.scheduler.schedule import Schedule, ScheduleState
from sedano.scheduler.solar import solar

BaseSchedule = Schedule
ParseException = InvalidSchedule
maybe_schedule = schedule_from
schedstate = ScheduleState

__all__ = [
    "BaseSchedule",
    "ParseException",
    "clocked",
    "crontab",
    "crontab_parser",
    "maybe_schedule",
    "schedstate",
    "schedule",
    "solar",
]
