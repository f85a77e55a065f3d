"""The node's care for the process of the receivers. The tests take the zygote's and the herald's part."""

import logging
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from sedano.brokers.settlement import Bury, Park, Requeue, Settlement
from sedano.worker.channel import Channel
from sedano.worker.herald_link import LARGEST_QUEUE, HeraldLink
from sedano.worker.herald_words import (
    HeartbeatSent,
    TaskRejected,
    TaskUnknown,
    Word,
    WorkerReady,
    WorkerShutdown,
    WorkerShuttingDown,
    decode,
)
from sedano.worker.heralding import LAST_WORDS, Heralding
from sedano.worker.notes import ReceiversShouldHear
from tests.unit.worker.conftest import delivery

ALL = frozenset({"worker_ready", "worker_shutting_down", "worker_shutdown", "heartbeat_sent", "task_unknown"})


class Herald:
    """What the zygote would fork."""

    def __init__(self, link: HeraldLink, pid: int) -> None:
        self.pid = pid
        self._channel = Channel(socket.socket(fileno=socket.dup(link.descriptor_for_herald())))

    def hear(self) -> Word | None:
        """The next word; None if the node has hung up."""
        message = self._channel.receive()
        return None if message is None else decode(message)

    def answer(self) -> None:
        self._channel.send(b"")

    def close(self) -> None:
        self._channel.close()


@dataclass
class Zygote:
    awaited: frozenset[str]
    heralds: list[Herald] = field(default_factory=list)
    killed: list[tuple[int, int]] = field(default_factory=list)
    first_pid: int = 0

    def fork_herald(self, herald: HeraldLink) -> None:
        self.heralds.append(Herald(herald, self.first_pid + len(self.heralds)))
        herald.forget_heralds_end()
        herald.pid = self.heralds[-1].pid

    def kill(self, pid: int, number: int) -> None:
        self.killed.append((pid, number))


