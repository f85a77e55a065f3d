"""``sedano result`` tells what became of a task, by its words and by its exit code."""

from typing import Any

import pytest

from sedano.cli.find_app import find_app
from tests.unit.cli.project import Project, Ran


def store(state: str, meta: object) -> None:
    app = find_app("tasks")
    app.tasks["tasks.add"].update_state(task_id="some-id", state=state, meta=meta)
    app.close()


def result(project: Project, *options: str) -> Ran:
    return project.run("-A", "tasks", "result", "some-id", *options)


@pytest.mark.parametrize(("value", "printed"), [(3, "3"), ("a text", "a text"), ([1, None], "[1, None]")])
def test_a_return_value_is_printed(project: Project, value: Any, printed: str) -> None:
    project.with_tasks()
    store("SUCCESS", value)

    ran = result(project)

    assert (ran.code, ran.out.strip()) == (0, printed)


def test_a_failure_is_told_and_ends_with_1(project: Project) -> None:
    project.with_tasks()
    store("FAILURE", ValueError("spam"))

    ran = result(project)

    assert ran.code == 1
    assert "FAILURE: ValueError: spam" in ran.err
    assert ran.out == ""


def test_a_task_that_is_not_done_ends_with_75(project: Project) -> None:
    project.with_tasks()

    ran = result(project)

    assert ran.code == 75
    assert ran.err.startswith("PENDING")


def test_a_state_of_the_tasks_own_is_shown_with_what_it_says(project: Project) -> None:
    project.with_tasks()
    store("PROGRESS", {"done": 3})

    ran = result(project)

    assert ran.code == 75
    assert "PROGRESS: {'done': 3}" in ran.err


def test_scripts_get_json(project: Project) -> None:
    project.with_tasks()
    store("SUCCESS", {"total": 3})

    document = result(project, "--json").json()

    assert document == {
        "id": "some-id",
        "state": "SUCCESS",
        "result": {"total": 3},
        "error": None,
        "traceback": None,
    }


def test_scripts_get_failures_in_json_too(project: Project) -> None:
    project.with_tasks()
    store("FAILURE", ValueError("spam"))

    ran = result(project, "--json")

    assert ran.code == 1
    assert ran.json()["error"] == "ValueError: spam"


def test_waiting_ends_when_the_time_is_up(project: Project) -> None:
    project.with_tasks()

    ran = result(project, "--wait", "--timeout", "0.01")

    assert ran.code == 75
    assert ran.err.startswith("Error: ")


def test_an_application_without_results_is_told_what_to_set(project: Project) -> None:
    project.write("tasks.py", 'from sedano import Sedano\napp = Sedano("tasks", backend="disabled")\n')

    ran = result(project)

    assert ran.code == 2
    assert "result_backend" in ran.err
