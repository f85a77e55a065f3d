"""How ``-A`` leads to an application, and what is said when it does not."""

import pytest

from sedano.cli.find_app import find_app
from sedano.errors import ApplicationNotFound
from tests.unit.cli.project import Project

APP = 'from sedano import Sedano\napp = Sedano("found")\n'


def complaint(path: str | None) -> str:
    with pytest.raises(ApplicationNotFound) as raised:
        find_app(path)
    return str(raised.value)


@pytest.mark.parametrize(
    ("file", "name", "path"),
    [
        ("proj.py", "app", "proj"),
        ("proj.py", "celery", "proj"),
        ("proj.py", "anything", "proj"),
        ("proj.py", "queue_app", "proj:queue_app"),
        ("proj.py", "queue_app", "proj.queue_app"),
        ("proj/__init__.py", "app", "proj"),
        ("proj/celery.py", "app", "proj"),
        ("proj/celery.py", "app", "proj.celery"),
        ("proj/celery.py", "app", "proj.celery:app"),
        ("proj/celery.py", "queue_app", "proj"),
        ("proj/sub/mod.py", "app", "proj.sub.mod:app"),
    ],
)
def test_an_application_is_found_where_celery_finds_it(
    project: Project, file: str, name: str, path: str
) -> None:
    if "/" in file:
        project.write("proj/__init__.py", "")
    project.write(file, f'from sedano import Sedano\n{name} = Sedano("found")\n')

    assert find_app(path).main == "found"


def test_a_package_that_imports_its_application_under_another_name_is_enough(project: Project) -> None:
    project.write("proj/__init__.py", "from .celery import app as celery_app\n")
    project.write("proj/celery.py", APP)

    assert find_app("proj").main == "found"


def test_the_usual_name_wins_over_other_instances(project: Project) -> None:
    project.write("proj.py", 'from sedano import Sedano\nother = Sedano("other")\napp = Sedano("found")\n')

    assert find_app("proj").main == "found"


@pytest.mark.parametrize("variable", ["SEDANO_APP", "CELERY_APP"])
def test_the_environment_names_it_where_the_command_line_does_not(
    project: Project, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    project.write("proj.py", APP)
    monkeypatch.setenv(variable, "proj")

    assert find_app(None).main == "found"


def test_the_application_found_is_the_current_one(project: Project) -> None:
    from sedano.current import get_current_app

    project.write("proj.py", 'from sedano import Sedano\napp = Sedano("found")\nlater = Sedano("later")\n')

    assert get_current_app() is not (app := find_app("proj"))
    assert get_current_app() is app


def test_a_misspelt_module_gets_the_one_that_was_meant(project: Project) -> None:
    project.write("project.py", APP)

    assert "no module 'projct'" in complaint("projct")
    assert "Did you mean 'project'?" in complaint("projct")


def test_a_file_name_is_turned_into_a_module_name(project: Project) -> None:
    project.write("proj/celery.py", APP)

    assert "-A proj.celery" in complaint("proj/celery.py")


def test_a_project_in_a_subdirectory_is_pointed_out(project: Project) -> None:
    project.write("src/proj.py", APP)

    assert "--workdir src" in complaint("proj")


def test_without_any_name_the_application_lying_there_is_proposed(project: Project) -> None:
    project.write("jobs/__init__.py", "")
    project.write("jobs/celery.py", APP)

    assert "sedano -A jobs" in complaint(None)


def test_a_django_project_is_pointed_to_its_manage_py(project: Project) -> None:
    project.write("manage.py", "")

    assert "manage.py sedano" in complaint(None)


def test_a_misspelt_attribute_gets_the_one_that_was_meant(project: Project) -> None:
    project.write("proj.py", 'from sedano import Sedano\nqueue = Sedano("found")\n')

    assert "Did you mean 'queue'?" in complaint("proj:queeu")


def test_a_module_without_an_application_says_so(project: Project) -> None:
    project.write("proj.py", "x = 1\n")

    assert "no Sedano application" in complaint("proj")


def test_something_else_under_that_name_is_told_by_its_type(project: Project) -> None:
    project.write("proj.py", "app = 42\n")

    assert "builtins.int, not a Sedano application" in complaint("proj:app")


def test_celerys_own_application_is_told_how_to_become_ours(project: Project) -> None:
    project.write(
        "proj.py",
        """
        class Celery:
            __module__ = "celery.app.base"
        app = Celery()
        """,
    )

    assert "from sedano import Celery" in complaint("proj")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\ndef broken(:\n", "proj.py, line 2: SyntaxError"),
        (
            "x = 1\n\nimport no_such_package\n",
            "proj.py, line 3: ModuleNotFoundError: No module named 'no_such_package'",
        ),
        ("import json\njson.loads('{')\n", "proj.py, line 2: JSONDecodeError"),
        ("x = 1\nraise SystemExit(3)\n", "proj.py, line 2: SystemExit: 3"),
        ("raise ValueError('first\\nsecond')\n", "proj.py, line 1: ValueError: first\nHint"),
    ],
)
def test_an_error_in_the_users_module_is_told_with_file_and_line(
    project: Project, text: str, told: str
) -> None:
    project.write("proj.py", text)

    assert told in complaint("proj")


def test_an_error_in_a_module_that_the_application_imports_names_that_module(project: Project) -> None:
    project.write("proj/__init__.py", "from .celery import app\n")
    project.write("proj/celery.py", "import proj.no_such_part\n" + APP)

    assert "proj/celery.py, line 1: ModuleNotFoundError" in complaint("proj")


def test_an_application_can_be_nothing_but_its_settings(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("settings_only.py", 'task_default_queue = "other"\n')
    monkeypatch.setenv("CELERY_CONFIG_MODULE", "settings_only")

    assert find_app(None).settings.tasks.default_queue == "other"
