"""What an application's calls cost on a real Redis, and what becomes of them when it goes away meanwhile."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sedano import Sedano, Task, chord, group
from sedano.errors import BrokerUnavailable
from tests.servers.redis_server import RedisServer

Add = Task[[int, int], int]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def app(server: RedisServer) -> Iterator[Sedano]:
    with Sedano("proj", broker=server.url, backend=server.url, set_as_current=False) as app:
        yield app


@pytest.fixture
def add(app: Sedano) -> Add:
    @app.task(name="proj.add")
    def add(x: int, y: int) -> int:
        return x + y

    return add


@pytest.fixture
def commands(server: RedisServer, add: Add) -> Callable[[], dict[str, int]]:
    """How often each command was run since the test began."""
    add.delay(1, 2)  # a queue is noted when it is first used
    server.client.config_resetstat()

    def count() -> dict[str, int]:
        statistics = server.client.info("commandstats")
        own = "cmdstat_config|resetstat", "cmdstat_info"
        calls = {name: entry["calls"] for name, entry in statistics.items() if name not in own}
        return {name.removeprefix("cmdstat_"): number for name, number in calls.items()}

    return count


def test_a_thousand_calls_are_two_round_trips(
    app: Sedano, add: Add, commands: Callable[[], dict[str, int]]
) -> None:
    results = add.publish_many((number, number) for number in range(1000))

    assert commands() == {"lpush": 2}
    assert app.broker.admin.depth("celery").ready == 1 + len(results) == 1001


def test_a_group_of_a_thousand_is_two_round_trips(
    app: Sedano, add: Add, commands: Callable[[], dict[str, int]]
) -> None:
    group(add.s(number, number) for number in range(1000)).apply_async()

    assert commands() == {"lpush": 2}
    assert app.broker.admin.depth("celery").ready == 1001


def test_a_chord_of_a_thousand_is_two_round_trips_and_one_that_begins_it(
    app: Sedano, add: Add, commands: Callable[[], dict[str, int]]
) -> None:
    chord((add.s(number, number) for number in range(1000)), add.s(1)).apply_async()

    assert commands() == {"multi": 1, "del": 1, "set": 1, "exec": 1, "lpush": 2}
    assert app.broker.admin.depth("celery").ready == 1001


def test_a_server_that_goes_away_between_two_batches_has_the_first(
    server: RedisServer, app: Sedano, add: Add
) -> None:
    def calls() -> Iterator[tuple[int, int]]:
        for number in range(1200):
            if number == 700:
                taken.extend(message.task_id for message in app.broker.admin.peek("celery", limit=1000))
                server.kill()
            yield number, number

    taken: list[str] = []
    with pytest.raises(BrokerUnavailable) as caught:
        add.publish_many(calls())

    assert caught.value.published == tuple(taken)
    assert len(taken) == 500
    assert caught.value.__notes__ == ["Published before this: 500 calls."]
