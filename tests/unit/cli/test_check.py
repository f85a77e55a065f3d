"""``sedano check`` and ``report``: is all well, and with what are we dealing?"""

from pathlib import Path

from tests.servers.redis_server import RedisServer
from tests.unit.cli.project import Project


def verdicts(document: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {finding["about"]: finding["verdict"] for finding in document["findings"]}


def test_a_sound_application_passes(project: Project) -> None:
    project.with_tasks()

    ran = project.run("-A", "tasks", "check", "--json")

    assert ran.code == 0
    found = verdicts(ran.json())
    assert list(found) == ["settings", "tasks", "broker", "results", "schedule"]
    assert set(found.values()) == {"ok"}


def test_check_lists_the_tasks_on_request(project: Project) -> None:
    ran = project.with_tasks().run("-A", "tasks", "check", "--tasks")

    assert "tasks.add" in ran.out.split()


def test_limits_are_shown_and_a_wrong_one_is_a_problem(project: Project) -> None:
    project.write(
        "tasks.py",
        """
        from sedano import Sedano
        app = Sedano("tasks", broker="sqlite:///queue.db")

        @app.task(rate_limit="10/m", rate_limit_scope="cluster")
        def mail(): ...
        """,
    )
    project.write(
        "wrong.py",
        """
        from sedano import Sedano
        app = Sedano("wrong", broker="sqlite:///queue.db")

        @app.task(rate_limit="ten")
        def mail(): ...
        """,
    )

    sound = project.run("-A", "tasks", "check", "--tasks")
    wrong = project.run("-A", "wrong", "check", "--tasks")

    assert " registered, 1 with a rate limit" in sound.out
    assert "tasks.mail  at most 10/m (all workers together)" in sound.out
    assert (sound.code, wrong.code) == (0, 1)
    assert "problem  tasks: task wrong.mail: rate_limit: expected" in wrong.out
    assert "got 'ten'" in wrong.out


def test_every_wrong_setting_is_listed(project: Project) -> None:
    project.write(
        "tasks.py",
        """
        from sedano import Sedano
        app = Sedano("tasks", task_time_limit="soon", worker_concurrency="many")
        """,
    )

    ran = project.run("-A", "tasks", "check")

    assert ran.code == 1
    assert "problem  settings: " in ran.out
    assert "task_time_limit: expected" in ran.out
    assert "worker_concurrency: expected" in ran.out


def test_a_setting_without_effect_is_a_warning_and_a_problem_only_when_strict(project: Project) -> None:
    project.write(
        "tasks.py",
        """
        from sedano import Sedano
        app = Sedano("tasks", broker="sqlite:///queue.db", worker_prefetch_multiplier=7)
        """,
    )

    lenient = project.run("-A", "tasks", "check")
    strict = project.run("-A", "tasks", "check", "--strict")

    assert "warning  settings: " in lenient.out
    assert "worker_prefetch_multiplier" in lenient.out
    assert (lenient.code, strict.code) == (0, 1)


def test_a_broker_that_does_not_answer_is_a_problem(project: Project) -> None:
    project.with_tasks()
    project.write("queue.db", "This is no database, but a text of some length." * 100)

    ran = project.run("-A", "tasks", "check")

    assert ran.code == 1
    assert "problem  broker: " in ran.out
    assert "queue.db" in ran.out


def test_a_task_module_that_cannot_be_imported_is_a_problem(project: Project) -> None:
    project.write(
        "proj.py",
        """
        from sedano import Sedano
        app = Sedano("proj", broker="sqlite:///queue.db", include=["jobs"])
        """,
    )
    project.write("jobs.py", "x = 1 / 0\n")

    ran = project.run("-A", "proj", "check")

    assert ran.code == 1
    assert "problem  tasks: " in ran.out
    assert "jobs.py, line 1: ZeroDivisionError" in ran.out


SCHEDULED = """
    from sedano import Sedano
    from sedano.beat.lazy_value import LazyValue
    from sedano.schedules import crontab

    app = Sedano("tasks", {where})

    @app.task
    def add(x, y=0): ...

    @app.task(typing=False)
    def anything(): ...

    app.conf.beat_schedule = {entries}
"""


def scheduled(project: Project, entries: str, where: str = 'broker="sqlite:///queue.db"') -> Project:
    project.write("tasks.py", SCHEDULED.format(where=where, entries=entries))
    return project


def test_sound_entries_are_counted_and_nothing_of_them_is_computed(project: Project) -> None:
    scheduled(
        project,
        """{
            "a": {"task": "tasks.add", "schedule": 1, "args": [LazyValue(lambda: 1 / 0)]},
            "b": {"task": "tasks.anything", "schedule": crontab(), "args": [1, 2, 3]},
        }""",
    )

    ran = project.run("-A", "tasks", "check")

    assert ran.code == 0
    assert "     ok  schedule: 2 entries\n" in ran.out


def test_every_entry_that_cannot_be_read_or_run_is_a_problem(project: Project) -> None:
    scheduled(
        project,
        """{
            "right": {"task": "tasks.add", "schedule": 1, "args": [1]},
            "gone": {"task": "tasks.ad", "schedule": 1},
            "many": {"task": "tasks.add", "schedule": 1, "args": [1, 2, 3]},
            "few": {"task": "tasks.add", "schedule": 1},
            "option": {"task": "tasks.add", "schedule": 1, "args": [1], "options": {"queu": "q"}},
            "zone": {"task": "tasks.add", "schedule": crontab(), "timezone": "Europe/Roma"},
            "word": {"task": "tasks.add", "schedule": "daily"},
        }""",
    )

    ran = project.run("-A", "tasks", "check", "--json")

    assert ran.code == 1
    problems = [one["text"] for one in ran.json()["findings"] if one["about"] == "schedule"]
    named = {name: text for text in problems for name in [text.partition("'")[2].partition("'")[0]]}
    assert sorted(named) == ["few", "gone", "many", "option", "word", "zone"]
    assert len(problems) == len(named)
    assert "cannot be run: No task is registered as 'tasks.ad'. Did you mean 'tasks.add'?" in named["gone"]
    assert "Europe/Roma" in named["zone"]
    assert "Did you mean 'queue'?" in named["option"]
    assert "'daily'" in named["word"]


def test_entries_are_looked_at_though_the_broker_is_away(project: Project) -> None:
    scheduled(project, '{"gone": {"task": "tasks.gone", "schedule": 1}}', 'broker="redis://127.0.0.1:1"')

    ran = project.run("-A", "tasks", "check")

    assert ran.code == 1
    assert "problem  broker: " in ran.out
    assert "problem  schedule: the entry 'gone'" in ran.out


def test_a_schedule_that_nothing_can_hold_is_a_problem_and_none_is_a_note(project: Project) -> None:
    where = 'broker="sqlite:///queue.db", backend="disabled://"'
    nowhere = "\napp.broker.ticks = None\n"
    scheduled(project, '{"a": {"task": "tasks.anything", "schedule": 1}}', where)
    project.write("empty.py", SCHEDULED.format(where=where, entries="{}"))
    for name in ("tasks.py", "empty.py"):
        path = project.path / name
        path.write_text(path.read_text() + nowhere)

    wanted, unwanted = project.run("-A", "tasks", "check"), project.run("-A", "empty", "check", "--strict")

    assert (wanted.code, unwanted.code) == (1, 0)
    assert "problem  schedule: The sqlite broker keeps messages and nothing else" in wanted.out
    assert "   note  schedule: The sqlite broker keeps messages and nothing else" in unwanted.out


def test_the_report_has_versions_and_settings_without_passwords(project: Project) -> None:
    project.write(
        "tasks.py",
        """
        from sedano import Sedano
        app = Sedano("tasks", broker="sqlite:///queue.db", redis_password="hunter2", task_time_limit=30)
        """,
    )

    ran = project.run("-A", "tasks", "report")

    assert ran.code == 0
    assert "software -> sedano:" in ran.out
    assert "platform -> " in ran.out
    assert "task_time_limit: 30" in ran.out
    assert "hunter2" not in ran.out


def test_a_report_is_made_even_where_the_application_is_not_found(project: Project) -> None:
    ran = project.run("-A", "nothing_here", "report")

    assert ran.code == 0
    assert "platform -> " in ran.out
    assert "no module 'nothing_here'" in ran.out


def test_the_command_lines_urls_count_more_than_the_applications(project: Project) -> None:
    project.with_tasks()

    ran = project.run("-A", "tasks", "-b", "sqlite:///other.db", "check")

    assert ran.code == 0
    assert "other.db" in ran.out
    assert (project.path / "other.db").exists()
    assert not (project.path / "queue.db").exists()


def test_a_server_that_may_lose_messages_is_a_warning(project: Project, tmp_path: Path) -> None:
    server = RedisServer(tmp_path, "--maxmemory-policy", "allkeys-lru")
    project.write("tasks.py", f'from sedano import Sedano\napp = Sedano("tasks", broker="{server.url}")\n')

    ran = project.run("-A", "tasks", "check")
    strict = project.run("-A", "tasks", "check", "--strict", "--json")
    server.stop()

    assert (ran.code, strict.code) == (0, 1)
    assert "warning  broker: maxmemory-policy is allkeys-lru" in ran.out
    assert "Hint: " in ran.out
    said = [f["text"] for f in strict.json()["findings"] if f["verdict"] == "warning"]
    assert [text.partition(" ")[0] for text in said] == ["maxmemory-policy", "The"]


def test_what_a_server_does_not_show_is_a_note_and_no_problem(project: Project, tmp_path: Path) -> None:
    server = RedisServer(tmp_path, "--appendonly", "yes", "--rename-command", "CONFIG", "")
    project.write("tasks.py", f'from sedano import Sedano\napp = Sedano("tasks", broker="{server.url}")\n')

    ran = project.run("-A", "tasks", "check", "--strict")
    server.stop()

    assert ran.code == 0
    assert "   note  broker: The server does not show its settings" in ran.out
