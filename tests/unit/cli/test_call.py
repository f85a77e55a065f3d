"""``sedano call`` publishes what fits, and refuses what does not before anything is sent."""

import json

import pytest

from sedano.brokers.admin import StoredMessage
from sedano.cli.find_app import find_app
from tests.unit.cli.project import Project


def waiting(queue: str = "celery") -> list[StoredMessage]:
    app = find_app("tasks")
    try:
        return app.broker.admin.peek(queue)
    finally:
        app.close()


def test_a_call_publishes_the_task_and_prints_its_id(project: Project) -> None:
    project.with_tasks()

    ran = project.run("-A", "tasks", "call", "tasks.add", "-a", "[1]", "-k", '{"y": 2}')

    assert ran.code == 0
    (message,) = waiting()
    assert ran.out.strip() == message.task_id
    assert message.task == "tasks.add"
    assert json.loads(message.envelope.body)[:2] == [[1], {"y": 2}]


def test_a_call_answers_in_json_for_scripts(project: Project) -> None:
    project.with_tasks()

    ran = project.run("-A", "tasks", "call", "tasks.add", "-a", "[1]", "--json")

    assert ran.json() == {"id": waiting()[0].task_id, "task": "tasks.add"}


def test_a_task_goes_to_its_own_queue_or_to_the_one_given(project: Project) -> None:
    project.with_tasks()

    project.run("-A", "tasks", "call", "tasks.send", "-a", "[42]")
    project.run("-A", "tasks", "call", "tasks.send", "-a", "[42]", "--queue", "other")

    assert len(waiting("mail")) == 1
    assert len(waiting("other")) == 1


@pytest.mark.parametrize("when", [["--countdown", "60"], ["--eta", "2130-01-31T08:00:00+00:00"]])
def test_a_call_can_be_for_later(project: Project, when: list[str]) -> None:
    project.with_tasks()

    project.run("-A", "tasks", "call", "tasks.add", "-a", "[1]", *when)

    assert waiting()[0].state == "scheduled"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["tasks.ad", "-a", "[1]"], "No task is registered as 'tasks.ad'. Did you mean 'tasks.add'?"),
        (["tasks.add", "-a", "[1, 2"], "--args is not JSON: expecting ',' delimiter at character 6"),
        (["tasks.add", "-a", "[1, two]"], "at character 5, at 'two]' after '[1, '"),
        (["tasks.add", "-a", '{"x": 1}'], "--args takes an array, not an object"),
        (["tasks.add", "-k", "[1]"], "--kwargs takes an object, not an array"),
        (["tasks.add"], "tasks.add"),
        (["tasks.add", "-a", "[1, 2, 3]"], "tasks.add"),
        (["tasks.add", "-a", "[1]", "-k", '{"z": 2}'], "'z'"),
        (["tasks.add", "-a", "[1]", "--eta", "tomorrow"], "--eta: 'tomorrow' is no moment"),
        (["tasks.add", "-a", "[1]", "--countdown", "1", "--eta", "2130-01-31T08:00:00"], "--countdown"),
        (["tasks.add", "-a", "[1]", "--exchange", "x"], "exchange: this option of a call is for RabbitMQ"),
        (["tasks.add", "-a", "[1]", "--serializer", "carrots"], "carrots"),
    ],
)
def test_a_wrong_call_is_refused_and_nothing_is_sent(
    project: Project, arguments: list[str], error: str
) -> None:
    project.with_tasks()

    ran = project.run("-A", "tasks", "call", *arguments)

    assert ran.code == 2
    assert ran.err.startswith("Error: ")
    assert error in ran.err.splitlines()[0]
    assert ran.out == ""
    assert waiting() == []


def test_a_task_of_another_code_base_is_sent_by_its_name_alone(project: Project) -> None:
    project.with_tasks()

    ran = project.run("-A", "tasks", "call", "elsewhere.add", "-a", "[1]", "--unregistered")

    assert ran.code == 0
    assert waiting()[0].task == "elsewhere.add"


def test_the_application_may_be_named_after_the_command_too(project: Project) -> None:
    project.with_tasks()

    ran = project.run("call", "-A", "tasks", "tasks.add", "-a", "[1]")

    assert ran.code == 0


def test_options_come_from_the_environment(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.with_tasks()
    monkeypatch.setenv("SEDANO_APP", "tasks")
    monkeypatch.setenv("SEDANO_CALL_QUEUE", "other")

    project.run("call", "tasks.add", "-a", "[1]")

    assert len(waiting("other")) == 1


def test_an_eager_application_answers_with_the_result(project: Project) -> None:
    project.with_tasks()
    project.write("eager.py", "from tasks import app\napp.conf.task_always_eager = True\n")

    ran = project.run("-A", "eager", "call", "tasks.add", "-a", "[1, 2]", "--wait")

    assert ran.code == 0
    assert ran.out.strip() == "3"
