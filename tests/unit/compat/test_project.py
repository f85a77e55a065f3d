"""A project written for Celery, word for word, under Sedano's command line and in its worker."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.workers import Worker, wait_until
from tests.unit.compat.program import run

FILES: Final = {
    "project/__init__.py": """
import sedano

sedano.install_as_celery()

from .celery import app as celery_app

__all__ = ("celery_app",)
""",
    "project/celery.py": """
from celery import Celery, signals

app = Celery("project", broker="sqlite:///queue.db", backend="sqlite:///queue.db")
app.conf.task_routes = {"project.tasks.*": {"queue": "celery"}}
app.autodiscover_tasks(["project"])


@signals.worker_process_init.connect
def say_so(**kwargs):
    print("a child of", type(app).__name__, "has begun")
""",
    "project/tasks.py": """
import time
from pathlib import Path

from celery import chain, group, shared_task
from celery.contrib.abortable import AbortableTask
from celery.exceptions import Reject, Retry, SoftTimeLimitExceeded
from celery.utils.log import get_task_logger

logger = get_task_logger(__name__)


@shared_task(bind=True, max_retries=2)
def add(self, x, y):
    logger.info("adding %s and %s", x, y)
    try:
        if self.request.retries == 0:
            raise self.retry(countdown=0)
    except Retry:
        raise
    except Exception:
        return "Retry is another class"
    return x + y


@shared_task
def double(x):
    return 2 * x


@shared_task(bind=True, base=AbortableTask)
def wait(self):
    Path("waiting").touch()
    while not self.is_aborted():
        time.sleep(0.01)
    return "aborted"
""",
    "call.py": """
import project
from celery import chain, current_app
from celery.result import AsyncResult
from project.tasks import add, double

result = add.delay(2, 3)
print(result.get(timeout=60), AsyncResult(result.id).state)
print(chain(add.s(1, 2), double.s())().get(timeout=60), current_app.main)
""",
    "abort.py": """
import project
from project.tasks import wait

result = wait.delay()
print(result.id, flush=True)
input()
result.abort()
print(result.get(timeout=60))
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The directory that the project is in."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_the_command_line_finds_an_application_of_celerys(project: Path) -> None:
    report = run(["-m", "sedano", "-A", "project", "report"], cwd=project)

    assert "application -> project" in report
    assert "queue.db" in report


def test_a_worker_runs_its_tasks(project: Path) -> None:
    worker = Worker(project, "-c", "1")
    try:
        worker.wait_until_ready()
        called = run(["call.py"], cwd=project)
    finally:
        worker.stop()

    assert called.splitlines() == ["5 SUCCESS", "6 project"], worker.text()
    assert "a child of Sedano has begun" in worker.text()
    assert "adding 2 and 3" in worker.text()


def test_a_running_task_is_aborted(project: Path) -> None:
    worker = Worker(project, "-c", "1")
    try:
        worker.wait_until_ready()
        with subprocess.Popen(
            [sys.executable, "abort.py"],
            cwd=project,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as caller:
            wait_until((project / "waiting").exists, what="the task runs")
            answer, _ = caller.communicate("\n", timeout=60)
    finally:
        worker.stop()

    assert answer.splitlines()[-1] == "aborted", worker.text()
