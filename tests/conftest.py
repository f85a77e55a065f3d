"""For every test: the shipped conformance suites explain their failed assertions, and servers of our own."""

import logging
import sys
from collections.abc import Iterator

import pytest

from sedano.current import applications
from sedano.log import TASK_LOGGER
from tests.servers.rabbitmq_server import RabbitServer
from tests.servers.redis_groups import private_redis
from tests.servers.redis_server import RedisServer

pytest.register_assert_rewrite("sedano.testing")


@pytest.fixture(autouse=True)
def celerys_memory_is_empty() -> Iterator[None]:
    """Celery's in-memory broker is one for the whole process: what a test leaves there, others would find."""
    yield
    memory = sys.modules.get("kombu.transport.memory")
    if memory is not None:
        memory.Transport.global_state.clear()
        memory.Channel.queues.clear()


@pytest.fixture(autouse=True)
def the_current_application_is_as_before() -> Iterator[None]:
    """What one test makes current, the next does not find: shared tasks would read their limits from it."""
    before = applications._current
    yield
    applications.set_current(before)


@pytest.fixture(autouse=True)
def logging_is_as_before() -> Iterator[None]:
    """Commands that a test runs in this process set up logging, which others would meet."""
    loggers = [logging.getLogger(name) for name in (None, "sedano", TASK_LOGGER)]
    before = [(each.level, list(each.handlers), each.propagate) for each in loggers]
    yield
    logging.captureWarnings(False)
    for each, (level, handlers, propagate) in zip(loggers, before, strict=True):
        each.setLevel(level)
        each.handlers[:] = handlers
        each.propagate = propagate


@pytest.fixture(scope="module")
def started_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A private Redis, which the tests of one module share."""
    with private_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(started_server: RedisServer) -> RedisServer:
    """The same, with nothing in it."""
    started_server.client.flushall()
    return started_server


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """A private RabbitMQ, which all tests share. Who changes anything but a virtual host puts it back."""
    server = RabbitServer(tmp_path_factory.mktemp("rabbitmq"))
    yield server
    server.stop()


@pytest.fixture
def amqp_url(rabbitmq: RabbitServer) -> Iterator[str]:
    """A virtual host of it with nothing in it."""
    url = rabbitmq.new_vhost()
    yield url
    rabbitmq.give_back(url)
