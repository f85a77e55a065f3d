"""What users write, and what the sections hold."""

from collections.abc import Mapping
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from kombu import Exchange, Queue

from sedano.errors import ConfigurationError, NotSupported
from sedano.queues.rules import QueueRules
from sedano.settings.celery_names import SETTINGS
from sedano.settings.conf import Conf
from sedano.settings.sections import Settings
from sedano.settings.wiring import Wiring


def settings(**changes: object) -> Settings:
    return Conf(changes, environ={}).settings


def read(name: str, value: object) -> object:
    area, _, field = name.partition(".")
    written = {"results": "result", "tasks": "task", "app": ""}.get(area, area)
    found = settings(**{f"{written}_{field}".lstrip("_"): value})
    return getattr(getattr(found, area), field)


@pytest.mark.parametrize("text", ["true", "True", "yes", "on", "1", 1, True])
def test_words_for_true_are_true(text: object) -> None:
    assert read("tasks.track_started", text) is True


@pytest.mark.parametrize("text", ["false", "False", "no", "off", "0", 0, False])
def test_words_for_false_are_false(text: object) -> None:
    assert read("tasks.acks_late", text) is False


@pytest.mark.parametrize(
    ("name", "written", "held"),
    [
        ("tasks.max_crashes", "5", 5),
        ("tasks.max_crashes", 5.0, 5),
        ("tasks.time_limit", "1.5", 1.5),
        ("tasks.time_limit", timedelta(minutes=1), 60.0),
        ("tasks.time_limit", 0, None),
        ("tasks.default_delivery_mode", "transient", 1),
        ("tasks.default_queue", "mail", "mail"),
        ("worker.concurrency", "auto", None),
        ("worker.concurrency", 0, None),
        ("worker.concurrency", "4", 4),
        ("worker.pool", "processes", "prefork"),
        ("worker.lease", 5, timedelta(seconds=5)),
        ("worker.soft_shutdown_timeout", timedelta(minutes=2), timedelta(minutes=2)),
        ("worker.max_tasks_per_child", 0, None),
        ("worker.redirect_stdouts_level", "info", "INFO"),
        ("worker.redirect_stdouts_level", 10, "DEBUG"),
        ("results.expires", 60, timedelta(minutes=1)),
        ("results.expires", 0, None),
        ("results.expires", None, None),
        ("results.backend", False, "disabled"),
        ("broker.url", ["memory://"], "memory://"),
        ("broker.transport_options", '{"a": 1}', {"a": 1}),
        ("broker.publish_timeout", "0.5", timedelta(milliseconds=500)),
        ("app.imports", "proj.tasks", ("proj.tasks",)),
        ("app.imports", ["a", "b"], ("a", "b")),
        ("app.timezone", "Europe/Rome", ZoneInfo("Europe/Rome")),
        ("app.timezone", UTC, UTC),
    ],
)
def test_a_value_is_held_in_the_units_it_is_used_in(name: str, written: object, held: object) -> None:
    assert read(name, written) == held


@pytest.mark.parametrize(
    "queues",
    [
        ["a", "b"],
        "a,b",
        {"a": {}, "b": None},
        {"a": {"exchange": "a", "routing_key": "a"}, "b": {"exchange_type": "direct"}},
        [Queue("a"), Queue("b", Exchange("b"), routing_key="b")],
    ],
)
def test_queues_may_be_named_in_celerys_ways(queues: object) -> None:
    found = settings(task_queues=queues).tasks.queues

    assert found is not None
    assert [queue.name for queue in found] == ["a", "b"]


@pytest.mark.parametrize(
    "queues",
    [
        {"video": {"exchange": "media", "routing_key": "media.video"}},
        {"video": {"exchange_type": "topic"}},
        [Queue("video", Exchange("video", type="fanout"))],
        [Queue("video", Exchange("video"), routing_key="media.#")],
    ],
)
def test_a_queue_behind_an_exchange_is_refused(queues: object) -> None:
    with pytest.raises(NotSupported, match="task_queues: the queue 'video' has an exchange"):
        settings(task_queues=queues)


