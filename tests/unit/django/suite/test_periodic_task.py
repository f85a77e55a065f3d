"""Entries in the site's database: what they accept, what schedulers make of them, when they hear of them."""

from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from django.test import TestCase, TransactionTestCase, override_settings
from django.utils.timezone import now

from sedano.contrib.django.entry_source import SiteEntries
from sedano.contrib.django.models import Message, PeriodicTask, Schedule
from sedano.current import get_current_app

ANY = {"task": "shop.tasks.ship", "args": [1]}
EVERY_HOUR = {**ANY, "kind": "interval", "every": 1, "period": "hours"}


def wrong(**fields: Any) -> dict[str, list[str]]:
    """The messages of an entry that is not accepted, by field."""
    row = PeriodicTask(**{"name": "a", **ANY, **fields})
    with pytest.raises(ValidationError) as caught:
        row.full_clean()
    return caught.value.message_dict


class TestAccepting(TestCase):
    def test_each_kind_is_accepted(self) -> None:
        for fields in (
            {"kind": "interval", "every": 0.5, "period": "seconds"},
            {"kind": "crontab", "crontab": "30 7 * * mon-fri", "timezone": "Europe/Rome"},
            {"kind": "solar", "event": "sunset", "latitude": "41.9", "longitude": "12.5"},
            {"kind": "clocked", "clocked_time": now() + timedelta(days=1)},
        ):
            PeriodicTask(name=fields["kind"], **ANY, **fields).full_clean()

    def test_what_an_entry_of_its_kind_lacks_is_told_at_its_field(self) -> None:
        assert set(wrong(kind="interval", period="")) == {"every", "period"}
        assert set(wrong(kind="crontab")) == {"crontab"}
        assert set(wrong(kind="solar")) == {"event", "latitude", "longitude"}
        assert set(wrong(kind="clocked")) == {"clocked_time"}
        assert set(wrong(kind="weekly")) == {"kind"}

    def test_a_rule_that_cannot_be_is_told_at_its_field(self) -> None:
        assert wrong(kind="crontab", crontab="0 25 * * *")["crontab"] == ["hour: 25 is not in 0-23"]
        assert "five fields" in wrong(kind="crontab", crontab="0 25")["crontab"][0]
        assert "IANA" in wrong(kind="crontab", crontab="0 5 * * *", timezone="Rome")["timezone"][0]
        assert set(wrong(kind="interval", every=-1, period="hours")) == {"every"}
        assert set(wrong(kind="interval", every=1e300, period="days")) == {"every"}
        assert set(wrong(kind="solar", event="sunset", latitude=91, longitude=0)) == {"latitude"}
        assert set(wrong(kind="solar", event="moonrise", latitude=1, longitude=0)) == {"event"}

    def test_arguments_are_a_list_and_an_object(self) -> None:
        assert set(wrong(**EVERY_HOUR | {"args": {"a": 1}, "kwargs": [1], "headers": "x"})) == {
            "args",
            "kwargs",
            "headers",
        }

    def test_arguments_that_do_not_fit_the_task_are_told_there(self) -> None:
        assert "order_id" in wrong(**EVERY_HOUR | {"args": []})["args"][0]

    def test_a_task_that_is_not_known_here_is_accepted(self) -> None:
        PeriodicTask(name="a", **EVERY_HOUR | {"task": "elsewhere.tasks.ship"}).full_clean()

    def test_what_would_never_run_is_told(self) -> None:
        yesterday = now() - timedelta(days=1)

        assert wrong(kind="clocked", clocked_time=yesterday)["clocked_time"] == ["It would never run."]
        assert wrong(**EVERY_HOUR, expires=yesterday)["expires"] == ["It would never run."]
        assert set(wrong(**EVERY_HOUR, start_time=now(), expires=yesterday)) == {"expires"}

    def test_what_is_over_can_still_be_described(self) -> None:
        row = PeriodicTask(name="a", **ANY, kind="clocked", clocked_time=now() - timedelta(days=1))
        row.save()

        row.description = "was fun"

        row.full_clean()

    def test_an_option_that_the_broker_does_not_have_is_told_at_its_field(self) -> None:
        assert set(wrong(**EVERY_HOUR, exchange="mails")) == {"exchange"}

    @override_settings(CELERY_TASK_MAX_MESSAGE_SIZE=100)
    def test_what_is_wrong_with_the_whole_message_is_told_above_all_fields(self) -> None:
        assert set(wrong(**EVERY_HOUR | {"args": ["a" * 200]})) == {"__all__"}

    def test_names_are_given_once(self) -> None:
        PeriodicTask(name="a", **EVERY_HOUR).save()

        assert set(wrong(**EVERY_HOUR)) == {"name"}


