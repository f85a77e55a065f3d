"""The schedule of an application: entries from settings, from code and at run time, and their messages."""

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sedano import Sedano
from sedano.beat.lazy_value import LazyValue
from sedano.brokers.opening import open_broker
from sedano.errors import ConfigurationError, InvalidArguments, NotSupported, TaskNotRegistered
from sedano.schedules import clocked, crontab, schedule, solar
from sedano.testing.clock import ManualClock


@pytest.fixture
def app() -> Iterator[Sedano]:
    app = Sedano("proj", broker="memory://", set_as_current=False, clock=ManualClock())

    @app.task(name="proj.tidy")
    def tidy(folder: str = "/", *, deep: bool = False) -> None: ...

    yield app
    app.close()


def entries(app: Sedano) -> dict[str, Any]:
    return {entry.name: entry for entry in app.schedule_entries()[0]}


def bodies(app: Sedano) -> list[Any]:
    return [json.loads(message.envelope.body)[:2] for message in app.broker.admin.peek("celery")]


def test_the_zone_is_utc_unless_a_setting_says_another(app: Sedano) -> None:
    assert app.timezone is UTC
    assert app.uses_utc_timezone()

    app.conf.timezone = "Europe/Rome"

    assert str(app.timezone) == "Europe/Rome"
    assert not app.uses_utc_timezone()
    assert app.now().tzinfo is app.timezone
    assert app.now() == app.clock.now()


