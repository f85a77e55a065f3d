"""The real command in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.project import Project

SEDANO = Path(sys.executable).with_name("sedano")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_version_is_told_without_importing_a_command() -> None:
    modules = (
        "import sys; from sedano.cli.main import main; main(['--version']); print('click' in sys.modules)"
    )

    ran = run(sys.executable, "-c", modules)

    version, click_was_imported = ran.stdout.splitlines()
    assert version.startswith("sedano ")
    assert click_was_imported == "False"


def test_the_script_and_the_module_are_the_same_command() -> None:
    script, module = run(SEDANO, "--version"), run(sys.executable, "-m", "sedano", "--version")

    assert script.returncode == module.returncode == 0
    assert script.stdout == module.stdout


def test_help_does_not_draw_tables_or_import_the_application() -> None:
    modules = (
        "import sys; from sedano.cli.main import main; main(['worker', '--help']);"
        "print([name for name in ('rich', 'sqlite3', 'asyncio', 'django') if name in sys.modules])"
    )

    ran = run(sys.executable, "-c", modules)

    assert ran.stdout.splitlines()[-1] == "[]"


def test_a_worker_without_its_application_ends_with_one_line_and_a_hint(project: Project) -> None:
    project.with_tasks()

    ran = run(SEDANO, "-A", "taks", "worker")

    assert ran.returncode == 2
    assert ran.stderr.splitlines() == [
        "Error: -A taks: there is no module 'taks'.",
        f"Hint: Did you mean 'tasks'? Modules are looked for in {Path.cwd()} first.",
    ]


def test_a_worker_names_the_line_that_is_wrong_in_the_application(project: Project) -> None:
    project.write("broken.py", "x = 1\ny = x / 0\n")

    ran = run(SEDANO, "-A", "broken", "worker")

    assert ran.returncode == 2
    assert "broken.py, line 2: ZeroDivisionError: division by zero" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_django_project_without_the_app_is_told_what_to_install(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("site_settings.py", 'SECRET_KEY = "x"\nINSTALLED_APPS = []\n')
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "site_settings")

    ran = run(SEDANO, "status")

    assert ran.returncode == 2
    assert 'Add "sedano.contrib.django" to INSTALLED_APPS' in ran.stderr


def test_a_worker_refuses_a_misspelt_setting(project: Project) -> None:
    project.with_tasks()

    ran = run(SEDANO, "-A", "tasks", "worker", "task_trak_started=1")

    assert ran.returncode == 2
    assert "Did you mean 'task_track_started'?" in ran.stderr


def test_a_reader_that_goes_away_early_is_no_error(project: Project) -> None:
    project.with_tasks()
    reading, writing = os.pipe()
    os.close(reading)

    ran = subprocess.run(
        [SEDANO, "-A", "tasks", "status"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)

    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr
