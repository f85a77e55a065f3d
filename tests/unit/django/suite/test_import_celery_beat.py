"""``manage.py import_celery_beat`` makes entries of django-celery-beat's tables, and tells what it cannot."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils.timezone import now

from sedano.contrib.django.models import PeriodicTask

#: As that package's migrations make them on SQLite.
TABLES = {
    "intervalschedule": "every integer, period varchar(24)",
    "crontabschedule": (
        "minute varchar(240), hour varchar(96), day_of_month varchar(124), month_of_year varchar(64), "
        "day_of_week varchar(64), timezone varchar(63)"
    ),
    "solarschedule": "event varchar(24), latitude decimal, longitude decimal",
    "clockedschedule": "clocked_time datetime",
    "periodictask": (
        "name varchar(200), task varchar(200), args text, kwargs text, queue varchar(200), "
        "exchange varchar(200), routing_key varchar(200), headers text, priority integer, expires datetime, "
        "expire_seconds integer, one_off bool, start_time datetime, enabled bool, last_run_at datetime, "
        "total_run_count integer, date_changed datetime, description text, interval_id integer, "
        "crontab_id integer, solar_id integer, clocked_id integer"
    ),
}


@pytest.fixture
def beat_tables(clean_tables: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        for name, columns in TABLES.items():
            cursor.execute(f"CREATE TABLE django_celery_beat_{name} (id integer PRIMARY KEY, {columns})")
        put("intervalschedule", id=1, every=10, period="minutes")
        put("crontabschedule", id=1, minute="30", hour="7, 8", day_of_month="*", month_of_year="*")
        cursor.execute(
            "UPDATE django_celery_beat_crontabschedule SET day_of_week='1-5', timezone='Asia/Tokyo'"
        )
        put("solarschedule", id=1, event="sunset", latitude=41.9, longitude=12.5)
        put("clockedschedule", id=1, clocked_time="2099-01-01 08:00:00")
        put("clockedschedule", id=2, clocked_time="2020-01-01 08:00:00")
    yield
    with connection.cursor() as cursor:
        for name in TABLES:
            cursor.execute(f"DROP TABLE django_celery_beat_{name}")


def put(table: str, **values: Any) -> None:
    columns, places = ", ".join(values), ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO django_celery_beat_{table} ({columns}) VALUES ({places})", [*values.values()]
        )


def put_task(name: str, **values: Any) -> None:
    usual = {"task": "shop.tasks.ship", "args": "[1]", "kwargs": "{}", "headers": "{}", "enabled": True}
    put("periodictask", name=name, **{**usual, "one_off": False, "total_run_count": 0, **values})


def run(*options: str) -> tuple[str, int]:
    """What the command says, and its exit code."""
    said = StringIO()
    try:
        call_command("import_celery_beat", *options, stdout=said)
    except CommandError as error:
        return said.getvalue() + str(error), error.returncode
    return said.getvalue(), 0


@pytest.mark.usefixtures("beat_tables")
def test_entries_of_every_kind_are_the_same_here() -> None:
    put_task("interval", interval_id=1, queue="mails", priority=3, description="tea", expire_seconds=60)
    put_task("crontab", crontab_id=1, kwargs='{"b": 1}', task="elsewhere.ship")
    put_task("solar", solar_id=1, enabled=False)
    put_task("clocked", clocked_id=1, one_off=True)

    said, code = run()

    assert code == 0
    assert "4 imported, 0 already there, 0 failed." in said
    rows = {row.name: row for row in PeriodicTask.objects.all()}
    interval = rows["interval"]
    assert (interval.every, interval.period, interval.args, interval.enabled) == (10, "minutes", [1], True)
    assert (interval.queue, interval.priority, interval.description) == ("mails", 3, "tea")
    assert interval.expire_seconds == 60
    assert (rows["crontab"].crontab, rows["crontab"].timezone) == ("30 7,8 * * 1-5", "Asia/Tokyo")
    assert rows["crontab"].kwargs == {"b": 1}
    assert (rows["solar"].event, float(rows["solar"].latitude), rows["solar"].enabled) == (
        "sunset",
        41.9,
        False,
    )
    assert rows["clocked"].clocked_time.isoformat() == "2099-01-01T08:00:00+00:00"


@pytest.mark.usefixtures("beat_tables")
def test_an_interval_goes_on_from_its_last_run() -> None:
    last = now().replace(microsecond=0)
    put_task("interval", interval_id=1, last_run_at=last.replace(tzinfo=None).isoformat(" "))

    run()

    assert PeriodicTask.objects.get().counts_from == last


@pytest.mark.usefixtures("beat_tables")
def test_what_has_had_its_only_run_does_not_run_again() -> None:
    put_task("once", interval_id=1, one_off=True, last_run_at="2026-01-01 08:00:00")

    run()

    assert not PeriodicTask.objects.get().enabled


@pytest.mark.usefixtures("beat_tables")
def test_what_cannot_be_imported_is_told_one_by_one() -> None:
    put("intervalschedule", id=2, every=3, period="fortnights")
    put_task("without")
    put_task("twice", interval_id=1, crontab_id=1)
    put_task("lost", interval_id=9)
    put_task("odd", interval_id=2)
    put_task("past", clocked_id=2, one_off=True)
    put_task("no json", interval_id=1, args="[1")
    put_task("too many", interval_id=1, args="[1, 2, 3]")
    put_task("good", interval_id=1)

    said, code = run("--json")

    assert code == 1
    document, _ = json.JSONDecoder().raw_decode(said)
    told = {line["name"]: line.get("reason") for line in document["entries"]}
    assert told.pop("good") is None
    assert told["without"] == "it has no schedule"
    assert told["twice"] == "it has more than one schedule"
    assert told["lost"] == "its interval is not there"
    assert "fortnights" in told["odd"]
    assert "has passed" in told["past"]
    assert "JSON" in told["no json"]
    assert told["too many"].startswith("args: ")
    assert [row.name for row in PeriodicTask.objects.all()] == ["good"]


@pytest.mark.usefixtures("beat_tables")
def test_a_dry_run_changes_nothing() -> None:
    put_task("interval", interval_id=1)

    said, code = run("--dry-run")

    assert code == 0
    assert "1 would be imported" in said
    assert not PeriodicTask.objects.exists()


@pytest.mark.usefixtures("beat_tables")
def test_a_second_import_leaves_what_is_there() -> None:
    put_task("interval", interval_id=1)
    run()
    PeriodicTask.objects.update(every=5)

    said, code = run()

    assert (code, "already there" in said) == (0, True)
    assert PeriodicTask.objects.get().every == 5


def test_a_database_without_the_tables_is_told() -> None:
    said, code = run()

    assert code == 1
    assert "no table django_celery_beat_periodictask" in said
