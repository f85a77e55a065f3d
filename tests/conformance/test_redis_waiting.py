"""How a lease on Redis is woken, and what becomes of the message that woke it."""

import json
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from sedano.brokers.lease import Lease
from sedano.brokers.redis.broker import RedisBroker
from sedano.brokers.settlement import Finish, Requeue
from sedano.redis.redis_url import RedisLocation
from sedano.testing.broker_cases.fixtures import begin_lease, drain, ids_of
from sedano.testing.clock import ManualClock
from sedano.testing.messages import publication
from tests.acceptance.workers import wait_until
from tests.servers.redis_server import RedisServer

#: Far longer than any of these waits takes.
NEVER = 20.0
#: Sooner than a lease would look by itself.
TOLD_AT_ONCE = 3.0


@pytest.fixture
def broker(server: RedisServer) -> Iterator[RedisBroker]:
    broker = RedisBroker(RedisLocation.from_url(server.url))
    yield broker
    broker.close()


def blocked(server: RedisServer) -> int:
    """How many connections wait for a message."""
    return sum(1 for client in server.client.client_list() if "b" in client["flags"])


@contextmanager
def asleep(lease: Lease, server: RedisServer) -> Iterator[Callable[[float], bool]]:
    """A wait that is under way in another thread; the function joins it: whether it ended within so long."""
    before = blocked(server)
    thread = threading.Thread(target=lambda: lease.wait(["celery"], NEVER), daemon=True)
    thread.start()
    wait_until(lambda: blocked(server) > before, what="the lease is blocked")

    def has_ended(within: float) -> bool:
        thread.join(within)
        return not thread.is_alive()

    yield has_ended
    lease.wake()
    thread.join(NEVER)


class TestTheMessageThatWakes:
    def test_it_is_claimed_once(self, broker: RedisBroker, server: RedisServer) -> None:
        lease = begin_lease(broker)
        with asleep(lease, server) as has_ended:
            broker.publish([publication("a"), publication("b")])
            assert has_ended(TOLD_AT_ONCE)

        (first,) = lease.claim(["celery"], 10).deliveries
        rest = lease.claim(["celery"], 10)

        assert [first.task_id, *ids_of(rest)] == ["a", "b"]
        finish = [Finish(delivery.tag) for delivery in (first, *rest.deliveries)]
        assert not any(lease.claim(["celery"], 10, finish))
        assert broker.admin.queues() == []

    def test_it_can_be_settled_at_once(self, broker: RedisBroker, server: RedisServer) -> None:
        lease = begin_lease(broker)
        with asleep(lease, server) as has_ended:
            broker.publish([publication("a")])
            assert has_ended(TOLD_AT_ONCE)
        (delivery,) = lease.claim(["celery"], 1).deliveries

        assert lease.claim([], 0, [Requeue(delivery.tag)]).lost == []

        assert drain(lease) == ["a"]

    def test_it_is_held_while_the_lease_lives(self, broker: RedisBroker, server: RedisServer) -> None:
        lease = begin_lease(broker)
        with asleep(lease, server) as has_ended:
            broker.publish([publication("a")])
            assert has_ended(TOLD_AT_ONCE)

        (delivery,) = lease.claim(["celery"], 1).deliveries

        assert lease.holds([delivery.tag]) == {delivery.tag}
        assert broker.admin.depth("celery").claimed == 1
        assert drain(begin_lease(broker)) == []

    def test_it_is_taken_over_from_a_node_that_died_before_it_said_a_word(self, server: RedisServer) -> None:
        server.client.flushall()
        clock = ManualClock()
        broker = RedisBroker(RedisLocation.from_url(server.url), clock=clock)
        dead = begin_lease(broker)
        with asleep(dead, server) as has_ended:
            broker.publish([publication("a")])
            assert has_ended(TOLD_AT_ONCE)
        assert ids_of(dead.claim(["celery"], 1)) == ["a"]
        clock.advance(11)
        heir = begin_lease(broker, "w2@host")

        heir.recover_dead()

        assert drain(heir) == ["a"]
        broker.close()

    def test_it_stays_with_its_node_when_a_later_claim_is_without_an_answer(
        self, broker: RedisBroker, server: RedisServer
    ) -> None:
        broker.publish([publication("a")])
        lease = begin_lease(broker)
        lease.claim(["celery"], 0)
        server.freeze()
        with pytest.raises(Exception, match="redis"):
            lease.claim(["celery"], 5)
        server.thaw()
        assert lease.wait(["celery"], NEVER)
        woken = lease.claim(["celery"], 1).deliveries or lease.claim(["celery"], 1).deliveries
        (delivery,) = woken

        lease.claim(["celery"], 5)

        assert lease.holds([delivery.tag]) == {delivery.tag}

    def test_a_node_that_rests_is_given_nothing(self, broker: RedisBroker, server: RedisServer) -> None:
        resting, other = begin_lease(broker), begin_lease(broker, "w2@host")
        assert not resting.wait(["celery"], 0.05)

        resting.rest()
        broker.publish([publication("a")])

        assert drain(other) == ["a"]

    def test_what_a_node_was_given_and_does_not_want_goes_to_others(
        self, broker: RedisBroker, server: RedisServer
    ) -> None:
        resting, other = begin_lease(broker), begin_lease(broker, "w2@host")
        with asleep(resting, server) as has_ended:
            broker.publish([publication("a")])
            assert has_ended(TOLD_AT_ONCE)

        resting.rest()

        assert drain(other) == ["a"]

    def test_one_that_is_not_due_waits_for_its_time(self, server: RedisServer) -> None:
        server.client.flushall()
        clock = ManualClock()
        broker = RedisBroker(RedisLocation.from_url(server.url), clock=clock)
        lease = begin_lease(broker)
        with asleep(lease, server) as has_ended:
            broker.publish([publication("later", due=clock.timestamp() + 60)])
            assert has_ended(TOLD_AT_ONCE)

        assert not any(lease.claim(["celery"], 1))

        depth = broker.admin.depth("celery")
        assert (depth.ready, depth.scheduled, depth.claimed) == (0, 1, 0)
        clock.advance(61)
        (delivery,) = lease.claim(["celery"], 1).deliveries
        assert (delivery.task_id, delivery.redelivered) == ("later", False)
        assert delivery.ready_since == clock.timestamp() - 1
        broker.close()


