"""An application on each broker that needs no server, for tests of what coroutines do with it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sedano import Sedano, Task
from sedano.results import celery_meta
from sedano.results.task_meta import TaskMeta
from sedano.tasks.request import Context, current_request

#: When everything here has finished.
NOW = datetime(2026, 1, 1, tzinfo=UTC)

Store = Callable[..., None]


@pytest.fixture(params=["memory", "sqlite"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sedano]:
    urls = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/queue.db"}
    with Sedano("proj", broker=urls[request.param]) as app:
        yield app


@pytest.fixture
def store(app: Sedano) -> Store:
    """Store results, as a worker does."""

    def put(*metas: TaskMeta) -> None:
        now = app.clock.timestamp()
        assert app.results is not None
        app.results.put([celery_meta.to_write(meta, app.settings.results, now=now) for meta in metas])

    return put


@pytest.fixture
def running(add: Task[..., int]) -> Iterator[Context]:
    """The request of a task that a worker runs here."""
    request = Context(id="parent", root_id="root", task_object=add, called_directly=False)
    token = current_request.set(request)
    yield request
    current_request.reset(token)
