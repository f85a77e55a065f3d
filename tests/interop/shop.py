"""One set of tasks under two libraries: the same names, the same functions, Celery's application or ours.

Imported by the tests and, through ``celery_shop`` and ``sedano_shop``, by the workers they start.
"""

import os
import time
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final

import kombu
from celery import Celery
from kombu.common import Broadcast

import sedano
from sedano import Sedano

#: What both libraries are told; each reads it as its own.
SETTINGS: Final = {
    "accept_content": ["json", "yaml", "msgpack"],
    "result_extended": True,
    "broker_connection_retry_on_startup": True,
    "worker_prefetch_multiplier": 1,
}

#: Where a task notes what it does.
JOURNAL: Final = "SHOP_JOURNAL"


class OutOfStock(Exception):
    """An error of the user's own, with data in it."""

    def __init__(self, item: str, missing: int) -> None:
        super().__init__(item, missing)
        self.item = item
        self.missing = missing


#: Name, exchange, type of the exchange (or ``broadcast``: then the name is all), routing key, arguments.
QueueSpec = tuple[str, str, str, str, dict[str, Any]]


def celery_app(url: str, backend: str, *, queues: Sequence[QueueSpec] = (), **settings: Any) -> Celery:
    """The shop as a Celery application."""
    app = Celery("shop", broker=url, backend=backend, set_as_current=False)
    app.conf.update(SETTINGS, **settings)
    if queues:
        app.conf.task_queues = _queues(kombu, queues)
    _declare(app, shared=False)
    app.finalize()
    return app


def sedano_app(url: str, backend: str, *, queues: Sequence[QueueSpec] = (), **settings: Any) -> Sedano:
    """The shop as an application of ours."""
    app = Sedano("shop", broker=url, backend=backend, set_as_current=False)
    # How long a call may take is not what these tests are about.
    app.conf.update({"broker_publish_timeout": 20.0, **SETTINGS, **settings})
    if queues:
        app.conf.task_queues = _queues(sedano, queues)
    _declare(app)
    return app


def _queues(library: ModuleType, queues: Sequence[QueueSpec]) -> list[Any]:
    """What ``task_queues`` is set to, made of this library's objects."""
    made = []
    for name, exchange, kind, routing_key, arguments in queues:
        if kind == "broadcast":
            made.append((Broadcast if library is kombu else sedano.Broadcast)(name))
        else:
            exchange_made = library.Exchange(exchange, type=kind)
            made.append(
                library.Queue(name, exchange_made, routing_key=routing_key, queue_arguments=arguments)
            )
    return made


def note(word: str, key: object) -> None:
    """Append one line to the journal, in one write."""
    line = f"{word} {key} {os.getpid()} {time.time():.6f}\n".encode()
    descriptor = os.open(os.environ[JOURNAL], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def _declare(app: Any, **options: Any) -> None:
    @app.task(name="shop.add", **options)
    def add(x: int, y: int) -> int:
        return x + y

    @app.task(name="shop.echo", **options)
    def echo(value: Any) -> Any:
        return value

    @app.task(name="shop.work", **options)
    def work(key: str, seconds: float = 0.0) -> str:
        note("start", key)
        time.sleep(seconds)
        note("done", key)
        return key

    @app.task(name="shop.take", **options)
    def take(item: str, missing: int) -> None:
        raise OutOfStock(item, missing)

    @app.task(name="shop.look_up", **options)
    def look_up(item: str) -> int:
        return {"apples": 1}[item]

    @app.task(name="shop.try_again", bind=True, max_retries=3, **options)
    def try_again(
        self: Any, key: str, successes_after: int, queue: str | None = None, seconds: float = 0.4
    ) -> int:
        # Celery publishes the next attempt and then stores the state RETRY, even over that attempt's result:
        # there has to be time between the two.
        note("start", key)
        if self.request.retries < successes_after:
            moved = {"queue": queue} if queue else {}
            raise self.retry(countdown=seconds, exc=OutOfStock(key, self.request.retries), **moved)
        return self.request.retries

    @app.task(name="shop.describe", bind=True, **options)
    def describe(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        request = self.request
        return {
            "id": request.id,
            "root_id": request.root_id,
            "parent_id": request.parent_id,
            "retries": request.retries,
            "correlation_id": request.correlation_id,
            "reply_to": request.reply_to,
            "queue": request.delivery_info["routing_key"],
            "priority": request.delivery_info["priority"],
            "argsrepr": request.argsrepr,
            "kwargsrepr": request.kwargsrepr,
            "shadow": request.shadow,
            "timelimit": list(request.timelimit),
            "colour": request.headers.get("colour") if request.headers else None,
            "pid": os.getpid(),
        }

    @app.task(name="shop.count_up", bind=True, **options)
    def count_up(self: Any, released: str) -> str:
        self.update_state(state="PROGRESS", meta={"current": 1, "total": 2})
        while not os.path.exists(released):  # noqa: PTH110
            time.sleep(0.01)
        return "finished"

    @app.task(name="shop.hold", track_started=True, **options)
    def hold(released: str) -> str:
        while not os.path.exists(released):  # noqa: PTH110
            time.sleep(0.01)
        return "released"

    @app.task(name="shop.total", **options)
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @app.task(name="shop.blame", **options)
    def blame(key: str) -> None:
        note("blame", key)

    @app.task(name="shop.fail_at_times", **options)
    def fail_at_times(key: str, fails: bool) -> int:
        note("start", key)
        if fails:
            raise OutOfStock(key, 1)
        return 1

    @app.task(name="shop.replace", bind=True, **options)
    def replace(self: Any, x: int, queue: str) -> None:
        raise self.replace(app.tasks["shop.add"].s(x, 100).set(queue=queue))

    @app.task(name="shop.join_in", bind=True, **options)
    def join_in(self: Any, x: int, queue: str) -> int:
        self.add_to_chord(app.tasks["shop.add"].s(x, 1000).set(queue=queue))
        return x

    @app.task(name="shop.order", **options)
    def order(queue: str) -> str:
        return str(app.tasks["shop.describe"].apply_async(queue=queue).id)

    @app.task(name="shop.dawdle", **options)
    def dawdle(key: str) -> None:
        note("start", key)
        time.sleep(600)
