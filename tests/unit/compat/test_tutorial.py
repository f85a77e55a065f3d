"""The tutorial's site with the imports that the tutorial has: Celery's, every one of them."""

import re
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.workers import Worker
from tests.architecture.source_tree import ROOT
from tests.unit.compat.program import run

#: The site's imports, and how the tutorial writes them.
IMPORTS: Final = {
    "from sedano import Celery": "from celery import Celery",
    "from sedano import get_task_logger, shared_task": (
        "from celery import shared_task\nfrom celery.utils.log import get_task_logger"
    ),
    "from sedano import AsyncResult": "from celery.result import AsyncResult",
    "from sedano import AsyncResult, states": (
        "from celery import states\nfrom celery.result import AsyncResult"
    ),
    "from sedano.signals import task_postrun, task_prerun": (
        "from celery.signals import task_postrun, task_prerun"
    ),
}

#: What a project adds: at the top of its package, and nowhere else.
INSTALL: Final = "import sedano\n\nsedano.install_as_celery()\n\n"

#: The tutorial's periodic tasks, at the end of settings.py.
SCHEDULE: Final = """
from celery.schedules import crontab

CELERY_BEAT_SCHEDULE = {
    'send-daily-digest': {
        'task': 'myapp.tasks.send_daily_digest',
        'schedule': crontab(hour=8, minute=0),  # Every day at 8 AM
    },
    'cleanup-old-files': {
        'task': 'myapp.tasks.cleanup_old_files',
        'schedule': crontab(hour=2, minute=0, day_of_week=1),  # Mondays at 2 AM
    },
    'health-check': {
        'task': 'myapp.tasks.system_health_check',
        'schedule': 300.0,  # Every 5 minutes
    },
    'monthly-reports': {
        'task': 'myapp.tasks.generate_monthly_reports',
        'schedule': crontab(day_of_month=1, hour=0, minute=0),  # First day of month
    },
}
"""

#: The tutorial's look at a task, and its task that retries by itself.
STATUS: Final = """
from celery import shared_task
from celery.result import AsyncResult
from celery.utils.log import get_task_logger

logger = get_task_logger(__name__)


def check_task_status(task_id):
    task = AsyncResult(task_id)
    return {
        'task_id': task_id,
        'status': task.status,
        'result': task.result,
        'ready': task.ready(),
        'successful': task.successful(),
        'failed': task.failed(),
    }


@shared_task(bind=True, autoretry_for=(Exception,), retry_kwargs={'max_retries': 3})
def robust_task(self, data):
    try:
        if self.request.retries < 2:
            raise ConnectionError(data)
        return {'data': data, 'retries': self.request.retries}

    except ConnectionError as e:
        logger.warning(f"API error: {e}, will retry")
        raise self.retry(countdown=0)
"""

CALL: Final = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "myproject.settings"
import django
django.setup()
from myapp.status import check_task_status, robust_task
from myapp.tasks import system_health_check
from myproject import celery_app
from myproject.celery import debug_task

health = system_health_check.delay()
retried = robust_task.delay("d")
debug_task.delay().get(timeout=60)
health.get(timeout=60), retried.get(timeout=60)
print(sorted(check_task_status(health.id)["result"]))
print(check_task_status(retried.id))
print(type(celery_app.conf.beat_schedule["send-daily-digest"]["schedule"]).__module__)
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The example site, as it was before its imports were changed."""
    site = tmp_path / "site"
    shutil.copytree(
        ROOT / "examples" / "myproject", site, ignore=shutil.ignore_patterns("*.sqlite3*", "__pycache__")
    )
    for path in site.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for ours, theirs in IMPORTS.items():
            text = text.replace(f"{ours}\n", f"{theirs}\n")
        path.write_text(text, encoding="utf-8")
    package = site / "myproject" / "__init__.py"
    package.write_text(INSTALL + package.read_text(encoding="utf-8"), encoding="utf-8")
    (site / "myapp" / "status.py").write_text(STATUS, encoding="utf-8")
    for name, addition in (
        ("myproject/settings.py", SCHEDULE),
        ("myapp/tasks.py", "\nimport myapp.status\n"),
    ):
        with (site / name).open("a", encoding="utf-8") as file:
            file.write(addition)
    return site


def test_only_celerys_names_are_left(site: Path) -> None:
    ours = [
        f"{path.name}: {line}"
        for path in site.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"(from|import) sedano", line)
    ]

    assert sorted(ours) == [
        "__init__.py: import sedano",
        "tests.py: from sedano.contrib.django.models import Message",
    ]


def test_the_sites_own_tests_pass(site: Path) -> None:
    run(["manage.py", "test"], cwd=site)


def test_the_sites_worker_runs_its_tasks(site: Path, tmp_path: Path) -> None:
    database = {"MYPROJECT_DATABASE": str(tmp_path / "site.sqlite3")}
    run(["manage.py", "migrate", "-v", "0"], cwd=site, **database)

    worker = Worker(site, "-c", "1", app="myproject", env=database)
    try:
        worker.wait_until_ready()
        health, retried, schedule = run(["-c", CALL], cwd=site, **database).splitlines()[-3:]
    finally:
        worker.stop()

    assert health == "['cpu', 'disk', 'memory']"
    assert "'status': 'SUCCESS', 'result': {'data': 'd', 'retries': 2}, 'ready': True" in retried
    assert schedule == "sedano.scheduler.crontab"
    assert "Request: <Context" in worker.text()
    assert "API error: d, will retry" in worker.text()
