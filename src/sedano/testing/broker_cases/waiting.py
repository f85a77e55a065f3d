"""Waking up: on messages, on due times, and on demand. These tests use the real time."""

import threading
import time
from collections.abc import Callable
from typing import Final

import pytest

from sedano.brokers.broker import Broker
from sedano.brokers.lease import Lease
from sedano.brokers.settlement import Finish, Requeue
from sedano.testing.broker_cases.fixtures import BrokerFixtures, begin_lease, ids_of
from sedano.testing.messages import publication

#: Far longer than any of these waits takes; a wait that is not woken fails by lasting this long.
_NEVER: Final = 20.0


class WaitingCases(BrokerFixtures):
    """``Lease.wait`` and ``Lease.wake``."""

    def test_waiting_ends_at_once_when_a_message_is_ready(self, live_broker: Broker) -> None:
        live_broker.publish([publication()])
        lease = begin_lease(live_broker)

        assert lease.wait(["mail", "celery"], _NEVER)

    def test_waiting_for_nothing_ends_with_the_timeout(self, live_broker: Broker) -> None:
        live_broker.publish([publication(queue="other"), publication(due=time.time() + 60)])
        lease = begin_lease(live_broker)
        assert not any(lease.claim(["celery"], 1))

        assert not lease.wait(["celery"], 0)
        assert not lease.wait(["celery"], 0.02)

    def test_a_claimed_message_does_not_end_a_wait(self, live_broker: Broker) -> None:
        live_broker.publish([publication()])
        begin_lease(live_broker, "w1@host").claim(["celery"], 1)

        assert not begin_lease(live_broker, "w2@host").wait(["celery"], 0.02)

    def test_a_publication_ends_a_wait(self, live_broker: Broker) -> None:
        woken_after = self._time_to_wake(
            begin_lease(live_broker), lambda: live_broker.publish([publication()])
        )

        assert woken_after < _NEVER / 4

    def test_what_another_node_gives_back_ends_a_wait(self, live_broker: Broker) -> None:
        live_broker.publish([publication("a")])
        holder = begin_lease(live_broker, "w1@host")
        (delivery,) = holder.claim(["celery"], 1).deliveries
        waiting = begin_lease(live_broker, "w2@host")

        woken_after = self._time_to_wake(waiting, lambda: holder.claim([], 0, [Requeue(delivery.tag)]))

        assert woken_after < _NEVER / 4
        assert ids_of(waiting.claim(["celery"], 1)) == ["a"]

    def test_what_an_ended_lease_held_ends_a_wait(self, live_broker: Broker) -> None:
        live_broker.publish([publication("a")])
        holder = begin_lease(live_broker, "w1@host")
        holder.claim(["celery"], 1)

        woken_after = self._time_to_wake(begin_lease(live_broker, "w2@host"), holder.end)

        assert woken_after < _NEVER / 4

    def test_a_follow_up_ends_a_wait(self, live_broker: Broker) -> None:
        live_broker.publish([publication("a")])
        holder = begin_lease(live_broker, "w1@host")
        (delivery,) = holder.claim(["celery"], 1).deliveries
        finish = Finish(delivery.tag, follow_ups=(publication("next"),))

        woken_after = self._time_to_wake(
            begin_lease(live_broker, "w2@host"), lambda: holder.claim([], 0, [finish])
        )

        assert woken_after < _NEVER / 4

    def test_a_message_that_becomes_due_ends_a_wait(self, live_broker: Broker) -> None:
        lease = begin_lease(live_broker)
        # Late enough that a busy machine has looked before.
        live_broker.publish([publication("a", due=time.time() + 1.0), publication(due=time.time() + 60)])

        assert not any(lease.claim(["celery"], 1))
        assert lease.wait(["celery"], _NEVER)
        assert ids_of(lease.claim(["celery"], 1)) == ["a"]

    def test_messages_of_other_tasks_do_not_end_a_wait_for_some(self, live_broker: Broker) -> None:
        if not live_broker.features.claims_by_task:
            return
        live_broker.publish([publication("a", task="tests.add"), publication("b", queue="mail")])
        lease = begin_lease(live_broker)

        assert not lease.wait(["celery"], 0.02, tasks=["tests.sleep"])
        assert lease.wait(["celery"], _NEVER, tasks=["tests.sleep", "tests.add"])

    def test_a_wait_can_be_ended_from_another_thread(self, live_broker: Broker) -> None:
        lease = begin_lease(live_broker)

        assert self._time_to_wake(lease, lease.wake) < _NEVER / 4

    def test_a_wake_that_comes_early_ends_the_next_wait_only(self, live_broker: Broker) -> None:
        lease = begin_lease(live_broker)

        lease.wake()
        lease.wake()

        assert lease.wait(["celery"], _NEVER)
        assert not lease.wait(["celery"], 0.02)

    def test_a_paused_queue_lets_nodes_sleep_until_it_is_resumed(self, live_broker: Broker) -> None:
        live_broker.publish([publication("a")])
        live_broker.admin.pause("celery")
        lease = begin_lease(live_broker)

        assert not lease.wait(["celery"], 0.02)

        assert self._time_to_wake(lease, lambda: live_broker.admin.resume("celery")) < _NEVER / 4
        assert ids_of(lease.claim(["celery"], 1)) == ["a"]

    @staticmethod
    def _time_to_wake(lease: Lease, action: Callable[[], object]) -> float:
        """Seconds from an action to the end of a wait that is under way in another thread."""
        waiting = threading.Event()
        ended: list[tuple[bool, float]] = []

        def wait() -> None:
            waiting.set()
            ended.append((lease.wait(["celery"], _NEVER), time.monotonic()))

        thread = threading.Thread(target=wait)
        thread.start()
        waiting.wait()
        began = time.monotonic()
        action()
        thread.join(_NEVER * 2)
        if not ended:
            pytest.fail("The wait did not end, not even with its timeout.")
        ((woken, at),) = ended
        assert woken
        return at - began
