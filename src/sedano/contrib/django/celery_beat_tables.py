"""The tables of django-celery-beat, read by SQL, as rows of ours. The package need not be installed.

Used by ``import_celery_beat``. Never writes.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import connections
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, make_naive, now

from sedano.contrib.django.periodic_task import (
    CLOCKED,
    CRONTAB,
    INTERVAL,
    PERIODS,
    SOLAR,
    PeriodicTask,
    as_moment,
)

PREFIX: Final = "django_celery_beat_"

#: The kind of a row, its column that refers to the schedule, and the table that this is in.
_SCHEDULES: Final = (
    (INTERVAL, "interval_id", "intervalschedule"),
    (CRONTAB, "crontab_id", "crontabschedule"),
    (SOLAR, "solar_id", "solarschedule"),
    (CLOCKED, "clocked_id", "clockedschedule"),
)
#: Columns that mean the same here.
_SAME: Final = ("name", "task", "queue", "exchange", "routing_key", "description")
_NUMBERS: Final = ("priority", "expire_seconds")
_FLAGS: Final = ("enabled", "one_off")
_MOMENTS: Final = ("start_time", "expires")
_JSON: Final[Mapping[str, type]] = {"args": list, "kwargs": dict, "headers": dict}


class Found(NamedTuple):
    """A row of django-celery-beat: ours, which is not saved, or why there is none."""

    name: str
    row: PeriodicTask | None
    problem: str = ""


class NoTables(Exception):
    """The database has no tables of django-celery-beat."""


def read_tables(alias: str) -> Iterator[Found]:
    """All entries that the tables have.

    Raises:
        NoTables: there are none.
    """
    connection = connections[alias]
    if f"{PREFIX}periodictask" not in connection.introspection.table_names():
        raise NoTables(f"the database {alias!r} has no table {PREFIX}periodictask")
    schedules = {kind: _rows(connection, table, "id") for kind, _, table in _SCHEDULES}
    for written in _rows(connection, "periodictask", "name").values():
        name = str(written["name"])
        try:
            row = _read(written, schedules)
            row.full_clean(validate_unique=False, validate_constraints=False)
        except ValidationError as error:
            yield Found(name, None, _told(error))
        except (ValueError, TypeError) as error:
            yield Found(name, None, str(error))
        else:
            yield Found(name, row)


def _rows(connection: Any, table: str, key: str) -> dict[Any, dict[str, Any]]:
    with connection.cursor() as cursor:
        quoted = connection.ops.quote_name(f"{PREFIX}{table}")
        cursor.execute(f"SELECT * FROM {quoted} ORDER BY id")
        columns = [column[0] for column in cursor.description]
        rows = [dict(zip(columns, values, strict=True)) for values in cursor.fetchall()]
    return {row[key]: row for row in rows}


def _read(
    written: Mapping[str, Any], schedules: Mapping[str, Mapping[Any, Mapping[str, Any]]]
) -> PeriodicTask:
    kinds = [(kind, column) for kind, column, _ in _SCHEDULES if written.get(column) is not None]
    if len(kinds) != 1:
        raise ValueError("it has no schedule" if not kinds else "it has more than one schedule")
    ((kind, column),) = kinds
    rule = schedules[kind].get(written[column])
    if rule is None:
        raise ValueError(f"its {kind} is not there")
    fields: dict[str, Any] = {"kind": kind, **_rule(kind, rule)}
    fields |= {name: written.get(name) or "" for name in _SAME}
    fields |= {name: written.get(name) for name in _NUMBERS}
    fields |= {name: bool(written.get(name)) for name in _FLAGS}
    fields |= {name: _moment(written.get(name)) for name in _MOMENTS}
    fields |= {name: _json(name, written.get(name)) for name in _JSON}
    last_run = _moment(written.get("last_run_at"))
    if fields["one_off"] and last_run is not None:
        fields["enabled"] = False  # it has run, and would be switched off at the next look
    elif last_run is not None:
        # Its rhythm goes on, and what was due since then is made up for as after any pause.
        fields["counts_from"] = last_run
    if kind == CLOCKED and fields["enabled"] and as_moment(fields["clocked_time"]) <= as_moment(now()):
        raise ValueError(f"its moment, {fields['clocked_time']}, has passed, and it was not run")
    return PeriodicTask(**fields)


def _rule(kind: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    if kind == INTERVAL:
        if rule["period"] == "microseconds":
            return {"every": rule["every"] / 1_000_000, "period": "seconds"}
        if rule["period"] not in PERIODS:
            raise ValueError(f"its interval is in {rule['period']!r}")
        return {"every": float(rule["every"]), "period": rule["period"]}
    if kind == CRONTAB:
        columns = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
        line = " ".join("".join(str(rule[column]).split()) for column in columns)
        return {"crontab": line, "timezone": str(rule.get("timezone") or "")}
    if kind == SOLAR:
        return {
            "event": rule["event"],
            **{name: Decimal(str(rule[name])) for name in ("latitude", "longitude")},
        }
    return {"clocked_time": _moment(rule["clocked_time"])}


def _moment(value: Any) -> datetime | None:
    """A date and time as this site's models have them; on SQLite the driver gives text, and no zone."""
    found: datetime | None = parse_datetime(value) if isinstance(value, str) else value
    if found is None or is_naive(found) != settings.USE_TZ:
        return found
    moment: datetime = found.replace(tzinfo=UTC) if settings.USE_TZ else make_naive(found)
    return moment


def _json(name: str, value: Any) -> Any:
    kind = _JSON[name]
    try:
        found = json.loads(value) if isinstance(value, str) and value.strip() else value or kind()
    except ValueError as error:
        raise ValueError(f"its {name} are no JSON: {error}") from error
    return found


def _told(error: ValidationError) -> str:
    return "; ".join(
        " ".join(texts) if field == NON_FIELD_ERRORS else f"{field}: {' '.join(texts)}"
        for field, texts in error.message_dict.items()
    )
