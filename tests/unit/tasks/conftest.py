"""An application that publishes into memory, with a clock that stands still."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sedano import Sedano, Task
from sedano.brokers.admin import StoredMessage
from sedano.message.decoding import decode
from sedano.message.task_message import TaskMessage
from sedano.testing.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def app(clock: ManualClock) -> Iterator[Sedano]:
    with Sedano("proj", broker="memory://", set_as_current=False, clock=clock) as app:
        yield app


@pytest.fixture
def add(app: Sedano) -> Task[[int, int], int]:
    @app.task(name="proj.add")
    def add(x: int, y: int = 0) -> int:
        return x + y

    return add


@pytest.fixture
def messages(app: Sedano) -> Callable[..., list[TaskMessage]]:
    """What waits in a queue, decoded."""

    def decoded(queue: str = "celery") -> list[TaskMessage]:
        stored = app.broker.admin.peek(queue)
        return [decode(message.envelope, accept={"json", "pickle", "yaml"}) for message in stored]

    return decoded


@pytest.fixture
def stored(app: Sedano) -> Callable[..., list[StoredMessage]]:
    """What waits in a queue, as the broker shows it."""

    def waiting(queue: str = "celery") -> list[Any]:
        return app.broker.admin.peek(queue)

    return waiting
