"""What coroutines publish is what the synchronous calls publish, and their event loop goes on meanwhile."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from sedano import Sedano, Task, signals
from sedano.brokers.publication import Publication
from sedano.errors import BrokerUnavailable, InvalidArguments, NotSerializable
from sedano.tasks.batches import MOST_MESSAGES
from sedano.tasks.request import Context
from tests.unit.async_api.loop_lag import loop_lag

Add = Task[[int, int], int]


@pytest.fixture
def add(app: Sedano) -> Add:
    @app.task(name="proj.add")
    def add(x: int, y: int) -> int:
        return x + y

    return add


def ready(app: Sedano) -> int:
    return len(app.broker.admin.peek("celery", limit=10_000))


def test_a_call_is_published(app: Sedano, add: Add) -> None:
    result = asyncio.run(add.adelay(1, 2))

    stored = app.broker.admin.find(result.id)
    assert stored is not None
    assert stored.task == "proj.add"


def test_options_are_those_of_apply_async(app: Sedano, add: Add) -> None:
    result = asyncio.run(add.aapply_async((1,), {"y": 2}, queue="maths", task_id="mine", ignore_result=True))

    stored = app.broker.admin.find("mine")
    assert stored is not None
    assert (stored.queue, result.id, result.ignored) == ("maths", "mine", True)


def test_a_call_by_name_is_published(app: Sedano) -> None:
    result = asyncio.run(app.asend_task("other.task", (1,), queue="theirs"))

    stored = app.broker.admin.find(result.id)
    assert stored is not None
    assert (stored.task, stored.queue) == ("other.task", "theirs")


def test_what_is_wrong_with_a_call_is_raised_before_anything_is_published(app: Sedano, add: Add) -> None:
    with pytest.raises(InvalidArguments):
        asyncio.run(add.adelay(1))  # type: ignore[call-arg]
    with pytest.raises(NotSerializable):
        asyncio.run(add.adelay(1, object()))  # type: ignore[arg-type]

    assert ready(app) == 0


def test_many_calls_are_published(app: Sedano, add: Add) -> None:
    results = asyncio.run(add.apublish_many((n, n) for n in range(2 * MOST_MESSAGES + 1)))

    assert ready(app) == len({result.id for result in results}) == 2 * MOST_MESSAGES + 1


def test_many_calls_may_come_from_an_asynchronous_generator(app: Sedano, add: Add) -> None:
    async def rows() -> AsyncIterator[tuple[int, int]]:
        for number in range(3):
            await asyncio.sleep(0)
            yield number, number

    async def main() -> list[Any]:
        return await add.apublish_many(rows(), queue="celery")

    assert len(asyncio.run(main())) == ready(app) == 3


def test_what_went_before_a_failure_is_told(app: Sedano, add: Add) -> None:
    def calls() -> Iterator[tuple[Any, ...]]:
        yield from ((n, n) for n in range(MOST_MESSAGES))
        yield ("one argument",)

    with pytest.raises(InvalidArguments) as caught:
        asyncio.run(add.apublish_many(calls()))

    assert len(caught.value.published) == ready(app) == MOST_MESSAGES
    assert any("call number 501" in note for note in caught.value.__notes__)


def test_calls_are_published_in_their_order(app: Sedano, add: Add) -> None:
    async def main() -> list[str]:
        return [(await add.adelay(n, n)).id for n in range(5)]

    ids = asyncio.run(main())

    assert [message.task_id for message in app.broker.admin.peek("celery")] == ids


def test_a_class_of_the_users_has_the_last_word_on_its_calls(app: Sedano) -> None:
    class Tenanted(Task[..., Any]):
        def apply_async(self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **o: Any) -> Any:
            return super().apply_async(args, kwargs, **{**o, "queue": "acme"})

    @app.task(base=Tenanted)
    def ping() -> None: ...

    result = asyncio.run(ping.adelay())

    stored = app.broker.admin.find(result.id)
    assert stored is not None
    assert stored.queue == "acme"


def test_a_published_call_is_a_child_of_the_task_that_runs_here(add: Add, running: Context) -> None:
    result = asyncio.run(add.adelay(1, 2))

    assert running.children == [result]


def test_a_call_that_was_not_published_is_no_child(
    app: Sedano, add: Add, running: Context, away: Callable[[int], list[Sequence[Publication]]]
) -> None:
    away(99)

    with pytest.raises(BrokerUnavailable):
        asyncio.run(add.aapply_async((1, 2), retry=False))

    assert running.children == []


@pytest.fixture
def away(app: Sedano, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[Sequence[Publication]]]:
    """Make the broker fail so many times; what it took after that. It is asked in a thread."""

    def make(failures: int) -> list[Sequence[Publication]]:
        taken: list[Sequence[Publication]] = []
        left = [BrokerUnavailable("test", f"{number} to go") for number in range(failures)]

        def publish(publications: Sequence[Publication]) -> None:
            if left:
                raise left.pop()
            taken.append(publications)

        monkeypatch.setattr(app.broker, "publish", publish)
        monkeypatch.setattr(app.broker, "async_publishing", None, raising=False)
        return taken

    return make


def test_publishing_is_tried_again_when_the_broker_is_away(
    add: Add, away: Callable[[int], list[Sequence[Publication]]]
) -> None:
    taken = away(2)

    asyncio.run(add.adelay(1, 2))

    assert len(taken) == 1


def test_a_call_may_forbid_trying_again(add: Add, away: Callable[[int], list[Sequence[Publication]]]) -> None:
    taken = away(1)

    with pytest.raises(BrokerUnavailable):
        asyncio.run(add.aapply_async((1, 2), retry=False))

    assert taken == []


def test_a_broker_that_knows_no_coroutines_is_used_in_a_thread(
    app: Sedano, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    threads: list[str] = []

    def publish(publications: Sequence[Publication]) -> None:
        threads.append(threading.current_thread().name)
        assert answers.wait(20)

    monkeypatch.setattr(app.broker, "publish", publish)
    monkeypatch.setattr(app.broker, "async_publishing", None, raising=False)

    async def main() -> None:
        publishing = [asyncio.create_task(add.adelay(n, n)) for n in range(20)]
        await asyncio.sleep(0)
        answers.set()  # the loop goes on
        await asyncio.gather(*publishing)

    asyncio.run(main())

    assert len(threads) == 20
    assert len(set(threads)) <= 8
    assert all(name.startswith("sedano-async") for name in threads)


def test_the_loop_goes_on_while_a_database_is_locked(tmp_path: Any) -> None:
    with Sedano("proj", broker=f"sqlite:///{tmp_path}/queue.db", set_as_current=False) as app:

        @app.task
        def ping() -> None: ...

        ping.delay()
        import sqlite3

        other = sqlite3.connect(tmp_path / "queue.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        async def main() -> tuple[float, float]:
            async with loop_lag() as lag:
                began = time.monotonic()
                with pytest.raises(BrokerUnavailable):
                    await ping.aapply_async(retry=False)
                return time.monotonic() - began, lag.longest

        took, lag = asyncio.run(main())
        other.close()

    assert 1.5 < took < 15
    assert lag < 1.5


def test_the_gate_decides_when_messages_are_sent(app: Sedano, add: Add) -> None:
    waiting: list[Callable[[], None]] = []
    app.publisher.gate = waiting.append

    result = asyncio.run(add.adelay(1, 2))
    before = app.broker.admin.find(result.id)
    for send in waiting:
        send()

    assert before is None
    assert app.broker.admin.find(result.id) is not None


def test_a_gate_that_is_open_lets_the_coroutine_send(
    app: Sedano, add: Add, away: Callable[[int], list[Sequence[Publication]]]
) -> None:
    app.publisher.gate = lambda send: send()
    taken = away(1)

    asyncio.run(add.adelay(1, 2))

    assert len(taken) == 1


def test_batches_wait_for_the_gate_too(app: Sedano, add: Add) -> None:
    waiting: list[Callable[[], None]] = []
    app.publisher.gate = waiting.append

    asyncio.run(add.apublish_many((n, n) for n in range(MOST_MESSAGES + 1)))
    before = ready(app)
    for send in waiting:
        send()

    assert (before, len(waiting), ready(app)) == (0, 2, MOST_MESSAGES + 1)


def test_who_listens_hears_of_what_a_coroutine_publishes(app: Sedano, add: Add) -> None:
    heard: list[str] = []

    def after(sender: str, **rest: Any) -> None:
        heard.append(sender)

    signals.after_task_publish.connect(after)
    try:
        asyncio.run(add.adelay(1, 2))
    finally:
        signals.after_task_publish.disconnect(after)

    assert heard == ["proj.add"]


def test_several_loops_publish_at_once(app: Sedano, add: Add) -> None:
    def run() -> None:
        async def main() -> None:
            await asyncio.gather(*(add.adelay(n, n) for n in range(50)))

        asyncio.run(main())

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ready(app) == 200
