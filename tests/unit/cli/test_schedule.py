"""``sedano schedule``: what runs and when, run now, pause, resume. ``sedano beat`` where it cannot run."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from sedano.app import Sedano
from sedano.cli.find_app import find_app
from tests.unit.cli.project import Project

TASKS = """
    from datetime import datetime
    from sedano import Sedano
    from sedano.schedules import BaseSchedule, crontab

    app = Sedano("tasks", broker="sqlite:///queue.db", timezone="Europe/Rome")

    @app.task
    def tidy(): ...

    @app.task(typing=False)
    def report(*args): ...

    class Moody(BaseSchedule):
        human_readable = "when it likes"

        def next_after(self, moment):
            raise RuntimeError("not today")

    app.conf.beat_schedule = {
        "tidy": {"task": "tasks.tidy", "schedule": 3600},
        "report": {"task": "tasks.report", "schedule": crontab(minute=30, hour=7), "args": ["daily"]},
        "idle": {"task": "tasks.tidy", "schedule": 5, "enabled": False},
    }
"""
MOODY = 'app.conf.beat_schedule["moody"] = {"task": "tasks.tidy", "schedule": Moody()}'
BROKEN = (
    'app.conf.beat_schedule["broken"] = {"task": "tasks.tidy", "schedule": crontab(), "timezone": "Roma"}'
)


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("tasks.py", TASKS)
    return project


def add(project: Project, line: str) -> None:
    path = project.path / "tasks.py"
    path.write_text(f"{path.read_text()}\n{line}\n")


@contextmanager
def opened() -> Iterator[Sedano]:
    app = find_app("tasks")
    try:
        yield app
    finally:
        app.close()


def seen(name: str, *, ago: float = 0.0) -> None:
    """A scheduler has seen the entry for the first time."""
    with opened() as app:
        app.ticks.states([name], now=time.time() - ago)


def rows(out: str) -> dict[str, str]:
    """The lines of a table, by their first word."""
    return {line.split()[0]: line for line in out.splitlines() if line.split()}


def test_the_list_tells_each_entry_in_words_and_when_it_runs(shop: Project) -> None:
    ran = shop.run("-A", "tasks", "schedule", "list")

    assert ran.code == 0
    found = rows(ran.out)
    assert "every 1 hour" in found["tidy"] or "every hour" in found["tidy"]
    assert "at 07:30" in found["report"]
    assert "07:30:00" in found["report"]
    assert "disabled" in found["idle"]


def test_the_list_is_there_for_scripts(shop: Project) -> None:
    add(shop, BROKEN)
    seen("tidy", ago=7200)

    ran = shop.run("-A", "tasks", "schedule", "list", "--json")

    assert ran.code == 1
    found = {one["name"]: one for one in ran.json()["entries"]}
    assert list(found) == ["idle", "report", "tidy"]
    (problem,) = ran.json()["problems"]
    assert "'broken'" in problem
    assert found["tidy"]["overdue"]
    assert (found["tidy"]["runs"], found["tidy"]["last_run_at"]) == (0, None)
    assert not found["report"]["overdue"]
    assert found["idle"]["next_run_at"] is None


def test_the_next_runs_come_in_their_order(shop: Project) -> None:
    seen("tidy")

    ran = shop.run("-A", "tasks", "schedule", "next", "-n", "30", "--json")

    runs = ran.json()
    assert len(runs) == 30
    moments = [datetime.fromisoformat(run["at"]) for run in runs]
    assert moments == sorted(moments)
    assert {run["entry"] for run in runs} == {"tidy", "report"}


def test_the_next_runs_of_one_entry(shop: Project) -> None:
    ran = shop.run("-A", "tasks", "schedule", "next", "report", "-n", "3")

    lines = ran.out.splitlines()
    assert len(lines) == 3
    assert all("07:30:00" in line and line.endswith("report") for line in lines)


def test_no_run_that_is_to_come_lies_in_the_past(shop: Project) -> None:
    seen("tidy", ago=30 * 3600 + 10)

    first, second = shop.run("-A", "tasks", "schedule", "next", "tidy", "-n", "2", "--json").json()

    hour = timedelta(hours=1)
    assert datetime.now(UTC) < datetime.fromisoformat(first["at"]) < datetime.now(UTC) + hour
    assert datetime.fromisoformat(second["at"]) - datetime.fromisoformat(first["at"]) == hour


def test_what_is_paused_or_disabled_has_no_next_run(shop: Project) -> None:
    shop.run("-A", "tasks", "schedule", "pause", "tidy")

    for name in ("tidy", "idle"):
        ran = shop.run("-A", "tasks", "schedule", "next", name)
        assert ran.code == 0
        assert "Nothing will run" in ran.out


def test_a_schedule_of_ones_own_that_raises_is_named_and_the_others_are_shown(shop: Project) -> None:
    add(shop, MOODY)

    shown, following, checked = (
        shop.run("-A", "tasks", *command.split()) for command in ("schedule list", "schedule next", "check")
    )

    assert (shown.code, following.code, checked.code) == (1, 0, 1)
    for ran in (shown, following):
        assert "07:30:00" in ran.out
        assert "the entry 'moody' of the schedule cannot be run: RuntimeError('not today')" in ran.err
    assert "problem  schedule: the entry 'moody'" in checked.out


def test_run_publishes_the_task_now_besides_its_schedule(shop: Project) -> None:
    ran = shop.run("-A", "tasks", "schedule", "run", "report")

    assert ran.code == 0
    with opened() as app:
        (message,) = app.broker.admin.peek("celery")
        assert (message.task_id, message.task) == (ran.out.strip(), "tasks.report")
        assert json.loads(message.envelope.body)[0] == ["daily"]
        assert app.ticks.states(["report"], now=0)["report"].runs == 0


def test_an_entry_is_paused_and_resumed(shop: Project) -> None:
    assert shop.run("-A", "tasks", "schedule", "pause", "tidy").code == 0
    assert "paused" in rows(shop.run("-A", "tasks", "schedule", "list").out)["tidy"]
    with opened() as app:
        assert app.ticks.states(["tidy"], now=0)["tidy"].paused

    assert shop.run("-A", "tasks", "schedule", "resume", "tidy").code == 0
    with opened() as app:
        assert not app.ticks.states(["tidy"], now=0)["tidy"].paused


@pytest.mark.parametrize("command", ["next", "run", "pause", "resume"])
def test_a_name_that_is_not_there_is_told_with_the_one_that_was_meant(shop: Project, command: str) -> None:
    ran = shop.run("-A", "tasks", "schedule", command, "tydy")

    assert ran.code != 0
    assert "The schedule has no entry 'tydy'. Did you mean 'tidy'?" in ran.err


def test_a_scheduler_does_not_start_where_nothing_can_hold_its_claims(shop: Project) -> None:
    add(shop, "app.broker.ticks = None\napp.conf.result_backend = 'disabled://'")

    ran = shop.run("-A", "tasks", "beat")

    assert ran.code != 0
    assert "cannot note in it which runs they have started" in ran.err
    assert "result_backend" in ran.err