class Loop:
    """The part of the node's loop that heralds need."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.notes: list[ReceiversShouldHear] = []
        self.heralding = Heralding(self.selector, self.notes.append)

    def turn(self) -> None:
        for key, _ in self.selector.select(5):
            key.data()


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.heralding.farewell(lambda: True)
    loop.selector.close()


@pytest.fixture
def make_zygote() -> Iterator[Callable[..., Zygote]]:
    zygotes: list[Zygote] = []

    def make(awaited: frozenset[str] = ALL) -> Zygote:
        zygotes.append(Zygote(awaited, first_pid=100 * (len(zygotes) + 1)))
        return zygotes[-1]

    yield make
    for zygote in zygotes:
        for herald in zygote.heralds:
            herald.close()


@pytest.fixture
def zygote(make_zygote: Callable[..., Zygote]) -> Zygote:
    return make_zygote()


def test_without_receivers_there_is_no_herald(loop: Loop, make_zygote: Callable[..., Zygote]) -> None:
    zygote = make_zygote(awaited=frozenset())
    loop.heralding.use(zygote, [], 0.0)

    assert loop.heralding.look(0.0, ready=True) is None
    assert not zygote.heralds


def test_the_herald_is_there_before_the_worker_is_ready(loop: Loop, zygote: Zygote) -> None:
    loop.heralding.use(zygote, [], 0.0)

    loop.heralding.look(0.0, ready=False)
    (herald,) = zygote.heralds
    loop.heralding.look(1.0, ready=True)
    loop.heralding.look(2.0, ready=True)
    loop.heralding.tell(WorkerShuttingDown("SIGTERM", "Warm"))

    assert herald.hear() == WorkerReady()
    assert herald.hear() == WorkerShuttingDown("SIGTERM", "Warm")


def test_words_that_nobody_waits_for_are_not_sent(loop: Loop, make_zygote: Callable[..., Zygote]) -> None:
    zygote = make_zygote(awaited=frozenset({"worker_shutting_down"}))
    loop.heralding.use(zygote, [], 0.0)
    loop.heralding.look(0.0, ready=True)

    loop.heralding.tell(HeartbeatSent())
    loop.heralding.tell(WorkerShuttingDown("SIGINT", "Cold"))

    (herald,) = zygote.heralds
    assert herald.hear() == WorkerShuttingDown("SIGINT", "Cold")


def test_a_stop_before_the_worker_was_ready_is_not_called_ready(loop: Loop, zygote: Zygote) -> None:
    loop.heralding.use(zygote, [], 0.0)
    loop.heralding.look(0.0, ready=False)

    loop.heralding.tell(WorkerShuttingDown("SIGTERM", "Warm"))
    loop.heralding.look(1.0, ready=True, stopping=True)

    assert isinstance(zygote.heralds[0].hear(), WorkerShuttingDown)


def test_a_herald_that_dies_is_replaced_after_a_while_and_told_that_the_worker_is_ready(
    loop: Loop, zygote: Zygote, caplog: pytest.LogCaptureFixture
) -> None:
    loop.heralding.use(zygote, [], 0.0)
    loop.heralding.look(0.0, ready=True)
    zygote.heralds[0].close()

    assert loop.heralding.bury(100, -9, 10.0)

    assert "ended during worker_ready (signal 9 (SIGKILL))" in caplog.text
    assert loop.heralding.look(10.0, ready=True) == 11.0
    loop.heralding.look(11.0, ready=True)
    assert zygote.heralds[1].hear() == WorkerReady()
    loop.heralding.bury(101, 1, 20.0)
    assert loop.heralding.look(20.0, ready=True) == 22.0, "it waits longer each time"


def test_while_the_node_stops_there_is_no_other_herald(loop: Loop, zygote: Zygote) -> None:
    loop.heralding.use(zygote, [], 0.0)
    loop.heralding.look(0.0, ready=True)
    loop.heralding.bury(100, -9, 10.0)

    loop.heralding.look(100.0, ready=True, stopping=True)

    assert len(zygote.heralds) == 1


def test_other_processes_are_not_the_heralds(loop: Loop, zygote: Zygote) -> None:
    loop.heralding.use(zygote, [], 0.0)
    loop.heralding.look(0.0, ready=True)

    assert not loop.heralding.bury(4711, 0, 0.0)


def test_new_code_gets_its_herald_when_the_old_one_has_left(
    loop: Loop, zygote: Zygote, make_zygote: Callable[..., Zygote]
) -> None:
    new = make_zygote()
    loop.heralding.use(zygote, [], 0.0)
    loop.heralding.look(0.0, ready=True)
    (old,) = zygote.heralds

    loop.heralding.use(new, [], 1.0)
    loop.heralding.look(1.0, ready=True)
    assert [old.hear(), old.hear()] == [WorkerReady(), WorkerShutdown()]
    assert loop.heralding.needs(zygote)
    assert not new.heralds
    old.answer()
    old.answer()
    loop.turn()
    loop.heralding.look(2.0, ready=True)
    assert old.hear() is None
    assert loop.heralding.bury(100, 0, 2.0)
    loop.heralding.look(2.0, ready=True)

    assert not loop.heralding.needs(zygote)
    assert new.heralds[0].hear() == WorkerReady()


def test_an_old_herald_that_does_not_leave_is_killed(
    loop: Loop, zygote: Zygote, caplog: pytest.LogCaptureFixture, make_zygote: Callable[..., Zygote]
) -> None:
    loop.heralding.use(zygote, [], 0.0)
    loop.heralding.look(0.0, ready=True)
    loop.heralding.use(make_zygote(awaited=frozenset()), [], 1.0)

    assert loop.heralding.look(1.0, ready=True) == 1.0 + LAST_WORDS
    loop.heralding.look(1.0 + LAST_WORDS, ready=True)

    assert zygote.killed == [(100, 9)]
    assert "Receivers of worker_ready did not end" in caplog.text
    loop.heralding.bury(100, -9, 7.0)
    assert loop.heralding.look(7.0, ready=True) is None


def test_heralds_die_with_their_zygote(
    loop: Loop, zygote: Zygote, make_zygote: Callable[..., Zygote]
) -> None:
    new = make_zygote()
    loop.heralding.use(zygote, [], 0.0)
    loop.heralding.look(0.0, ready=True)

    loop.heralding.lose(zygote)
    loop.heralding.look(1.0, ready=True)
    loop.heralding.use(new, [], 2.0)
    loop.heralding.look(2.0, ready=True)

    assert len(zygote.heralds) == len(new.heralds) == 1


def test_at_the_end_the_node_waits_until_the_last_word_was_heard(loop: Loop, zygote: Zygote) -> None:
    loop.heralding.use(zygote, [], 0.0)
    loop.heralding.look(0.0, ready=False)
    (herald,) = zygote.heralds
    heard: list[Word | None] = []

    def serve() -> None:
        heard.append(herald.hear())
        herald.answer()
        heard.append(herald.hear())

    server = threading.Thread(target=serve)
    server.start()
    loop.heralding.farewell(lambda: False)
    server.join(5)

    assert heard == [WorkerShutdown(), None]


def test_a_signal_ends_that_wait(loop: Loop, zygote: Zygote, caplog: pytest.LogCaptureFixture) -> None:
    loop.heralding.use(zygote, [], 0.0)
    loop.heralding.look(0.0, ready=True)

    loop.heralding.farewell(lambda: True)

    assert "Receivers of worker_ready did not end" in caplog.text


def test_a_herald_that_has_died_is_not_waited_for(loop: Loop, zygote: Zygote) -> None:
    loop.heralding.use(zygote, [], 0.0)
    loop.heralding.look(0.0, ready=True)
    zygote.heralds[0].close()

    loop.heralding.farewell(lambda: False)


def test_slow_receivers_do_not_fill_the_node(
    loop: Loop, zygote: Zygote, caplog: pytest.LogCaptureFixture
) -> None:
    loop.heralding.use(zygote, [], 0.0)
    loop.heralding.look(0.0, ready=True)

    for _ in range(LARGEST_QUEUE + 50):
        loop.heralding.tell(HeartbeatSent())
        loop.heralding.tell(TaskUnknown(delivery(task="nobody.knows")))
    with caplog.at_level(logging.WARNING):
        loop.heralding.farewell(lambda: True)

    assert "messages were not told to receivers" in caplog.text
    heard = []
    while (word := zygote.heralds[0].hear()) is not None:
        heard.append(type(word))
    assert heard.count(HeartbeatSent) == 1
    assert 0 < heard.count(TaskUnknown) <= LARGEST_QUEUE


@pytest.mark.parametrize(
    ("settlement", "task", "expected"),
    [
        (Park(1), "nobody.knows", TaskUnknown),
        (Park(1), "short", None),
        (Requeue(1), "short", None),
        (Bury(1, reason="MalformedMessage: eta"), "short", TaskRejected),
    ],
    ids=["unknown", "of another node's slots", "not due", "unreadable"],
)
def test_what_the_feeder_does_not_admit_is_told(
    loop: Loop,
    settlement: Settlement,
    task: str,
    expected: type[Word] | None,
    make_zygote: Callable[..., Zygote],
) -> None:
    loop.heralding.use(make_zygote(awaited=ALL | {"task_rejected"}), ["short"], 0.0)

    loop.heralding.refused(delivery(task=task), settlement)

    assert [type(note.word) for note in loop.notes] == ([] if expected is None else [expected])


def test_the_feeder_s_news_wake_nobody_if_nobody_listens(
    loop: Loop, make_zygote: Callable[..., Zygote]
) -> None:
    loop.heralding.use(make_zygote(awaited=frozenset()), [], 0.0)

    loop.heralding.heartbeat()
    loop.heralding.refused(delivery(task="nobody.knows"), Park(1))

    assert not loop.notes
