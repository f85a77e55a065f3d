"""An application's queues are those that Celery would declare from the same settings."""

from typing import Any

import pytest
from celery import Celery
from kombu import Exchange, Queue, binding
from kombu.common import Broadcast

from sedano.errors import ConfigurationError, QueueNotFound
from sedano.queues.definition import QueueDefinition
from sedano.queues.queue_table import QueueTable
from sedano.settings.conf import Conf
from sedano.settings.wiring import Wiring

URL = "amqp://guest@localhost//"


def table(**settings: Any) -> QueueTable:
    return QueueTable(Wiring.from_settings(Conf({"broker_url": URL, **settings}, environ={}).settings).queues)


def as_celery_declares(queue: Queue) -> dict[str, Any]:
    """What goes over the wire, as kombu's pyamqp transport sends it."""
    from kombu.transport.pyamqp import Channel

    limits = ("expires", "message_ttl", "max_length", "max_length_bytes", "max_priority")
    given = {name: getattr(queue, name) for name in limits}
    return {
        "name": queue.name,
        "exchange": (queue.exchange.name, queue.exchange.type, queue.exchange.durable),
        "routing_key": queue.routing_key,
        "durable": queue.durable,
        "bindings": sorted((each.exchange.name, each.routing_key) for each in queue.bindings),
        "arguments": Channel.prepare_queue_arguments(None, queue.queue_arguments or {}, **given),
    }


def as_we_declare(queue: QueueDefinition) -> dict[str, Any]:
    return {
        "name": queue.name,
        "exchange": (queue.exchange.name, queue.exchange.type, queue.exchange.durable),
        "routing_key": queue.routing_key,
        "durable": queue.durable,
        "bindings": sorted((each.exchange.name, each.routing_key) for each in queue.bindings),
        "arguments": dict(queue.arguments),
    }


MEDIA = Exchange("media", type="topic")
SETTINGS: list[dict[str, Any]] = [
    {},
    {"task_default_queue": "work"},
    {"task_default_exchange": "tasks", "task_default_exchange_type": "topic"},
    {"task_default_exchange": "tasks", "task_default_routing_key": "task.default"},
    {"task_default_queue_type": "quorum"},
    {"task_default_queue_type": "quorum", "task_queues": lambda: [Queue("mails")]},
    {"task_create_missing_queue_type": "quorum"},
    {"task_create_missing_queue_exchange_type": "topic"},
    {"task_queue_max_priority": 9},
    {"task_queue_max_priority": 9, "task_queues": lambda: [Queue("mails", max_priority=3)]},
    {
        "task_queue_max_priority": 9,
        "task_queues": lambda: [Queue("mails", queue_arguments={"x-max-priority": 3})],
    },
    {"task_queues": lambda: [Queue("mails"), Queue("media", MEDIA, routing_key="media.#")]},
    {
        "task_default_exchange": "tasks",
        "task_default_exchange_type": "topic",
        "task_default_routing_key": "task.default",
        "task_queues": lambda: (Queue("mails", routing_key="task.#"), Queue("feeds", routing_key="feed.#")),
    },
    {"task_queues": lambda: {"mails": {"exchange": "mails", "routing_key": "mails.new"}, "feeds": {}}},
    {"task_queues": lambda: {"mails": {"exchange": "m", "exchange_type": "fanout", "durable": False}}},
    {"task_queues": lambda: [Queue("mails", [binding(MEDIA, "a"), binding(MEDIA, "b")])]},
    {"task_queues": lambda: [Queue("mails", message_ttl=2.5, expires=60, max_length=7)]},
]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", ["celery", "mails", "elsewhere"])
def test_a_queue_is_declared_as_celery_declares_it(settings: dict[str, Any], name: str) -> None:
    # Celery writes into the objects of task_queues: each side gets its own.
    def own() -> dict[str, Any]:
        return {key: value() if callable(value) else value for key, value in settings.items()}

    celery = Celery("proj", broker=URL, set_as_current=False)
    celery.conf.update(own())

    assert as_we_declare(table(**own()).find(name)) == as_celery_declares(celery.amqp.queues[name])


def test_quorum_queues_get_no_priorities_which_the_server_refuses_them() -> None:
    queues = table(task_queue_max_priority=9, task_default_queue_type="quorum")

    assert queues.find("celery").arguments == {"x-queue-type": "quorum"}


def test_a_queue_is_known_by_its_alias() -> None:
    broadcast = Broadcast("news")

    assert table(task_queues=[broadcast]).find("news").name == broadcast.name


def test_a_queue_that_is_named_nowhere_may_be_forbidden() -> None:
    queues = table(task_create_missing_queues=False, task_queues=[Queue("mails")])

    assert queues.find("mails").name == "mails"
    with pytest.raises(QueueNotFound, match="'feeds' is not in task_queues"):
        queues.find("feeds")


def test_an_exchange_type_without_an_exchange_is_an_error() -> None:
    with pytest.raises(
        ConfigurationError, match="'mails' has an exchange of the type 'topic' without a name"
    ):
        table(task_queues={"mails": {"exchange_type": "topic"}})
