"""The node's care for the scheduler beside it. The tests take the zygote's part."""

import logging
import os
import select
import socket
from collections.abc import Callable, Iterator

import pytest

from sedano.worker.scheduling import LIVED_WELL, Scheduling


class Zygote:
    """Keeps the schedulers' ends of what connects them with their node."""

    def __init__(self) -> None:
        self.schedulers: list[socket.socket] = []

    def fork_scheduler(self, descriptor: int) -> None:
        self.schedulers.append(socket.socket(fileno=os.dup(descriptor)))

    def living(self) -> list[int]:
        """Those that have not been told to end, by their number."""
        ended = select.select(self.schedulers, [], [], 0)[0]
        return [number for number, one in enumerate(self.schedulers) if one not in ended]


@pytest.fixture
def make_zygote() -> Iterator[Callable[[], Zygote]]:
    zygotes: list[Zygote] = []

    def make() -> Zygote:
        zygotes.append(Zygote())
        return zygotes[-1]

    yield make
    for zygote in zygotes:
        for scheduler in zygote.schedulers:
            scheduler.close()


@pytest.fixture
def zygote(make_zygote: Callable[[], Zygote]) -> Zygote:
    return make_zygote()


@pytest.fixture
def scheduling(zygote: Zygote) -> Iterator[Scheduling]:
    scheduling = Scheduling(wanted=True)
    scheduling.use(zygote)
    yield scheduling
    scheduling.stop()


def test_one_scheduler_is_forked_and_only_where_one_is_wanted(zygote: Zygote, scheduling: Scheduling) -> None:
    unwanted = Scheduling(wanted=False)
    unwanted.use(zygote)

    for node in (scheduling, scheduling, unwanted):
        assert node.look(1.0) is None

    assert zygote.living() == [0]


def test_one_that_dies_is_replaced_later_each_time_unless_it_has_lived_well(
    zygote: Zygote, scheduling: Scheduling, caplog: pytest.LogCaptureFixture
) -> None:
    now, pauses = 0.0, []
    for pid, lived in enumerate((0.1, 0.1, 0.1, LIVED_WELL)):
        scheduling.look(now)
        scheduling.name(zygote, pid)
        now += lived
        with caplog.at_level(logging.ERROR):
            assert scheduling.bury(pid, -9, now)
        again = scheduling.look(now)
        assert again is not None
        pauses.append(round(again - now, 3))
        now = again

    assert pauses == [1.0, 2.0, 4.0, 1.0]
    assert "SIGKILL" in caplog.text


def test_other_processes_are_not_taken_for_it(zygote: Zygote, scheduling: Scheduling) -> None:
    scheduling.look(0.0)

    assert not scheduling.bury(17, 0, 1.0)
    scheduling.name(zygote, 18)
    assert not scheduling.bury(17, 0, 1.0)
    assert zygote.living() == [0]


def test_a_node_that_stops_has_it_end_and_forks_no_other(zygote: Zygote, scheduling: Scheduling) -> None:
    scheduling.look(0.0)

    scheduling.stop()

    assert zygote.living() == []
    assert scheduling.look(1.0) is None
    assert len(zygote.schedulers) == 1


@pytest.mark.parametrize("told", [True, False])
def test_the_end_of_the_one_before_a_reload_is_not_that_of_the_new_one(
    zygote: Zygote, scheduling: Scheduling, make_zygote: Callable[[], Zygote], told: bool
) -> None:
    """Whether its zygote had told its pid before, or tells it while the new one is being forked."""
    scheduling.look(0.0)
    if told:
        scheduling.name(zygote, 17)
    reloaded = make_zygote()

    scheduling.use(reloaded)
    scheduling.look(1.0)
    scheduling.name(zygote, 17)

    assert not scheduling.bury(17, 0, 1.1)
    assert (zygote.living(), reloaded.living()) == ([], [0])
    scheduling.name(reloaded, 18)
    assert scheduling.bury(18, 1, 1.2)
