"""Results as messages: what one process sends, the one that asked hears. With a real RabbitMQ, and Celery."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery

from sedano import Sedano, chain, chord, group, ids, states
from sedano.clock import SystemClock
from sedano.errors import BrokerUnavailable, NotSupported, ResultStoreUnavailable, TaskTimeout
from sedano.results import celery_meta
from sedano.results.opening import open_result_store
from sedano.results.result_write import ResultWrite
from sedano.results.rpc.inbox import MOST_KEPT, Inbox
from sedano.results.rpc.store import RpcResultStore
from sedano.results.task_meta import TaskMeta
from sedano.settings.sections import ResultSettings
from sedano.settings.wiring import Wiring
from sedano.testing.worker_thread import start_worker
from tests.servers.rabbitmq_server import RabbitServer

ASKER = "0f1e2d3c-asker"


@pytest.fixture
def open_store(amqp_url: str) -> Iterator[Callable[..., RpcResultStore]]:
    opened: list[RpcResultStore] = []

    def open_one(**wiring: Any) -> RpcResultStore:
        store = open_result_store(f"rpc+{amqp_url}", timeout=timedelta(seconds=5), wiring=Wiring(**wiring))
        assert isinstance(store, RpcResultStore)
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[..., RpcResultStore]) -> RpcResultStore:
    return open_store()


@pytest.fixture
def worker(open_store: Callable[..., RpcResultStore], monkeypatch: pytest.MonkeyPatch) -> RpcResultStore:
    """Another process's store: its address is another."""
    worker = open_store()
    monkeypatch.setattr(type(worker), "address", property(lambda self: address_of(self is worker)))
    return worker


def address_of(is_worker: bool) -> str:
    return "the-worker" if is_worker else ids.reply_address()


def write(task_id: str, value: Any, *, state: str = states.SUCCESS, to: str | None = None) -> ResultWrite:
    meta = TaskMeta.succeeded(task_id, value, finished_at=SystemClock().now())
    if state != states.SUCCESS:
        meta = TaskMeta.custom(task_id, state, value)
    return celery_meta.to_write(
        meta, ResultSettings(), now=time.time(), reply_to=to or ids.reply_address(), correlation_id=task_id
    )


def waited_for(store: RpcResultStore, task_id: str, state: str = states.SUCCESS) -> Any:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        document = store.get(task_id)
        if document is not None and json.loads(document)["status"] == state:
            return json.loads(document)["result"]
        store.wait([task_id], 1.0)
    raise AssertionError(f"{task_id} has not come")


def test_a_reply_reaches_the_process_that_asked(store: RpcResultStore, worker: RpcResultStore) -> None:
    store.listen()

    worker.put([write("a", {"ñ": [1, None]}), write("b", 2)])

    assert waited_for(store, "a") == {"ñ": [1, None]}
    assert waited_for(store, "b") == 2
    assert worker.get("a") is None


def test_a_wait_is_woken_by_the_reply(store: RpcResultStore, worker: RpcResultStore) -> None:
    store.listen()
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(waited_for, store, "a")
        worker.put([write("other", 1)])
        worker.put([write("a", "here")])

        assert found.result(20) == "here"


def test_coroutines_are_woken_by_the_reply(amqp_url: str, worker: RpcResultStore) -> None:
    with Sedano("proj", broker=amqp_url, backend="rpc://", set_as_current=False) as app:
        store = app.results
        assert isinstance(store, RpcResultStore)
        store.listen()

        async def wait() -> Any:
            waiting = asyncio.gather(*(app.AsyncResult(name).aget(timeout=20) for name in ("a", "b")))
            await asyncio.to_thread(worker.put, [write("a", 1), write("b", 2)])
            return await waiting

        assert asyncio.run(wait()) == [1, 2]


def test_replies_that_come_before_anybody_waits_are_kept(
    store: RpcResultStore, worker: RpcResultStore
) -> None:
    store.listen()
    worker.put([write("a", 1), write("last", 2)])
    waited_for(store, "last")

    store._seen = threading.local()

    assert waited_for(store, "a") == 1