def test_without_utc_the_zone_is_the_machines(app: Sedano, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/Lima")
    app.conf.enable_utc = False

    assert str(app.timezone) == "America/Lima"


def test_entries_come_from_settings_and_from_code(app: Sedano) -> None:
    app.conf.beat_schedule = {"nightly": {"task": "proj.tidy", "schedule": crontab(hour=4, minute=0)}}

    @app.on_after_configure.connect
    def set_up(sender: Sedano, **named: Any) -> None:
        sender.add_periodic_task(10.0, app.tasks["proj.tidy"].s("/tmp", deep=True), name="often", priority=3)

    app.configure_schedule()

    found = entries(app)
    assert set(found) == {"nightly", "often"}
    assert (list(found["often"].args), dict(found["often"].kwargs)) == (["/tmp"], {"deep": True})
    assert found["often"].options["priority"] == 3
    assert found["nightly"].schedule.tz is UTC


def test_receivers_are_asked_for_entries_once(app: Sedano) -> None:
    asked = []

    @app.on_after_finalize.connect
    def set_up(sender: Sedano, **named: Any) -> None:
        asked.append(sender)

    app.configure_schedule()
    app.configure_schedule()

    assert asked == [app]


@pytest.mark.parametrize(
    ("given", "following"),
    [
        (90, "2028-05-01T10:01:30"),
        (90.0, "2028-05-01T10:01:30"),
        (timedelta(minutes=90), "2028-05-01T11:30:00"),
        (schedule(timedelta(hours=3)), "2028-05-01T13:00:00"),
        (crontab(hour="*/6", minute=15), "2028-05-01T12:15:00"),
        (crontab(day_of_week="wed-fri", hour=7, minute="30,45"), "2028-05-03T07:30:00"),
        (crontab(month_of_year="jun,december", day_of_month=2, hour=0, minute=0), "2028-06-02T00:00:00"),
        (crontab.from_string("0 4 * * sun"), "2028-05-07T04:00:00"),
        (clocked(datetime(2030, 1, 1, tzinfo=UTC)), "2030-01-01T00:00:00"),
    ],
    ids=repr,
)
def test_an_entry_may_have_a_schedule_of_any_kind(app: Sedano, given: Any, following: str) -> None:
    app.conf.beat_schedule = {"tidy": {"task": "proj.tidy", "schedule": given}}

    found = entries(app)["tidy"].schedule.next_after(datetime(2028, 5, 1, 10, tzinfo=UTC))

    assert found == datetime.fromisoformat(following).replace(tzinfo=UTC)


def test_an_interval_may_be_relative_to_the_clock(app: Sedano) -> None:
    app.conf.beat_schedule = {"tidy": {"task": "proj.tidy", "schedule": 3600 * 3, "relative": True}}

    found = entries(app)["tidy"].schedule.next_after(datetime(2028, 5, 1, 10, 20, tzinfo=UTC))

    assert found == datetime(2028, 5, 1, 13, tzinfo=UTC)


def test_an_entry_from_code_has_its_signature_for_a_name(app: Sedano) -> None:
    assert app.add_periodic_task(5, app.tasks["proj.tidy"].s("/a")) == "proj.tidy('/a')"


def test_further_arguments_go_in_front_of_those_of_the_signature(app: Sedano) -> None:
    app.add_periodic_task(
        5, app.tasks["proj.tidy"], args=("/a",), kwargs={"deep": True}, name="a", missed="skip"
    )

    entry = entries(app)["a"]
    assert (list(entry.args), dict(entry.kwargs), entry.missed) == (["/a"], {"deep": True}, "skip")


@pytest.mark.parametrize(
    "rule",
    [
        schedule(30),
        schedule(timedelta(hours=1), relative=True),
        crontab(hour="*/2", minute=5, day_of_week="mon-fri"),
        crontab(hour=3, minute=0, tz="Europe/Rome"),
        solar("sunset", 41.9, 12.5),
        clocked(datetime(2030, 1, 1, tzinfo=UTC)),
    ],
    ids=repr,
)
def test_an_entry_made_at_run_time_comes_back_as_it_was(app: Sedano, rule: Any) -> None:
    app.set_periodic_task(
        "made", "proj.tidy", rule, args=["/a"], options={"queue": "q"}, missed="all", grace=9
    )

    entry = entries(app)["made"]

    assert entry.schedule.human_readable == rule.human_readable
    moment = datetime(2028, 5, 1, tzinfo=UTC)
    assert entry.schedule.next_after(moment) == rule.next_after(moment)
    assert (entry.task, list(entry.args), dict(entry.options)) == ("proj.tidy", ["/a"], {"queue": "q"})
    assert (entry.missed, entry.grace, entry.source) == ("all", 9, "run time")


def test_an_entry_made_at_run_time_goes_before_one_of_the_settings_until_it_is_removed(app: Sedano) -> None:
    app.conf.beat_schedule = {"tidy": {"task": "proj.tidy", "schedule": 10}}
    app.set_periodic_task("tidy", app.tasks["proj.tidy"], 99)
    assert entries(app)["tidy"].schedule == schedule(99)

    assert app.remove_periodic_task("tidy")
    assert entries(app)["tidy"].schedule == schedule(10)
    assert not app.remove_periodic_task("gone")


def test_a_schedule_of_a_class_of_ones_own_cannot_be_made_at_run_time(app: Sedano) -> None:
    class Often(schedule):
        pass

    with pytest.raises(ConfigurationError, match=r"'made'.*Often cannot be written"):
        app.set_periodic_task("made", "proj.tidy", Often(3))


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"schedule": 3}, "'task' must be the name of a task"),
        ({"task": "proj.tidy"}, "'schedule' is missing"),
        ({"task": "proj.tidy", "schedule": "daily"}, "'schedule' must be seconds"),
        ({"task": "proj.tidy", "schedule": -1}, "more than 0 seconds"),
        ({"task": "proj.tidy", "schedule": 3, "args": "/a"}, "'args' must be a list"),
        ({"task": "proj.tidy", "schedule": 3, "kwargs": [1]}, "'kwargs' must be a dictionary"),
        ({"task": "proj.tidy", "schedule": 3, "mised": "all"}, "no key 'mised'. Did you mean 'missed'?"),
        ({"task": "proj.tidy", "schedule": 3, "missed": "never"}, "one of once, skip, all; got 'never'"),
        ({"task": "proj.tidy", "schedule": 3, "grace": -1}, "'grace' must be seconds"),
        ({"task": "proj.tidy", "schedule": crontab(), "timezone": "Europe/Roma"}, "Europe/Roma"),
        ({"task": "proj.tidy", "schedule": solar("sunset", 1, 1), "timezone": "UTC"}, "is for crontabs"),
        ("proj.tidy", "expected a dictionary"),
    ],
)
def test_an_entry_that_is_wrong_is_named_and_the_others_are_there(
    app: Sedano, written: Any, says: str
) -> None:
    app.conf.beat_schedule = {"wrong": written, "right": {"task": "proj.tidy", "schedule": 3}}

    found, wrong = app.schedule_entries()

    assert [entry.name for entry in found] == ["right"]
    (error,) = wrong
    assert str(error).startswith("the entry 'wrong' of the schedule: ")
    assert says in str(error)


def test_what_is_wrong_is_said_once_until_it_was_right(app: Sedano, caplog: pytest.LogCaptureFixture) -> None:
    wrong, right = {"task": "proj.tidy"}, {"task": "proj.tidy", "schedule": 9}
    app.conf.beat_schedule = {"odd": wrong}
    scheduler = app.scheduler()

    with caplog.at_level(logging.ERROR):
        for number, odd in enumerate((wrong, wrong, right, wrong, wrong)):
            app.conf.beat_schedule = {"odd": odd}
            app.set_periodic_task(f"other {number}", "proj.tidy", 99)
            assert isinstance(app.clock, ManualClock)
            app.clock.advance(2)
            scheduler.turn()

    assert len([record for record in caplog.records if "'odd'" in record.message]) == 2


