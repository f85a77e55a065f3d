"""Rate limits that all nodes keep together. Skipped by a broker that does not count for all of them."""

import threading
import time

import pytest

from sedano.brokers.broker import Broker
from sedano.brokers.turns import EARLY, FARTHEST
from sedano.clock import SystemClock
from sedano.testing.broker_cases.fixtures import BrokerFixtures, BrokerOpener, begin_lease
from sedano.testing.clock import ManualClock

#: Seconds from one start to the next in tests with a clock that stands still.
_SECONDS = 10.0


class RateCases(BrokerFixtures):
    """``Lease.take_turns``."""

    def test_one_may_start_and_the_others_come_back_one_after_the_other(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        _needs_shared_rates(broker)
        now = clock.timestamp()

        turns = begin_lease(broker).take_turns("tests.add", _SECONDS, 4, most=4)

        assert list(turns) == [0.0, *(pytest.approx(now + n * _SECONDS) for n in (1, 2, 3))]

    def test_all_nodes_take_the_same_turns(self, broker: Broker, clock: ManualClock) -> None:
        _needs_shared_rates(broker)
        now = clock.timestamp()
        one, other = begin_lease(broker, "w1@host"), begin_lease(broker, "w2@host")
        one.take_turns("tests.add", _SECONDS, 2, most=2)

        assert list(other.take_turns("tests.add", _SECONDS, 1, most=1)) == [pytest.approx(now + 2 * _SECONDS)]
        clock.advance(_SECONDS)
        assert list(other.take_turns("tests.add", _SECONDS, 1, most=1)) == [0.0]
        assert list(one.take_turns("tests.add", _SECONDS, 1, most=1)) == [pytest.approx(now + 3 * _SECONDS)]

    def test_each_task_has_turns_of_its_own(self, broker: Broker) -> None:
        _needs_shared_rates(broker)
        lease = begin_lease(broker)
        lease.take_turns("tests.add", _SECONDS, 1, most=1)

        assert list(lease.take_turns("tests.{odd} näme", _SECONDS, 1, most=1)) == [0.0]

    def test_a_turn_for_which_there_is_no_place_is_left_to_others(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        _needs_shared_rates(broker)
        lease = begin_lease(broker)

        assert list(lease.take_turns("tests.add", _SECONDS, 1, most=0)) == [pytest.approx(clock.timestamp())]
        assert list(lease.take_turns("tests.add", _SECONDS, 1, most=1)) == [0.0]

    def test_nobody_waits_for_a_turn_for_very_long(self, broker: Broker, clock: ManualClock) -> None:
        _needs_shared_rates(broker)
        lease = begin_lease(broker)

        away = [turn - clock.timestamp() for turn in lease.take_turns("tests.add", _SECONDS, 1000, most=0)]

        own = int(FARTHEST / _SECONDS) + 1
        assert away[:own] == [pytest.approx(n * _SECONDS, abs=1e-3) for n in range(own)]
        assert [min(away[own:]), max(away[own:])] == [FARTHEST / 2, FARTHEST]

    def test_turns_that_nobody_took_are_given_again(self, broker: Broker, clock: ManualClock) -> None:
        _needs_shared_rates(broker)
        lease = begin_lease(broker)
        lease.take_turns("tests.add", _SECONDS, 20, most=1)

        clock.advance(5 * _SECONDS)

        assert list(lease.take_turns("tests.add", _SECONDS, 2, most=1)) == [
            0.0,
            pytest.approx(clock.timestamp() + _SECONDS),
        ]

    def test_turns_that_a_clock_in_the_future_took_are_forgotten(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        _needs_shared_rates(broker)
        lease = begin_lease(broker)
        now = clock.timestamp()
        clock.set_wall_time(now + 86_400)
        lease.take_turns("tests.add", _SECONDS, 10, most=1)

        clock.set_wall_time(now)

        assert list(lease.take_turns("tests.add", _SECONDS, 2, most=2)) == [
            0.0,
            pytest.approx(now + _SECONDS),
        ]

    def test_nodes_that_race_never_take_more_turns_than_the_rate_gives(
        self, open_broker: BrokerOpener
    ) -> None:
        broker = open_broker(SystemClock())
        _needs_shared_rates(broker)
        seconds, running = 0.02, 0.5
        starts: list[float] = []

        def race(number: int) -> None:
            lease = begin_lease(broker, f"w{number}@host")
            until = time.monotonic() + running
            while (asked_at := time.monotonic()) < until:
                if 0.0 in lease.take_turns("tests.add", seconds, 3, most=2):
                    starts.append(asked_at)
            lease.end()

        threads = [threading.Thread(target=race, args=(number,)) for number in range(4)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - began
        broker.close()

        assert 2 <= len(starts) <= (took + EARLY) / seconds + 1


def _needs_shared_rates(broker: Broker) -> None:
    if not broker.features.shared_rates:
        pytest.skip("This broker does not count for all nodes together.")
