"""Fixtures of the acceptance tests: a directory with the project in it, its journal, and its workers."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from redis import Redis

from tests.acceptance.workers import Journal, Worker
from tests.servers.key_owners import leaks

collect_ignore = ["project.py"]


@pytest.fixture
def broker_url(tmp_path: Path) -> str:
    """The broker of the project, and its result store. Test modules about another broker say another one."""
    return f"sqlite:///{tmp_path}/queue.db"


@pytest.fixture(autouse=True)
def no_key_is_left_behind(broker_url: str) -> Iterator[None]:
    """Whatever a test does to a Redis, no key stays there that has neither an end nor an owner."""
    yield
    if broker_url.startswith("redis:"):
        with Redis.from_url(broker_url) as client:
            assert leaks(client) == []


@pytest.fixture
def directory(tmp_path: Path, broker_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the project in it, as somebody's checkout."""
    shutil.copy(Path(__file__).with_name("project.py"), tmp_path)
    monkeypatch.setenv("JOURNAL", str(tmp_path / "journal"))
    monkeypatch.setenv("PROJECT_BROKER", broker_url)
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