def test_a_retry_policy_keeps_the_defaults_it_does_not_mention() -> None:
    policy = settings(task_publish_retry_policy={"max_retries": 9}).tasks.publish_retry_policy

    assert policy == {"max_retries": 9, "interval_start": 0, "interval_max": 1, "interval_step": 0.2}


def test_results_accept_what_messages_do_unless_told_otherwise() -> None:
    assert settings(accept_content=["yaml"]).results.accept_content == {"yaml"}
    assert settings(accept_content=["yaml"], result_accept_content=["json"]).results.accept_content == {
        "json"
    }


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("worker_concurrency", "four", "expected an integer of at least 1, or 'auto', got 'four'"),
        ("worker_concurrency", -1, "expected an integer of at least 1, or 'auto', got -1"),
        ("worker_concurrency", True, "expected an integer of at least 1, or 'auto', got True"),
        ("task_max_crashes", 1.5, "expected an integer of at least 0, got 1.5"),
        ("task_max_message_size", 0, "expected an integer of at least 1, got 0"),
        ("task_default_priority", 256, "expected an integer from 0 to 255, got 256"),
        ("task_acks_late", "maybe", "expected True or False, got 'maybe'"),
        ("task_acks_late", [], "expected True or False, got []"),
        (
            "task_time_limit",
            float("nan"),
            "expected a number of seconds of at least 0, or None (no limit), got nan",
        ),
        ("broker_publish_timeout", -1, "expected a number of seconds of at least 0, or a timedelta, got -1"),
        (
            "worker_lease",
            10**30,
            f"expected a number of seconds of at least 0.1, or a timedelta, got {10**30}",
        ),
        ("broker_url", 7, "expected a URL such as 'sqlite:///sedano.db', got 7"),
        ("broker_transport_options", ["a"], "expected a dict with strings as keys, got ['a']"),
        ("broker_transport_options", "{", "expected a dict with strings as keys, got '{'"),
        ("accept_content", [], "expected a list of serializers such as ['json'], got []"),
        (
            "task_queues",
            3,
            "expected a list of queue names or Queue objects, or a dict with names as keys, got 3",
        ),
        ("task_routes", 3, "expected a dict, a list of routers, a callable or a dotted path, got 3"),
        (
            "timezone",
            "Europe/Atlantis",
            "expected an IANA time zone such as 'Europe/Rome', got 'Europe/Atlantis'",
        ),
        (
            "timezone",
            "../etc/passwd",
            "expected an IANA time zone such as 'Europe/Rome', got '../etc/passwd'",
        ),
        ("worker_redirect_stdouts_level", "LOUD", "expected a level such as 'WARNING', got 'LOUD'"),
        ("imports", [1], "expected a list of module names, got [1]"),
        ("task_default_delivery_mode", 3, "expected 2 ('persistent') or 1 ('transient'), got 3"),
        (
            "task_publish_retry_policy",
            {"tries": 3},
            "expected a dict with some of max_retries, interval_start, interval_max, interval_step, "
            "each a number of at least 0, got {'tries': 3}",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_an_error_that_says_what_was_expected(
    name: str, value: object, complaint: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(**{name: value})

    assert str(caught.value) == f"{name}: {complaint}"


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("worker_pool", "gevent", "the pool 'gevent' is not supported by this version"),
        ("accept_content", ["auth"], "signed messages"),
        ("task_serializer", "auth", "signed messages"),
        ("broker_failover_strategy", print, "a function that chooses"),
        ("broker_use_ssl", True, "write it into broker_url"),
        ("broker_url", "redis://a/0;redis://b/0", "several brokers"),
        ("broker_url", ["redis://a/0", "redis://b/0"], "several brokers"),
    ],
)
def test_a_value_that_celery_has_and_we_do_not_is_refused(name: str, value: object, complaint: str) -> None:
    with pytest.raises(NotSupported, match=f"{name}: {complaint}"):
        settings(**{name: value})


