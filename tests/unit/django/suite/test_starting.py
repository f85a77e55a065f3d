"""How a site comes to its application: by ``INSTALLED_APPS`` alone, and wired as Celery's tutorials do it."""

from collections.abc import Callable
from pathlib import Path

import pytest

RunPython = Callable[..., str]

TUTORIAL = """
import os
from sedano import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "more_settings")
app = Celery("wired")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

@app.task(bind=True)
def debug_task(self):
    print(f"Request: {self.request!r}")
"""


@pytest.fixture
def wired(tmp_path: Path) -> None:
    package = tmp_path / "wired"
    package.mkdir()
    (package / "__init__.py").write_text("from .celery import app as celery_app\n__all__ = ('celery_app',)\n")
    (package / "celery.py").write_text(TUTORIAL)


def test_an_installed_app_is_enough(run_python: RunPython) -> None:
    said = run_python(
        "from sedano import current_app\n"
        "current_app.import_modules()\n"
        "print(current_app.broker.name, 'shop.tasks.ship' in current_app.tasks)"
    )

    assert said.split() == ["django", "True"]


def test_the_tutorials_wiring_works_as_it_stands(run_python: RunPython, wired: None) -> None:
    said = run_python(
        "import wired; django_setup = __import__('django').setup()\n"
        "from sedano import current_app\n"
        "assert current_app == wired.celery_app\n"
        "current_app.import_modules()\n"
        "names = sorted(name for name in current_app.tasks if name.endswith(('ship', 'debug_task')))\n"
        "print(current_app.broker.name, current_app.settings.worker.concurrency, *names)",
        settings="CELERY_WORKER_CONCURRENCY = 7",
        setup=False,
    )

    assert said.split() == ["django", "7", "shop.tasks.ship", "wired.celery.debug_task"]


def test_an_application_made_after_django_has_started_is_tied_to_the_site_too(
    run_python: RunPython, wired: None
) -> None:
    said = run_python("import wired\nprint(wired.celery_app.broker.name)")

    assert said.split() == ["django"]


def test_our_own_prefix_is_read_beside_the_tutorials_wiring(run_python: RunPython, wired: None) -> None:
    said = run_python(
        "import wired; __import__('django').setup()\nprint(wired.celery_app.settings.worker.lease)",
        settings="SEDANO_WORKER_LEASE = 5",
        setup=False,
    )

    assert said.split() == ["0:00:05"]


def test_a_setting_under_both_prefixes_is_an_error_beside_the_tutorials_wiring(
    run_python: RunPython, wired: None
) -> None:
    said = run_python(
        "import wired; __import__('django').setup()\n"
        "try:\n"
        "    wired.celery_app.settings\n"
        "except Exception as error:\n"
        "    print(error)",
        settings="SEDANO_WORKER_LEASE = 5; CELERY_WORKER_LEASE = 6",
        setup=False,
    )

    assert "SEDANO_WORKER_LEASE and CELERY_WORKER_LEASE" in said


def test_the_command_line_starts_django_for_a_wired_application(run_python: RunPython, wired: None) -> None:
    said = run_python(
        "from sedano.cli.find_app import find_app\n"
        "app = find_app('wired')\n"
        "app.import_modules()\n"
        "print(app.main, app.broker.name, 'shop.tasks.ship' in app.tasks)",
        setup=False,
    )

    assert said.split() == ["wired", "django", "True"]


def test_a_wired_application_without_the_installed_app_keeps_the_embedded_broker(
    run_python: RunPython, wired: None
) -> None:
    said = run_python(
        "from sedano.cli.find_app import find_app\n"
        "app = find_app('wired')\n"
        "app.import_modules()\n"
        "print(app.broker.name, 'shop.tasks.ship' in app.tasks, len(app.around_attempt))",
        settings="INSTALLED_APPS.remove('sedano.contrib.django')",
        setup=False,
    )

    assert said.split() == ["sqlite", "True", "1"]


def test_checks_stop_a_worker_of_a_site_with_errors(run_python: RunPython) -> None:
    said = run_python(
        "from sedano.contrib.django.startup import run_checks\n"
        "try:\n"
        "    run_checks()\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)",
        settings="CELERY_WORKER_CONCURRENCY = 'four'",
    )

    assert said.startswith("ConfigurationError Django's system checks found errors:")
    assert "sedano.E001" in said


def test_checks_of_a_good_site_give_nothing_to_say(run_python: RunPython) -> None:
    assert run_python("from sedano.contrib.django.startup import run_checks\nprint(run_checks())") == "[]\n"