class TestEntries(TestCase):
    def setUp(self) -> None:
        self.app = get_current_app()
        self.source = SiteEntries(self.app)

    def test_schedulers_know_all_that_the_row_says(self) -> None:
        PeriodicTask(
            name="a",
            task="shop.tasks.ship",
            kind="crontab",
            crontab="30 7 * * *",
            timezone="Asia/Tokyo",
            args=[1],
            kwargs={"b": 2},
            queue="mails",
            priority=3,
            headers={"x": "y"},
            expire_seconds=60,
            missed="skip",
        ).save()

        ((entry,), wrong) = self.source.entries()

        assert wrong == []
        assert (entry.name, entry.task, entry.source, entry.enabled) == (
            "a",
            "shop.tasks.ship",
            "database",
            True,
        )
        assert entry.schedule.human_readable == "at 07:30 (Asia/Tokyo)"
        assert (list(entry.args), dict(entry.kwargs)) == ([1], {"b": 2})
        assert entry.options == {"queue": "mails", "priority": 3, "headers": {"x": "y"}, "expires": 60}
        assert (entry.missed, entry.grace) == ("skip", 60.0)

    def test_a_crontab_is_read_in_the_sites_zone(self) -> None:
        PeriodicTask(name="a", **ANY, kind="crontab", crontab="30 7 * * *").save()

        ((entry,), _) = self.source.entries()

        assert str(entry.schedule.tz) == "Europe/Rome"

    def test_an_entry_that_is_wrong_is_told_and_the_others_are_read(self) -> None:
        PeriodicTask(name="good", **EVERY_HOUR).save()
        PeriodicTask(name="bad", **ANY, kind="crontab", crontab="0 25 * * *").save()
        PeriodicTask(name="worse", **ANY, kind="interval").save()
        PeriodicTask(name="worst", **ANY, kind="weekly").save()

        entries, wrong = self.source.entries()

        assert [entry.name for entry in entries] == ["good"]
        assert [str(error).split("'")[1] for error in wrong] == ["bad", "worse", "worst"]

    def test_a_change_of_its_timing_makes_an_entry_count_from_then(self) -> None:
        row = PeriodicTask(name="a", **EVERY_HOUR, counts_from=datetime(2026, 1, 1, tzinfo=UTC))
        row.save()

        row.queue = "mails"
        row.save()
        assert row.counts_from.year == 2026
        assert row.counts_from < now() - timedelta(days=1)

        row.every = 2
        row.save(update_fields=["every"])
        row.refresh_from_db()
        assert row.counts_from > now() - timedelta(minutes=1)

    def test_a_one_off_entry_runs_at_the_first_moment_after_it_was_made(self) -> None:
        PeriodicTask(name="a", **EVERY_HOUR, one_off=True).save()

        ((entry,), _) = self.source.entries()

        due = entry.schedule.next_after(now())
        assert due is not None
        assert entry.schedule.next_after(due) is None

    @override_settings(USE_TZ=False)
    def test_a_site_without_time_zones_means_its_own(self) -> None:
        PeriodicTask(name="a", **ANY, kind="clocked", clocked_time=datetime(2099, 7, 1, 12)).save()  # noqa: DTZ001

        ((entry,), wrong) = self.source.entries()

        assert wrong == []
        assert entry.schedule.next_after(datetime.now(UTC)) == datetime(2099, 7, 1, 10, tzinfo=UTC)

    def test_a_router_may_keep_the_tables_out_of_the_database(self) -> None:
        PeriodicTask(name="a", **EVERY_HOUR).save()

        with override_settings(DATABASE_ROUTERS=[ElsewhereRouter()]):
            assert self.source.entries() == ([], [])
            assert self.source.changes() == self.source.changes()


class ElsewhereRouter:
    """Our tables are in another database."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return db == "archive" if app_label == "sedano" else None


class TestHearing(TestCase):
    def setUp(self) -> None:
        self.source = SiteEntries(get_current_app())
        self.row = PeriodicTask(name="a", **EVERY_HOUR)
        self.row.save()

    def test_schedulers_hear_of_every_way_to_change_an_entry(self) -> None:
        rows = PeriodicTask.objects
        (written,) = serializers.deserialize("json", serializers.serialize("json", [self.row]))
        for change in (
            lambda: self.row.save(),
            lambda: rows.update(enabled=False),
            lambda: rows.bulk_update([self.row], ["every"]),
            lambda: rows.bulk_create([PeriodicTask(name="b", **EVERY_HOUR)]),
            lambda: rows.create(name="c", **EVERY_HOUR),
            lambda: rows.filter(name="c").delete(),
            lambda: self.row.delete(),
            lambda: written.save(),
        ):
            before = self.source.changes()
            assert self.source.changes() == before
            change()
            assert self.source.changes() != before

    def test_a_change_that_is_rolled_back_is_none(self) -> None:
        before = self.source.changes()

        with transaction.atomic():
            self.row.save()
            transaction.set_rollback(True)

        assert self.source.changes() == before

    def test_schedulers_go_on_with_what_they_know_while_the_database_is_away(self) -> None:
        before = self.source.changes()
        self.source.entries()

        with no_database():
            away = self.source.changes()
            entries, wrong = self.source.entries()
            assert ([entry.name for entry in entries], wrong) == (["a"], [])
            assert away != before
            assert self.source.changes() != away
        assert self.source.changes() != before
        self.source.entries()
        assert self.source.changes() == self.source.changes()

    def test_entries_that_could_never_be_read_are_a_problem_that_is_told(self) -> None:
        with no_database():
            entries, (problem,) = SiteEntries(get_current_app()).entries()

        assert entries == []
        assert "migrate" in str(problem)


class no_database:
    """While it lasts, no statement reaches the database."""

    def __enter__(self) -> None:
        self._wrapper = connection.execute_wrapper(self._fail)
        self._wrapper.__enter__()

    def __exit__(self, *error: object) -> None:
        self._wrapper.__exit__(*error)

    def _fail(self, *call: Any) -> Any:
        raise DatabaseError("the server has gone")


class TestRunning(TransactionTestCase):
    def test_a_scheduler_runs_it_and_counts_from_when_it_was_saved(self) -> None:
        app = get_current_app()
        an_hour_ago = now() - timedelta(hours=1)
        PeriodicTask(name="tea", **EVERY_HOUR, counts_from=an_hour_ago, one_off=True).save()

        for _ in range(2):
            app.scheduler().turn()

        assert Message.objects.get().task == "shop.tasks.ship"
        assert app.ticks.states(["tea"], now=0)["tea"].runs == 1

    def test_entries_that_are_wrong_are_told_by_name_and_the_others_run(self) -> None:
        due = {"task": "shop.tasks.ship", "args": [1], "counts_from": now() - timedelta(days=1)}
        hourly = {**due, "kind": "interval", "every": 1, "period": "hours"}
        for name, fields in {
            "right": hourly,
            "bad crontab": {**due, "kind": "crontab", "crontab": "0 25 * * *"},
            "bad zone": {**due, "kind": "crontab", "crontab": "0 5 * * *", "timezone": "Europe/Roma"},
            "bad task": {**hourly, "task": "shop.tasks.shipp"},
            "bad arguments": {**hourly, "args": []},
        }.items():
            PeriodicTask(name=name, **fields).save()

        with self.assertLogs("sedano.beat", "ERROR") as logs:
            scheduler = get_current_app().scheduler()
            for _ in range(2):
                scheduler.turn()
        told = StringIO()
        with redirect_stdout(told), self.assertRaises(CommandError) as checked:
            call_command("sedano", "check")

        assert Message.objects.get().task == "shop.tasks.ship"
        assert len(logs.output) == 4
        for name in ("bad crontab", "bad zone", "bad task", "bad arguments"):
            assert sum(repr(name) in line for line in logs.output) == 1
            assert f"the entry {name!r} of the schedule" in told.getvalue()
        assert checked.exception.returncode == 1

    def test_an_entry_here_goes_before_one_of_the_same_name_in_the_settings(self) -> None:
        app = get_current_app()
        with self.settings(CELERY_BEAT_SCHEDULE={"tea": {"task": "shop.tasks.ship", "schedule": 1.0}}):
            PeriodicTask(name="tea", **EVERY_HOUR, enabled=False).save()

            ((entry,), wrong) = app.schedule_entries()

        assert wrong == []
        assert (entry.source, entry.enabled) == ("database", False)

    def test_an_entry_that_is_deleted_is_forgotten(self) -> None:
        app = get_current_app()
        row = PeriodicTask.objects.create(name="tea", **EVERY_HOUR)
        app.ticks.states(["tea"], now=1.0)
        app.ticks.pause("tea", now=1.0)

        row.delete()

        assert not app.ticks.states(["tea"], now=2.0)["tea"].paused

    def test_of_an_entry_that_gets_another_name_the_old_one_is_forgotten(self) -> None:
        app = get_current_app()
        row = PeriodicTask.objects.create(name="tea", **EVERY_HOUR)
        app.ticks.states(["tea"], now=1.0)

        row.name = "coffee"
        row.save()

        assert app.ticks.states(["tea"], now=2.0)["tea"].since == 2.0

    def test_the_number_of_changes_is_the_one_of_the_broker_where_both_share_a_database(self) -> None:
        PeriodicTask.objects.create(name="tea", **EVERY_HOUR)

        assert get_current_app().ticks.changes() == Schedule.objects.get().changes
