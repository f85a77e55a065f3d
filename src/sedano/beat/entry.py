"""One line of the schedule: which task, when, with which arguments, and what of runs that were missed.

Made from settings, from code, from a database (``entries``); read by the scheduler. Knows no store.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta, tzinfo
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec

from sedano.errors import ConfigurationError, did_you_mean
from sedano.scheduler.bounded import bounded
from sedano.scheduler.crontab import crontab
from sedano.scheduler.interval import schedule, schedule_from
from sedano.scheduler.schedule import Schedule, SchedulingApp
from sedano.scheduler.wall_clock import time_zone

#: What becomes of moments that passed while no scheduler ran: one run for all of them, none, or each of them.
Missed: TypeAlias = Literal["once", "skip", "all"]

#: How late a run may start under each policy, where the entry does not say. Seconds; None: at any time.
GRACE: Final[Mapping[Missed, float | None]] = {"once": None, "skip": 60.0, "all": 86_400.0}

#: The keys of an entry in ``beat_schedule``. The first six are Celery's.
_KEYS: Final = frozenset(
    {"task", "schedule", "args", "kwargs", "options", "relative", "missed", "grace", "timezone", "enabled"}
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the schedule."""

    name: str
    #: The registered name of the task.
    task: str
    schedule: Schedule
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = {}
    #: As for ``apply_async``.
    options: Mapping[str, Any] = {}
    missed: Missed = "once"
    #: How late a run may start, in seconds; None: at any time.
    grace: float | None = None
    enabled: bool = True
    #: POSIX seconds: nothing before counts. None: the moment at which a scheduler first sees it.
    counts_from: float | None = None
    #: Where it comes from, for people: ``beat_schedule``, ``code``, ``database``, ``run time``.
    source: str = "beat_schedule"


def read_entry(
    name: str, written: Mapping[str, Any], *, app: SchedulingApp | None, source: str = "beat_schedule"
) -> Entry:
    """An entry as users write it.

    Args:
        name: The entry's name.
        written: ``task``, ``schedule``, and any of the other keys.
        app: Gives the time zone of schedules that have none of their own.
        source: Where it comes from.

    Raises:
        ConfigurationError: It is wrong; the message names the entry and the key.

    >>> read_entry("tidy", {"task": "proj.tidy", "schedule": 30}, app=None).schedule
    <freq: 30.00 seconds>
    """
    where = f"the entry {name!r} of the schedule"
    if not isinstance(written, Mapping):
        raise ConfigurationError(
            f"{where}: expected a dictionary with 'task' and 'schedule', got {written!r}."
        )
    for key in written:
        if key not in _KEYS:
            raise ConfigurationError(f"{where}: there is no key {key!r}.{did_you_mean(str(key), _KEYS)}")
    task = written.get("task")
    task = getattr(task, "name", task)
    if not isinstance(task, str) or not task:
        raise ConfigurationError(f"{where}: 'task' must be the name of a task, got {task!r}.")
    args, kwargs, options = (
        written.get("args") or (),
        written.get("kwargs") or {},
        written.get("options") or {},
    )
    if isinstance(args, str) or not isinstance(args, Sequence):
        raise ConfigurationError(f"{where}: 'args' must be a list or a tuple, got {args!r}.")
    for key, value in (("kwargs", kwargs), ("options", options)):
        if not isinstance(value, Mapping):
            raise ConfigurationError(f"{where}: {key!r} must be a dictionary, got {value!r}.")
    missed: Missed = written.get("missed") or "once"
    if missed not in get_args(Missed):
        raise ConfigurationError(
            f"{where}: 'missed' is one of {', '.join(get_args(Missed))}; got {missed!r}."
        )
    rule = _schedule(where, written, app)
    return Entry(
        name=name,
        task=task,
        schedule=rule,
        args=args,
        kwargs=kwargs,
        options=options,
        missed=missed,
        grace=_grace(where, written, _usual_grace(rule, missed, app)),
        enabled=bool(written.get("enabled", True)),
        source=source,
    )


def _schedule(where: str, written: Mapping[str, Any], app: SchedulingApp | None) -> Schedule:
    given = written.get("schedule")
    if given is None:
        raise ConfigurationError(
            f"{where}: 'schedule' is missing: seconds, a timedelta, crontab(...), solar(...) or clocked(...)."
        )
    if not isinstance(given, int | float | timedelta | Schedule):
        raise ConfigurationError(
            f"{where}: 'schedule' must be seconds, a timedelta, crontab(...), solar(...), clocked(...) or an "
            f"object of a class derived from sedano.schedules.BaseSchedule, got {given!r}."
        )
    try:
        made = schedule_from(given, bool(written.get("relative")), app=app)
        zone = written.get("timezone")
        return made if zone is None else _in_zone(made, time_zone(zone))
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{where}: {error}") from error


def _in_zone(made: Any, zone: tzinfo) -> Any:
    if isinstance(made, crontab):
        made.tz = zone
        return made
    if isinstance(made, schedule) and not made.relative:
        return made  # an interval is as long in every zone
    raise ValueError("'timezone' is for crontabs; this schedule has no use for it")


def _usual_grace(rule: Schedule, missed: Missed, app: SchedulingApp | None) -> float | None:
    if app is not None and isinstance(rule.rule if isinstance(rule, bounded) else rule, crontab):
        deadline: float | None = app.conf.beat_cron_starting_deadline
        if deadline is not None:
            return deadline
    return GRACE[missed]


def _grace(where: str, written: Mapping[str, Any], usual: float | None) -> float | None:
    grace = written.get("grace", usual)
    if isinstance(grace, timedelta):
        grace = grace.total_seconds()
    if grace is not None and (isinstance(grace, bool) or not isinstance(grace, int | float) or grace < 0):
        raise ConfigurationError(f"{where}: 'grace' must be seconds or a timedelta, got {grace!r}.")
    return grace
