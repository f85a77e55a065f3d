"""A user's mistake is one line and a hint, with the exit code that scripts rely on."""

import contextlib
import sqlite3

import pytest
from celery.bin.celery import celery as celerys_group

from sedano.cli.commands import CELERY_COMMANDS, sedano
from tests.unit.cli.project import Project


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["wroker"], "no command 'wroker'. Did you mean 'worker'?", "--help"),
        (["inspect"], "no command 'inspect'", "sedano status"),
        (["status", "--jsno"], "No such option", "sedano status --help"),
        (["call"], "Missing argument 'NAME'", "sedano call --help"),
        (["--loader", "x", "status"], "no loaders", "--config"),
        (["--workdir", "nowhere", "status"], "--workdir nowhere: No such file", "current directory"),
        (["status"], "No application is named", "-A"),
        (["-A", "nothing_here", "status"], "no module 'nothing_here'", "first"),
        (["-A", "nothing_here", "check"], "no module 'nothing_here'", "first"),
    ],
)
def test_a_mistake_is_one_line_and_a_hint(
    project: Project, arguments: list[str], error: str, hint: str
) -> None:
    ran = project.run(*arguments)

    lines = ran.err.splitlines()
    assert ran.code == 2
    assert len(lines) == 2
    assert lines[0].startswith("Error: ")
    assert lines[1].startswith("Hint: ")
    assert error in lines[0]
    assert hint in lines[1]


def test_a_wrong_setting_is_named(project: Project) -> None:
    project.write("tasks.py", 'from sedano import Sedano\napp = Sedano("tasks", task_time_limit="soon")\n')

    ran = project.run("-A", "tasks", "status")

    assert ran.code == 2
    assert ran.err.startswith("Error: task_time_limit: expected a number of seconds")


def test_a_broker_that_cannot_be_reached_ends_with_69(project: Project) -> None:
    project.with_tasks()
    project.write("hasty.py", "from tasks import app\napp.conf.broker_publish_timeout = 0.05\n")
    project.run("-A", "tasks", "status")
    with contextlib.closing(sqlite3.connect(project.path / "queue.db")) as somebody_else:
        somebody_else.execute("BEGIN EXCLUSIVE")

        ran = project.run("-A", "hasty", "call", "tasks.add", "-a", "[1]")

    assert ran.code == 69
    assert ran.err.startswith("Error: The sqlite broker is unavailable")
    assert "\nHint: " in ran.err


def test_the_traceback_is_shown_to_those_who_ask(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("tasks.py", "def first():\n    raise ValueError('spam')\nfirst()\n")
    monkeypatch.setenv("SEDANO_TRACEBACK", "1")

    ran = project.run("-A", "tasks", "status")

    assert ran.code == 2
    assert "Traceback (most recent call last)" in ran.err
    assert "in first" in ran.err
    assert "Error: -A tasks cannot be imported: tasks.py, line 2: ValueError: spam" in ran.err


def test_a_defect_of_ours_is_not_dressed_up_as_a_mistake(project: Project) -> None:
    project.write(
        "tasks.py",
        """
        from sedano import Sedano

        class Odd(Sedano):
            @property
            def broker(self):
                raise ZeroDivisionError

        app = Odd("tasks")
        """,
    )

    with pytest.raises(ZeroDivisionError):
        project.run("-A", "tasks", "status")


def test_every_command_of_celerys_is_ours_or_is_answered_with_a_way_out() -> None:
    assert set(celerys_group.commands) <= {*sedano.commands, *CELERY_COMMANDS}


@pytest.mark.parametrize(
    "command",
    [[], *([name] for name in ("worker", "call", "result", "status", "purge", "check", "report", "dead"))],
)
def test_help_needs_no_application(project: Project, command: list[str]) -> None:
    ran = project.run(*command, "--help")

    assert ran.code == 0
    assert "Usage: sedano" in ran.out
    assert "sedano -A proj" in ran.out


def test_without_a_command_the_help_is_shown(project: Project) -> None:
    assert "Commands:" in project.run().out
