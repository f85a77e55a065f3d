"""``import_celery_beat`` on the tables that django-celery-beat's migrations make, with rows of its models."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.django.suite.shop_process import ShopProcess

MAKE_ROWS = """
import django; django.setup()
from datetime import datetime, timedelta, timezone
from django_celery_beat.models import (
    ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
)

now = datetime.now(timezone.utc).replace(microsecond=0)
every = IntervalSchedule.objects.create(every=90, period=IntervalSchedule.MINUTES)
hours = IntervalSchedule.objects.create(every=3, period=IntervalSchedule.HOURS)
tokyo = CrontabSchedule.objects.create(
    minute="*/20", hour="7-9", day_of_week="mon-fri", timezone="Asia/Tokyo"
)
sites = CrontabSchedule.objects.create(minute="30", hour="4", day_of_month="1,15", month_of_year="*/2")
rome = SolarSchedule.objects.create(event="sunset", latitude=41.9, longitude=12.5)
once = ClockedSchedule.objects.create(clocked_time=now + timedelta(days=3))


def make(name, **fields):
    row = PeriodicTask(name=name, task="shop.tasks.ship", **{"args": "[1]", **fields})
    row.validate_unique()
    row.save()
    return row


make("interval", interval=every, queue="mails", priority=3, headers='{"a": "b"}', description="tea")
make("begun", interval=hours)
make("late", interval=every, start_time=now + timedelta(days=2), expires=now + timedelta(days=9))
make("tokyo", crontab=tokyo, args="[]", kwargs='{"order_id": 7}', expire_seconds=60)
make("site", crontab=sites, enabled=False)
make("solar", solar=rome)
make("clocked", clocked=once, one_off=True)
PeriodicTask.objects.filter(name="begun").update(last_run_at=now - timedelta(hours=2), total_run_count=4)
"""

#: The next run of each entry, as the two of them see it, and its call. Theirs sees no sun without `ephem`.
COMPARE = """
import django; django.setup()
import json
from datetime import datetime, timezone
from django_celery_beat.models import PeriodicTask as Theirs
from sedano.contrib.django.models import PeriodicTask as Ours
from sedano.current import get_current_app

found = {}
for theirs in Theirs.objects.order_by("name"):
    ours = Ours.objects.get(name=theirs.name).entry(get_current_app())
    last = theirs.last_run_at or datetime.fromtimestamp(ours.counts_from, timezone.utc)
    now = datetime.now(timezone.utc)
    told = {
        "task": (theirs.task, ours.task),
        "args": (json.loads(theirs.args), list(ours.args)),
        "kwargs": (json.loads(theirs.kwargs), dict(ours.kwargs)),
        "enabled": (theirs.enabled, ours.enabled),
    }
    for option in ("queue", "priority"):
        told[option] = (getattr(theirs, option), ours.options.get(option))
    due = ours.schedule.next_after(last)
    if theirs.interval and theirs.start_time is None or theirs.crontab:
        away = theirs.schedule.remaining_estimate(last)
        told["seconds"] = (round((now + away - due).total_seconds()), 0)
    found[theirs.name] = {"due": due.isoformat(), "last": last.isoformat(), "told": told}
found["clocked"]["at"] = Theirs.objects.get(name="clocked").clocked.clocked_time.isoformat()
found["late"]["start"] = Theirs.objects.get(name="late").start_time.isoformat()
print(json.dumps(found))
"""


@pytest.fixture
def site(tmp_path: Path) -> ShopProcess:
    pytest.importorskip("django_celery_beat")
    site = ShopProcess(tmp_path)
    site.write_settings('INSTALLED_APPS = [*INSTALLED_APPS, "django_celery_beat"]')
    site.manage("migrate", "--verbosity", "0")
    site.command([sys.executable, "-c", MAKE_ROWS])
    return site


def test_every_entry_runs_when_it_would_have_run_there(site: ShopProcess) -> None:
    said = json.loads(site.manage("import_celery_beat", "--json"))
    assert {line["name"]: line["outcome"] for line in said["entries"]} == dict.fromkeys(
        ["begun", "clocked", "interval", "late", "site", "solar", "tokyo"], "imported"
    )

    found: dict[str, Any] = json.loads(site.command([sys.executable, "-c", COMPARE]))

    for name, entry in found.items():
        for what, (theirs, ours) in entry["told"].items():
            assert theirs == ours, (name, what)
    assert found["clocked"]["due"] == found["clocked"]["at"]
    assert found["late"]["due"] == found["late"]["start"]
    assert [name for name in found if "seconds" in found[name]["told"]] == [
        "begun",
        "interval",
        "site",
        "tokyo",
    ]
