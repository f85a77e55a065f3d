"""Three servers, and one of them is lost: quorum queues go on with the other two.

It takes minutes, so it runs where ``SEDANO_NIGHTLY`` is set (``make test-nightly``).
"""

import contextlib
import os
import time
from collections.abc import Iterator

import pytest

from sedano.amqp.amqp_url import AmqpLocation
from sedano.brokers.amqp.broker import AmqpBroker
from sedano.errors import BrokerUnavailable
from sedano.queues.rules import QueueRules
from sedano.settings.wiring import Wiring
from sedano.testing.broker_cases.fixtures import begin_lease
from sedano.testing.messages import publication
from tests.servers.rabbitmq_server import RabbitServer

pytestmark = [
    pytest.mark.skipif(not os.environ.get("SEDANO_NIGHTLY"), reason="It takes minutes: make test-nightly."),
    pytest.mark.timeout(600),
]


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RabbitServer]]:
    with contextlib.ExitStack() as stack:
        first = RabbitServer(tmp_path_factory.mktemp("rabbitmq"))
        stack.callback(first.stop)
        servers = [first]
        for _ in range(2):
            servers.append(RabbitServer(tmp_path_factory.mktemp("rabbitmq"), joins=first))
            stack.callback(servers[-1].stop)
        yield servers


@pytest.mark.parametrize("lost", [0, 1])
def test_a_server_that_is_lost_takes_nothing_with_it(lost: int, servers: list[RabbitServer]) -> None:
    location = AmqpLocation.from_url([server.url for server in servers])
    rules = QueueRules(default_queue_type="quorum")
    broker = AmqpBroker(location, wiring=Wiring(queues=rules, delayed_queue_type="quorum"))
    accepted = [str(number) for number in range(200)]
    broker.publish([publication(name) for name in accepted])
    later = time.time() + 20
    broker.publish([publication("later", due=later)])
    accepted.append("later")

    servers[lost].kill()
    began = time.monotonic()
    while True:
        assert time.monotonic() - began < 60
        try:
            broker.publish([publication("after")])
        except BrokerUnavailable:
            continue
        break
    accepted.append("after")

    found: set[str] = set()
    lease = begin_lease(broker)
    while not found.issuperset(accepted):
        assert time.time() < later + 60
        lease.wait(["celery"], 1)
        found |= {delivery.task_id for delivery in lease.claim(["celery"], 50).deliveries}
    assert time.time() >= later
    lease.end()
    broker.close()
