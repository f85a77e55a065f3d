"""With exchanges a message goes where Celery sends it, from the same settings and the same call."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import Celery
from celery import signals as celery_signals
from kombu import Exchange, Queue
from kombu.common import Broadcast

import sedano
from sedano import Sedano
from sedano.brokers.publication import Publication
from sedano.errors import NotSupported, QueueNotFound
from sedano.message.task_message import TaskMessage
from sedano.tasks.request import Context, current_request

TOPIC: dict[str, Any] = {
    "task_default_exchange": "tasks",
    "task_default_exchange_type": "topic",
    "task_default_routing_key": "task.default",
    "task_queues": lambda: [Queue("celery", routing_key="task.#"), Queue("feeds", routing_key="feed.#")],
}
MEDIA: dict[str, Any] = {
    "task_queues": lambda: [
        Queue("celery", Exchange("celery"), routing_key="celery"),
        Queue("video", Exchange("media", type="topic"), routing_key="media.video"),
        Queue("images", Exchange("media", type="topic"), routing_key="media.image.#"),
        Queue("audit", Exchange("audit", type="fanout")),
    ]
}
ROUTES: dict[str, Any] = {
    "task_routes": {"proj.add": {"queue": "video", "routing_key": "media.video.short"}},
    **MEDIA,
}

CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({}, {"queue": "mails"}),
    ({}, {"queue": "mails", "routing_key": "whatever"}),
    ({}, {"exchange": "media", "routing_key": "media.video"}),
    ({}, {"exchange": "media", "routing_key": "media.video", "queue": "mails"}),
    ({}, {"exchange": "news", "exchange_type": "fanout"}),
    ({"task_default_queue": "work"}, {}),
    ({"task_default_exchange": "tasks", "task_default_routing_key": "t"}, {}),
    (TOPIC, {}),
    (TOPIC, {"queue": "feeds"}),
    (TOPIC, {"queue": "feeds", "routing_key": "feed.import"}),
    (TOPIC, {"routing_key": "feed.import"}),
    (TOPIC, {"queue": "made"}),
    (MEDIA, {"queue": "video"}),
    (MEDIA, {"queue": "images", "routing_key": "media.image.png"}),
    (MEDIA, {"queue": "audit"}),
    (MEDIA, {"exchange": "media", "routing_key": "media.image.png"}),
    (MEDIA, {"exchange": lambda: Exchange("media", type="topic"), "routing_key": "media.image.png"}),
    (ROUTES, {}),
    (ROUTES, {"routing_key": "media.video.long"}),
    (ROUTES, {"queue": "images"}),
    (ROUTES, {"queue": "celery"}),
    ({"task_routes": {"proj.*": "mails"}}, {}),
    ({"task_routes": {"proj.*": {"exchange": "media", "routing_key": "media.video"}}}, {}),
    ({"task_routes": {"proj.*": {"exchange": "media", "routing_key": "media.video"}}}, {"queue": "mails"}),
    ({"task_create_missing_queue_exchange_type": "topic"}, {"queue": "made"}),
    ({"task_queues": lambda: [Broadcast("news")]}, {"queue": "news"}),
    ({"task_queues": lambda: [Broadcast("news")], "task_routes": {"proj.add": {"queue": "news"}}}, {}),
]


def fresh(settings: dict[str, Any]) -> dict[str, Any]:
    """Celery writes into the objects it is given: each side gets its own."""
    return {key: value() if callable(value) else value for key, value in settings.items()}


def published(settings: dict[str, Any], **options: Any) -> Publication:
    app = Sedano("proj", broker="amqp://guest@localhost//", set_as_current=False, changes=fresh(settings))
    with app.publisher.collect() as publications:
        app.send_task("proj.add", (1, 2), **options)
    return publications[0]


@contextmanager
def heard() -> Iterator[list[tuple[str, str]]]:
    found: list[tuple[str, str]] = []

    def hear(exchange: Any, routing_key: str, **_: Any) -> None:
        found.append((getattr(exchange, "name", exchange), routing_key))

    celery_signals.before_task_publish.connect(hear)
    try:
        yield found
    finally:
        celery_signals.before_task_publish.disconnect(hear)


def celery_publishes(settings: dict[str, Any], **options: Any) -> tuple[str, str]:
    app = Celery("proj", broker="memory://", set_as_current=False)
    app.conf.update(fresh(settings))
    with heard() as found:
        app.send_task("proj.add", (1, 2), **options)
    exchange, routing_key = found[0]
    return exchange, routing_key or ""


@pytest.mark.parametrize(("settings", "options"), CASES)
def test_a_call_goes_where_celery_sends_it(settings: dict[str, Any], options: dict[str, Any]) -> None:
    ours = published(settings, **fresh(options))

    assert (ours.exchange, ours.routing_key or ours.queue) == celery_publishes(settings, **fresh(options))


def test_a_message_for_a_queue_names_the_queue_as_well() -> None:
    assert published(MEDIA, queue="video").queue == "video"
    assert published(MEDIA, exchange="media", routing_key="media.image.png").queue == ""


def test_nobody_declares_the_broadcast_queue_of_a_process_that_only_publishes() -> None:
    sent = published({"task_queues": [sedano.Broadcast("news")]}, queue="news")

    assert (sent.queue, sent.exchange) == ("", "news")


def test_a_queue_object_may_say_where_a_call_goes() -> None:
    video = sedano.Queue("video", sedano.Exchange("media", type="topic"), routing_key="media.video")

    by_name = published({}, queue=sedano.Queue("mails"))
    by_exchange = published({}, queue=video)

    assert (by_name.queue, by_name.exchange) == ("mails", "")
    assert (by_exchange.queue, by_exchange.exchange, by_exchange.routing_key) == (
        "video",
        "media",
        "media.video",
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"routing_key": "mails"}, "routing_key: 'mails' alone says nothing to a direct exchange"),
        ({"exchange": "media"}, "exchange: 'media' alone does not say which queue"),
    ],
)
def test_what_celery_would_send_to_the_default_queue_all_the_same_is_refused(
    options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(NotSupported, match=complaint):
        published({}, **options)
    assert celery_publishes({}, **options) == ("", "celery")


def test_a_known_exchange_needs_no_type() -> None:
    assert published(MEDIA, exchange="audit").exchange == "audit"


def test_an_exchange_and_a_queue_of_it_mean_that_queues_routing_key() -> None:
    sent = published(MEDIA, exchange="media", queue="video")

    assert (sent.exchange, sent.routing_key) == ("media", "media.video")


def test_a_queue_that_may_not_be_made_is_an_error() -> None:
    with pytest.raises(QueueNotFound, match="'mails' is not in task_queues"):
        published({"task_create_missing_queues": False}, queue="mails")


def test_messages_are_as_durable_as_their_exchange_says() -> None:
    settings = {"task_queues": [Queue("q", Exchange("q", delivery_mode="transient"), routing_key="q")]}

    assert published(settings, queue="q").envelope.delivery_mode == 1
    assert published(settings, queue="q", delivery_mode=2).envelope.delivery_mode == 2
    assert published(settings).envelope.delivery_mode == 2


def test_a_retry_goes_straight_to_the_queue_that_the_attempt_came_from() -> None:
    app = Sedano("proj", broker="amqp://guest@localhost//", set_as_current=False, changes=fresh(MEDIA))

    @app.task(bind=True)
    def watch(self: Any) -> None: ...

    message = TaskMessage(id="1", task=watch.name, args=(), kwargs={})
    request = Context.from_message(
        message, watch, queue="audit", exchange="audit", routing_key="celery", priority=0
    )
    token = current_request.set(request)
    try:
        for options in ({}, {"queue": "audit"}, {"queue": "video"}):
            watch.retry(throw=False, countdown=1, **options)
    finally:
        current_request.reset(token)
    straight, named, elsewhere = request.follow_ups

    assert (straight.queue, straight.exchange) == ("audit", "")
    assert (named.queue, named.exchange) == ("audit", "")
    assert (elsewhere.queue, elsewhere.exchange, elsewhere.routing_key) == ("video", "media", "media.video")


def test_those_who_listen_hear_the_exchange() -> None:
    heard: list[tuple[str, str]] = []

    @sedano.signals.before_task_publish.connect(weak=False)
    def hear(exchange: str, routing_key: str, **_: Any) -> None:
        heard.append((exchange, routing_key))

    try:
        published(MEDIA, queue="video")
        published(MEDIA)
    finally:
        sedano.signals.before_task_publish.disconnect(hear)

    assert heard == [("media", "media.video"), ("", "celery")]
