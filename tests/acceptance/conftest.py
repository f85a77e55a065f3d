"""Fixtures of the acceptance tests: a directory with the project in it, its journal, and its workers."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.acceptance.workers import Journal, Worker

collect_ignore = ["project.py"]


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the project in it, as somebody's checkout."""
    shutil.copy(Path(__file__).with_name("project.py"), tmp_path)
    monkeypatch.setenv("JOURNAL", str(tmp_path / "journal"))
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def journal(directory: Path) -> Journal:
    return Journal(directory / "journal")


@pytest.fixture
def project(directory: Path) -> Iterator[ModuleType]:
    """The project, imported here as a web process would."""
    import project

    yield project
    project.app.close()
    sys.modules.pop("project", None)


@pytest.fixture
def start_worker(directory: Path) -> Iterator[Callable[..., Worker]]:
    """Starts workers; those still there at the end are ended."""
    workers: list[Worker] = []

    def start(*options: str, **env: str) -> Worker:
        worker = Worker(directory, *options, env=env)
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.kill()
