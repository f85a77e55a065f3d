"""Several processes at one broker. Skipped by a broker that does not leave its process."""

import os
import sys
import warnings
from collections.abc import Callable

import pytest

from sedano.brokers.broker import Broker
from sedano.clock import SystemClock
from sedano.testing.broker_cases.fixtures import BrokerFixtures, BrokerOpener, begin_lease, drain
from sedano.testing.messages import publication


class ProcessCases(BrokerFixtures):
    """A broker that was opened before a fork, and two brokers at one place."""

    def test_two_brokers_at_one_place_share_their_messages(self, open_broker: BrokerOpener) -> None:
        one, other = open_broker(SystemClock()), open_broker(SystemClock())
        if not one.features.between_processes:
            pytest.skip("This broker does not leave its process.")

        one.publish([publication("a")])
        one.close()

        assert one.location == other.location
        assert drain(begin_lease(other)) == ["a"]
        other.close()

    def test_a_forked_child_publishes_on_connections_of_its_own(self, live_broker: Broker) -> None:
        self._needs_fork(live_broker)
        live_broker.publish([publication("before")])

        status = _in_a_child(lambda: live_broker.publish([publication("in the child")]))
        live_broker.publish([publication("after")])

        assert status == 0
        assert drain(begin_lease(live_broker)) == ["before", "in the child", "after"]

    def test_a_child_goes_on_publishing_when_its_parent_has_closed_the_broker(
        self, live_broker: Broker
    ) -> None:
        self._needs_fork(live_broker)
        live_broker.publish([publication("before")])
        parent_closed, closing = os.pipe()

        def publish_while_the_parent_closes() -> None:
            live_broker.publish([publication("one")])
            os.close(closing)
            os.read(parent_closed, 1)
            live_broker.publish([publication("two")])

        child = _fork(publish_while_the_parent_closes)
        live_broker.publish([publication("from the parent")])
        live_broker.close()
        os.close(closing)
        os.close(parent_closed)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        drained = drain(begin_lease(live_broker))
        assert sorted(drained) == ["before", "from the parent", "one", "two"]

    @staticmethod
    def _needs_fork(broker: Broker) -> None:
        if not hasattr(os, "fork") or not broker.features.between_processes:
            pytest.skip("This broker does not leave its process, or this system does not fork.")


def _in_a_child(action: Callable[[], object]) -> int:
    """Run something in a forked child; returns its exit code."""
    return os.waitstatus_to_exitcode(os.waitpid(_fork(action), 0)[1])


def _fork(action: Callable[[], object]) -> int:
    with warnings.catch_warnings():
        # Python 3.12 and later warn of forks in processes with threads; other tests leave some behind.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child
    try:
        action()
    except BaseException as error:
        sys.stderr.write(f"In the forked child: {error!r}\n")
        os._exit(1)
    os._exit(0)