class TestNodesThatFroze:
    def test_nothing_is_given_to_one_that_was_taken_for_dead(self, server: RedisServer) -> None:
        server.client.flushall()
        clock = ManualClock()
        broker = RedisBroker(RedisLocation.from_url(server.url), clock=clock)
        # Blocked, as the server sees it, for as long as half a lease: here that is longer than the test.
        frozen = broker.lease("frozen@host", duration=timedelta(seconds=100))
        assert not frozen.wait(["celery"], 0.05)
        assert blocked(server) == 1
        clock.advance(101)
        heir = begin_lease(broker, "heir@host")

        heir.recover_dead()
        broker.publish([publication("a")])

        assert drain(heir) == ["a"]
        broker.close()


class TestBeingTold:
    @pytest.mark.parametrize("step", [3, 6, 9])
    def test_a_message_of_celerys_of_any_priority_wakes_at_once(
        self, broker: RedisBroker, server: RedisServer, step: int
    ) -> None:
        broker.publish([publication("a")])
        message = server.client.rpop("celery")
        assert isinstance(message, bytes)
        lease = begin_lease(broker)

        with asleep(lease, server) as has_ended:
            server.client.lpush(f"celery\x06\x16{step}", message)
            assert has_ended(TOLD_AT_ONCE)

        assert drain(lease) == ["a"]

    def test_a_message_that_another_node_puts_among_the_scheduled_ones_wakes_in_time(
        self, broker: RedisBroker, server: RedisServer
    ) -> None:
        broker.publish([publication("a")])
        other = begin_lease(broker, "w2@host")
        (delivery,) = other.claim(["celery"], 1).deliveries
        lease = begin_lease(broker)

        with asleep(lease, server) as has_ended:
            other.claim([], 0, [Requeue(delivery.tag, due=time.time() + 0.2)])
            assert has_ended(TOLD_AT_ONCE)

        assert drain(lease) == ["a"]

    def test_a_queue_that_is_paused_meanwhile_gives_nothing(
        self, broker: RedisBroker, server: RedisServer
    ) -> None:
        lease = begin_lease(broker)
        with asleep(lease, server) as has_ended:
            broker.admin.pause("celery")
            wait_until(lambda: blocked(server) == 0, what="the lease has been told")
            broker.publish([publication("a")])
            assert not has_ended(0.3)
            assert not any(lease.claim(["celery"], 1))

            broker.admin.resume("celery")
            assert has_ended(TOLD_AT_ONCE)

        assert drain(lease) == ["a"]

    def test_a_server_that_does_not_tell_is_looked_at_now_and_then(
        self, broker: RedisBroker, server: RedisServer
    ) -> None:
        server.client.execute_command(
            *["ACL", "SETUSER", "untold", "on", ">secret", "~*", "&*", "+@all", "-client|tracking"]
        )
        url = server.url.replace("://", "://untold:secret@")
        untold = RedisBroker(RedisLocation.from_url(url))
        broker.publish([publication("a")])
        message = server.client.rpop("celery")
        assert isinstance(message, bytes)
        lease = begin_lease(untold)

        with asleep(lease, server) as has_ended:
            server.client.lpush("celery\x06\x163", message)
            assert has_ended(TOLD_AT_ONCE)

        assert drain(lease) == ["a"]
        untold.close()