FOR_RABBITMQ = {
    "task_default_exchange": "tasks",
    "task_default_exchange_type": "topic",
    "task_default_routing_key": "task.default",
    "task_default_queue_type": "quorum",
    "task_create_missing_queues": False,
    "task_create_missing_queue_type": "quorum",
    "task_create_missing_queue_exchange_type": "topic",
    "task_queue_max_priority": 9,
    "broker_connection_timeout": 10,
    "broker_heartbeat": 30,
    "broker_login_method": "EXTERNAL",
    "broker_failover_strategy": "shuffle",
    "broker_native_delayed_delivery_queue_type": "classic",
}


def test_settings_for_rabbitmq_reach_it() -> None:
    tls = {"ca_certs": "/etc/ca.pem"}
    conf = Conf({"broker_url": "amqp://a//", "broker_use_ssl": tls, **FOR_RABBITMQ}, environ={})
    wiring = Wiring.from_settings(conf.settings)

    assert conf.warnings == []
    assert wiring.queues == QueueRules(
        default_exchange="tasks",
        default_exchange_type="topic",
        default_routing_key="task.default",
        default_queue_type="quorum",
        create_missing=False,
        missing_queue_type="quorum",
        missing_exchange_type="topic",
        max_priority=9,
    )
    assert (wiring.heartbeat, wiring.login_method, wiring.use_ssl) == (30.0, "EXTERNAL", tls)
    assert wiring.connection_timeout == 10.0
    assert (wiring.failover_strategy, wiring.delayed_queue_type) == ("shuffle", "classic")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(wiring), type=Wiring) == wiring


@pytest.mark.parametrize("name", FOR_RABBITMQ)
def test_settings_for_rabbitmq_are_said_to_have_no_effect_elsewhere(name: str) -> None:
    conf = Conf({"broker_url": "redis://a/0", name: FOR_RABBITMQ[name]}, environ={})

    [warning] = conf.warnings
    assert warning.startswith(f"{name}: has no effect: ")


@pytest.mark.parametrize("name", FOR_RABBITMQ)
def test_celerys_defaults_of_them_are_not_odd(name: str) -> None:
    conf = Conf({"broker_url": "redis://a/0", name: SETTINGS[name].celery_default}, environ={})

    assert conf.warnings == []


@pytest.mark.parametrize("off", [0, None])
def test_heartbeats_may_be_turned_off(off: int | None) -> None:
    conf = Conf({"broker_url": "amqp://a//", "broker_heartbeat": off}, environ={})

    assert Wiring.from_settings(conf.settings).heartbeat == (None if off == 0 else 120.0)


@pytest.mark.parametrize(
    "url",
    [
        "amqp://a//;amqp://b//",
        ["amqp://a//", "amqp://b//"],
        "sentinel://a:26379;sentinel://b:26379",
        "redis+cluster://a;b",
    ],
)
def test_several_servers_of_one_system_may_be_named(url: object) -> None:
    written = url if isinstance(url, str) else ";".join(url)  # type: ignore[arg-type]

    assert settings(broker_url=url).broker.url == written


@pytest.mark.parametrize(
    "queues",
    [
        {"video": {"exchange": "media", "routing_key": "media.video"}},
        [Queue("video", Exchange("video", type="fanout"))],
    ],
)
def test_a_queue_behind_an_exchange_is_for_rabbitmq(queues: object) -> None:
    [queue] = settings(broker_url="amqp://a//", task_queues=queues).tasks.queues or ()

    assert not queue.is_reached_by_name


def test_the_sections_cannot_be_changed() -> None:
    found = settings(broker_transport_options={"a": 1})

    assert isinstance(found.broker.transport_options, Mapping)
    with pytest.raises(AttributeError):
        found.worker.concurrency = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        found.broker.transport_options["a"] = 2  # type: ignore[index]