def test_what_comes_while_nobody_is_connected_waits_in_the_queue(
    rabbitmq: RabbitServer, store: RpcResultStore, worker: RpcResultStore
) -> None:
    store.listen()
    rabbitmq.close_connections()

    worker.put([write("a", 1)])

    assert waited_for(store, "a") == 1


def test_a_reply_to_somebody_who_is_gone_is_no_error(store: RpcResultStore) -> None:
    store.put([write("a", 1, to="gone"), write("b", 2, to="gone")])


def test_a_result_that_nobody_asked_for_is_dropped(store: RpcResultStore) -> None:
    store.put([ResultWrite("a", states.SUCCESS, b"{}")])

    assert store.get("a") is None


def test_the_queue_is_gone_with_its_process(
    rabbitmq: RabbitServer, amqp_url: str, store: RpcResultStore
) -> None:
    store.listen()
    assert ids.reply_address() in rabbitmq.queues(amqp_url)

    store.close()

    assert ids.reply_address() not in rabbitmq.queues(amqp_url)


def test_states_follow_each_other_and_a_success_is_final(
    store: RpcResultStore, worker: RpcResultStore
) -> None:
    store.listen()

    worker.put([write("a", {"done": 1}, state="PROGRESS")])
    assert waited_for(store, "a", "PROGRESS") == {"done": 1}
    worker.put([write("a", 3), write("a", None, state=states.STARTED), write("last", 0)])
    waited_for(store, "last")

    assert waited_for(store, "a") == 3


def test_what_is_forgotten_is_gone(store: RpcResultStore, worker: RpcResultStore) -> None:
    store.listen()
    worker.put([write("a", 1)])
    waited_for(store, "a")

    store.forget("a")

    assert store.get("a") is None


def test_without_a_server_listening_and_sending_fail_in_time(amqp_url: str) -> None:
    store = open_result_store("rpc+amqp://127.0.0.1:1//", timeout=timedelta(seconds=1))
    assert isinstance(store, RpcResultStore)
    began = time.monotonic()

    with pytest.raises(BrokerUnavailable):
        store.listen()
    with pytest.raises(ResultStoreUnavailable):
        store.put([write("a", 1, to="somebody")])

    assert time.monotonic() - began < 15
    store.close()


# -- from call to result


@pytest.fixture
def shop(amqp_url: str) -> Iterator[Sedano]:
    """Its tasks, and somebody who runs them."""
    with Sedano("shop", broker=amqp_url, backend="rpc://", set_as_current=False) as app:

        @app.task(name="shop.add")
        def add(x: int, y: int) -> int:
            return x + y

        @app.task(name="shop.fail")
        def fail() -> None:
            raise ValueError("spam")

        @app.task(name="shop.become_add", bind=True)
        def become_add(self: Any, x: int) -> None:
            raise self.replace(add.s(x, 1))

        with start_worker(app):
            yield app


def test_whoever_calls_gets_the_result(shop: Sedano) -> None:
    add, fail, become_add = (shop.tasks[f"shop.{name}"] for name in ("add", "fail", "become_add"))

    assert add.delay(1, 2).get(timeout=20) == 3
    assert become_add.delay(1).get(timeout=20) == 2
    assert chain(add.s(1, 2), add.s(3), app=shop).apply_async().get(timeout=20) == 6
    assert group([add.s(1, n) for n in range(3)], app=shop).apply_async().get(timeout=20) == [1, 2, 3]
    assert add.apply_async((1, 1), link=add.s(5)).get(timeout=20) == 2
    with pytest.raises(ValueError, match="spam"):
        fail.delay().get(timeout=20)


def test_all_applications_of_a_process_hear_what_is_theirs(amqp_url: str, shop: Sedano) -> None:
    add = shop.tasks["shop.add"]
    with Sedano("other", broker=amqp_url, backend="rpc://", set_as_current=False) as other:
        results = [
            one
            for number in range(10)
            for one in (add.delay(number, 0), other.send_task("shop.add", (number, 0)))
        ]

        assert [one.get(timeout=20) for one in results] == [n for n in range(10) for _ in range(2)]
    assert add.delay(1, 2).get(timeout=20) == 3