def test_the_message_of_a_run_is_that_of_a_call(app: Sedano) -> None:
    app.conf.beat_schedule = {
        "tidy": {
            "task": "proj.tidy",
            "schedule": 5,
            "args": ["/a"],
            "options": {"expires": 60, "priority": 7},
        }
    }
    scheduler = app.scheduler()
    scheduler.turn()
    assert isinstance(app.clock, ManualClock)
    app.clock.advance(5)

    scheduler.turn()

    (message,) = app.broker.admin.peek("celery")
    assert message.priority == 7
    assert bodies(app) == [[["/a"], {}]]
    assert b'"expires":"20' in message.envelope.headers


def test_an_argument_may_be_computed_for_each_run(app: Sedano) -> None:
    numbers = iter(range(10))
    app.add_periodic_task(
        5, app.tasks["proj.tidy"], args=(LazyValue(lambda: f"/{next(numbers)}"),), name="tidy"
    )
    scheduler = app.scheduler()
    scheduler.turn()

    for _ in range(2):
        assert isinstance(app.clock, ManualClock)
        app.clock.advance(5)
        scheduler.turn()

    assert [args for args, _ in bodies(app)] == [["/0"], ["/1"]]


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        ({"task": "proj.gone", "schedule": 3}, TaskNotRegistered),
        ({"task": "proj.tidy", "schedule": 3, "args": [1, 2, 3]}, InvalidArguments),
        ({"task": "proj.tidy", "schedule": 3, "options": {"queu": "q"}}, ConfigurationError),
    ],
)
def test_an_entry_that_cannot_be_run_has_no_message(
    app: Sedano, entry: dict[str, Any], error: type[Exception]
) -> None:
    app.conf.beat_schedule = {"tidy": entry}

    with pytest.raises(error):
        app.prepare_entry(entries(app)["tidy"])


def test_celerys_starting_deadline_is_the_grace_of_crontabs_that_have_none(app: Sedano) -> None:
    app.conf.beat_cron_starting_deadline = 30
    app.conf.beat_schedule = {
        "daily": {"task": "proj.tidy", "schedule": crontab(hour=4, minute=0)},
        "weekly": {"task": "proj.tidy", "schedule": crontab(hour=4, minute=0, day_of_week=1), "grace": None},
        "often": {"task": "proj.tidy", "schedule": 3600},
    }

    assert {name: entry.grace for name, entry in entries(app).items()} == {
        "daily": 30,
        "weekly": None,
        "often": None,
    }


def test_a_schedule_is_looked_at_as_often_as_the_setting_says(app: Sedano) -> None:
    app.conf.beat_schedule = {"tidy": {"task": "proj.tidy", "schedule": 3600}}

    assert app.scheduler().turn() == 1.0
    assert app.scheduler(longest_pause=0.5).turn() == 0.5
    app.conf.beat_max_loop_interval = 0.25
    assert app.scheduler().turn() == 0.25


def test_of_a_broker_that_keeps_only_messages_the_schedule_is_beside_the_results(tmp_path: Path) -> None:
    clock = ManualClock()
    results = f"sqlite:///{tmp_path / 'results.db'}"
    with Sedano("proj", broker="memory://", backend=results, set_as_current=False, clock=clock) as app:
        app.broker.ticks = None
        app.add_periodic_task(5, app.task(lambda: None, name="proj.tidy"), name="tidy")
        scheduler = app.scheduler()
        scheduler.turn()
        clock.advance(5)

        scheduler.turn()

        (message,) = app.broker.admin.peek("celery")
        assert message.task == "proj.tidy"
        with closing(open_broker(results)) as store:
            assert store.ticks is not None
            assert store.ticks.states(["tidy"], now=0)["tidy"].runs == 1
            assert store.ticks.unpublished(limit=10) == []


def test_options_that_only_results_have_do_not_concern_the_schedule_beside_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Sedano("proj", broker="memory://", backend="redis://127.0.0.1:1", set_as_current=False) as app:
        app.conf.result_backend_transport_options = {"result_chord_ordered": False, "global_keyprefix": "a:"}
        app.broker.ticks = None

        assert app.ticks is app.ticks
        assert caplog.records == []


@pytest.mark.parametrize("backend", ["memory://", "disabled://", None])
def test_where_nothing_can_hold_a_schedule_that_is_said(backend: str | None) -> None:
    with Sedano("proj", broker="memory://", backend=backend, set_as_current=False) as app:
        app.broker.ticks = None

        with pytest.raises(NotSupported, match=r"memory broker keeps messages .* Redis, SQLite or Django's"):
            app.scheduler()