class TestClaimsOfSomeTasks:
    def test_messages_of_celerys_are_known_by_their_headers(
        self, broker: RedisBroker, server: RedisServer
    ) -> None:
        for name in ("tests.add", "tests.nap"):
            body = b64encode(b'[[], {"note": "\\"task\\": \\"tests.nap\\""}, {}]').decode()
            message = {
                "body": body,
                "content-encoding": "utf-8",
                "content-type": "application/json",
                "headers": {"lang": "py", "task": name, "id": name},
                "properties": {"body_encoding": "base64", "delivery_tag": name},
            }
            server.client.lpush("celery", json.dumps(message))
        lease = begin_lease(broker)

        assert ids_of(lease.claim(["celery"], 10, tasks=["tests.nap"])) == ["tests.nap"]
        assert ids_of(lease.claim(["celery"], 10)) == ["tests.add"]

    def test_they_are_found_behind_many_others(self, broker: RedisBroker) -> None:
        broker.publish([publication(task="tests.add") for _ in range(500)])
        broker.publish([publication(f"n{n}", task="tests.nap") for n in range(5)])
        lease = begin_lease(broker)

        first = lease.claim(["celery"], 3, tasks=["tests.nap"])
        rest = lease.claim(["celery"], 10, [Finish(one.tag) for one in first.deliveries], tasks=["tests.nap"])

        assert ids_of(first) + ids_of(rest) == ["n0", "n1", "n2", "n3", "n4"]
        assert broker.admin.depth("celery").ready == 500

    def test_what_a_wait_for_any_task_was_given_goes_to_others(
        self, broker: RedisBroker, server: RedisServer
    ) -> None:
        lease, other = begin_lease(broker), begin_lease(broker, "w2@host")
        with asleep(lease, server) as has_ended:
            broker.publish([publication("a", task="tests.add")])
            assert has_ended(TOLD_AT_ONCE)

        lease.wait(["celery"], 0.01, tasks=["tests.nap"])

        assert drain(other) == ["a"]


class TestFollowUpsThatAreNotDue:
    def test_in_a_queue_of_its_own_a_node_schedules_them_at_once(
        self, broker: RedisBroker, server: RedisServer
    ) -> None:
        self._retry_into(broker, "celery")

        assert broker.admin.depth("celery").scheduled == 1
        assert server.client.llen("celery") == 0

    def test_in_a_queue_that_perhaps_only_celerys_nodes_serve_they_wait_in_the_list(
        self, broker: RedisBroker, server: RedisServer
    ) -> None:
        self._retry_into(broker, "elsewhere")

        assert server.client.llen("elsewhere") == 1
        found = broker.admin.find("retry")
        assert found is not None
        assert found.state == "scheduled"

    @staticmethod
    def _retry_into(broker: RedisBroker, queue: str) -> None:
        broker.publish([publication("a")])
        lease = begin_lease(broker)
        (delivery,) = lease.claim(["celery"], 1).deliveries
        retry = publication("retry", queue=queue, due=time.time() + 60)
        lease.claim([], 0, [Finish(delivery.tag, follow_ups=(retry,))])