def test_an_application_that_was_closed_hears_again(
    rabbitmq: RabbitServer, amqp_url: str, shop: Sedano
) -> None:
    caller = Sedano("caller", broker=amqp_url, backend="rpc://", set_as_current=False)
    for number in range(3):
        assert caller.send_task("shop.add", (number, 1)).get(timeout=20) == number + 1
        caller.close()
        assert ids.reply_address() not in rabbitmq.queues(amqp_url)


def test_results_of_callbacks_come_as_well(shop: Sedano) -> None:
    add = shop.tasks["shop.add"]

    first = add.apply_async((1, 1), link=add.s(5))

    assert first.get(timeout=20) == 2
    assert [child.get(timeout=20) for child in first.children or ()] == [7]


def test_a_program_that_ignores_results_has_no_queue(
    rabbitmq: RabbitServer, amqp_url: str, shop: Sedano
) -> None:
    shop.tasks["shop.add"].apply_async((1, 2), ignore_result=True)

    assert ids.reply_address() not in rabbitmq.queues(amqp_url)


def test_a_chord_is_refused_before_anything_is_sent(shop: Sedano) -> None:
    add = shop.tasks["shop.add"]

    with pytest.raises(NotSupported, match=r"chord.*redis://"):
        chord([add.s(1, 2), add.s(3, 4)], add.s(1), app=shop).apply_async()


# -- with Celery


@pytest.fixture
def celery(amqp_url: str) -> Iterator[Celery]:
    app = Celery("proj", broker=amqp_url, backend="rpc://", set_as_current=False)
    yield app
    app.close()


def test_celery_reads_what_we_send(
    celery: Celery, store: RpcResultStore, request: pytest.FixtureRequest
) -> None:
    asked = celery.AsyncResult("a")
    celery.backend.result_consumer.start("a")
    request.addfinalizer(celery.backend.result_consumer.stop)

    store.put([write("a", [1, {"x": "ñ"}], to=celery.thread_oid)])

    assert asked.get(timeout=20) == [1, {"x": "ñ"}]
    assert asked.state == states.SUCCESS


def test_we_read_what_celery_sends(celery: Celery, store: RpcResultStore) -> None:
    class Request:
        reply_to = ids.reply_address()
        correlation_id = "a"
        delivery_info = {"routing_key": "celery"}
        group = parent_id = None
        children: list[Any] = []

    store.listen()

    celery.backend.store_result("a", {"done": 1}, "PROGRESS", request=Request())
    assert waited_for(store, "a", "PROGRESS") == {"done": 1}
    celery.backend.store_result("a", [3], states.SUCCESS, request=Request())
    assert waited_for(store, "a") == [3]


# -- what it cannot do


def test_chords_and_saved_groups_are_refused_with_what_to_use_instead(amqp_url: str) -> None:
    with Sedano("proj", broker=amqp_url, backend="rpc://", set_as_current=False) as app:
        assert app.results is not None
        with pytest.raises(NotSupported, match=r"rpc:// cannot count the members of a chord.*redis://"):
            app.results.groups.begin_chord("g", 2, expires_at=None)
        with pytest.raises(NotSupported, match=r"rpc:// keeps no groups.*redis://"):
            app.results.groups.get("g")


def test_others_results_are_pending(amqp_url: str) -> None:
    with Sedano("proj", broker=amqp_url, backend="rpc://", set_as_current=False) as app:
        result = app.AsyncResult("somebody-elses")

        assert result.state == states.PENDING
        with pytest.raises(TaskTimeout):
            result.get(timeout=0.01)


# -- the inbox


def test_the_inbox_keeps_what_is_waited_for_and_the_newest_of_the_rest() -> None:
    inbox = Inbox(keep_for=None)
    for number in range(MOST_KEPT + 5):
        inbox.put(str(number), b"{}")

    assert inbox.get_many(["0", "4"]) == {}
    assert len(inbox.get_many(map(str, range(MOST_KEPT + 5)))) == MOST_KEPT


def test_the_inbox_forgets_what_is_too_old() -> None:
    inbox = Inbox(keep_for=0.0)

    inbox.put("a", b"{}")

    assert inbox.get_many(["a"]) == {}
