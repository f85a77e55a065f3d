"""Nothing is asked of a server that RabbitMQ 4 refuses, though the tests' own is an older one."""

import time
from datetime import timedelta

import pytest

from sedano.amqp.amqp_url import AmqpLocation
from sedano.brokers.amqp.broker import AmqpBroker
from sedano.brokers.settlement import Bury, Park
from sedano.queues.broadcast import Broadcast
from sedano.queues.queue import Queue
from sedano.queues.reading import read_queues
from sedano.queues.rules import QueueRules
from sedano.results.opening import open_result_store
from sedano.results.rpc.store import RpcResultStore
from sedano.settings.wiring import Wiring
from sedano.testing.broker_cases.fixtures import LEASE, claim_soon
from sedano.testing.messages import publication
from tests.acceptance.workers import wait_until
from tests.servers.rabbitmq_server import PATIENT, RabbitServer

#: What RabbitMQ 4 has no queues with any more.
GONE = ("x-queue-mode", "x-ha-policy", "x-queue-master-locator", "x-queue-version,signedint,1")


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_no_queue_is_transient_and_no_prefetch_is_for_a_whole_channel(
    kind: str, rabbitmq: RabbitServer, amqp_url: str
) -> None:
    rules = QueueRules(
        queues=read_queues([
            Queue("celery", queue_arguments={"x-queue-type": kind}),
            Queue("other", queue_arguments={"x-queue-type": kind}),
            Broadcast("news"),
        ]),
        max_priority=9,
    )  # fmt: skip
    wiring = Wiring(delayed_queue_type=kind, queues=rules)
    broker = AmqpBroker(
        AmqpLocation.from_url(amqp_url), wiring=wiring, consumer_timeout=0.03, publish_timeout=PATIENT
    )
    store = open_result_store(f"rpc+{amqp_url}", timeout=timedelta(seconds=5))
    assert isinstance(store, RpcResultStore)

    store.listen()
    broker.admin.pause("other")
    broker.publish([*map(publication, "abc"), publication("d", queue="other")])
    broker.publish([publication("later", due=time.time() + 3600)])
    lease = broker.lease("w1@host", duration=LEASE)
    assert not lease.wait(["news"], 0.01)
    parked, buried, kept = claim_soon(lease, 3)
    lease.claim(["celery"], 0, [Park(parked.tag), Bury(buried.tag, "broken")])
    arrival = lease._held[kept.tag].arrival
    wait_until(lambda: time.monotonic() - arrival.came_at > 0.02)
    lease.renew([kept.tag])

    queues = rabbitmq.queues(amqp_url)
    own = {"celery", "other", "sedano.dead", "sedano.parked", "sedano.log", "sedano.paused"}
    assert own <= queues.keys()
    assert len([name for name in queues if name.startswith(("bcast.", "sedano.kept."))]) == 2
    for name, said in queues.items():
        assert "{durable,true}" in said or "{exclusive,true}" in said, name
        assert not [argument for argument in GONE if argument in said], name
        assert "x-max-priority" not in said or "{type,classic}" in said, name
    prefetches = rabbitmq.evaluate("rabbit_channel:info_all([global_prefetch_count])")
    assert set(prefetches.split("global_prefetch_count,")[1:]) <= {"0}],[{", "0}]]"}
    broker.close()
    store.close()
