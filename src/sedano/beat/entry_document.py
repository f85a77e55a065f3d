"""Entries that are made at run time, as they stand in the broker: JSON.

Written and read by the application (``app_schedule``). A schedule is written as its rule; one of a class of
the user's own cannot be.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from sedano.beat.entry import Entry, read_entry
from sedano.errors import ConfigurationError
from sedano.message import json_types
from sedano.scheduler.clocked import clocked
from sedano.scheduler.crontab import crontab
from sedano.scheduler.interval import schedule
from sedano.scheduler.schedule import Schedule, SchedulingApp
from sedano.scheduler.solar import solar

#: Where entries made at run time come from, for people.
SOURCE: Final = "run time"


def write(entry: Entry) -> bytes:
    """The document of an entry.

    Raises:
        ConfigurationError: its schedule is of a class of the user's own.
        NotSerializable: its arguments cannot be written.
    """
    return json_types.dumps(
        {
            "task": entry.task,
            "schedule": _write_rule(entry),
            "args": list(entry.args),
            "kwargs": dict(entry.kwargs),
            "options": dict(entry.options),
            "missed": entry.missed,
            "grace": entry.grace,
            "enabled": entry.enabled,
        }
    ).encode()


def read(name: str, document: bytes, *, app: SchedulingApp | None) -> Entry:
    """The entry of a document.

    Raises:
        ConfigurationError: it is damaged; the message names the entry.
    """
    try:
        found = json_types.loads(document)
        written = {**found, "schedule": _read_rule(found["schedule"], app)}
    except Exception as error:
        raise ConfigurationError(f"the entry {name!r} of the schedule cannot be read: {error}") from error
    return read_entry(name, written, app=app, source=SOURCE)


def _write_rule(entry: Entry) -> dict[str, Any]:
    rule = entry.schedule
    # Not isinstance: a class derived from one of these may mean something else.
    if type(rule) is schedule:
        return {"every": rule.seconds, "relative": rule.relative}
    if type(rule) is crontab:
        return {"crontab": rule.expression, "timezone": _name(rule.own_zone)}
    if type(rule) is solar:
        return {"solar": rule.event, "latitude": float(rule.lat), "longitude": float(rule.lon)}
    if type(rule) is clocked:
        return {"clocked": rule.clocked_time.isoformat()}
    raise ConfigurationError(
        f"the entry {entry.name!r} of the schedule: a {type(rule).__name__} cannot be written down. At run "
        "time there are intervals, crontab, solar and clocked; put the others into beat_schedule."
    )


def _read_rule(written: Mapping[str, Any], app: SchedulingApp | None) -> Schedule:
    if "every" in written:
        return schedule(timedelta(seconds=written["every"]), bool(written.get("relative")), app=app)
    if "crontab" in written:
        return crontab.from_string(written["crontab"], app=app, tz=written.get("timezone"))
    if "solar" in written:
        return solar(written["solar"], written["latitude"], written["longitude"], app=app)
    return clocked(datetime.fromisoformat(written["clocked"]), app=app)


def _name(zone: tzinfo | None) -> str | None:
    return None if zone is None else str(zone)
