"""The process that runs the user's functions, seen from the parent; here it is a thread."""

import socket
import threading
from collections.abc import Iterator

import pytest

from sedano import Sedano
from sedano.worker import frames
from sedano.worker.channel import Channel
from sedano.worker.child import Child
from sedano.worker.frames import Frame, Hello, Report
from sedano.worker.permits import PermitPipe
from tests.unit.worker.conftest import job, plan, traits

PATIENCE = 20.0


class Parent:
    """What the parent holds of one child."""

    def __init__(self) -> None:
        ours, childs = socket.socketpair()
        self._sockets = [ours, childs]
        self.channel = Channel(ours)
        ours.settimeout(PATIENCE)
        self.permits = PermitPipe()
        app = Sedano("tests", broker="memory://", set_as_current=False)
        app.task(name="tests.add")(lambda x, y: x + y)
        made = plan(tasks={"tests.add": traits()})
        self._child = Child(app, made, Channel(childs), self.permits.reader, {})
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        # As ``Child.run`` does, without the signals that belong to a main thread.
        try:
            self._child._channel.send(frames.encode(Hello(0)))
            self._child._work()
        except EOFError:
            pass

    def send(self, number: int, *tags: int) -> None:
        self.channel.send(frames.encode(Frame(number, [job(tag) for tag in tags])))

    def hear(self) -> Hello | Report:
        message = self.channel.receive()
        assert message is not None
        return frames.decode_from_child(message)

    def tags_done(self) -> list[int]:
        report = self.hear()
        assert isinstance(report, Report)
        return [executed.tag for executed in report.executed]

    def close(self) -> None:
        self.permits.close_writer()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        self.permits.close()
        for each in self._sockets:
            each.close()


@pytest.fixture
def parent() -> Iterator[Parent]:
    parent = Parent()
    assert isinstance(parent.hear(), Hello)
    yield parent
    parent.close()


def test_a_frame_is_done_when_its_jobs_are_permitted(parent: Parent) -> None:
    parent.send(0, 1, 2)
    parent.permits.grant(0, 2)

    assert parent.tags_done() == [1, 2]


def test_a_job_that_was_announced_is_done(parent: Parent) -> None:
    parent.channel.send(frames.HEADS_UP)
    parent.send(0, 1)
    parent.permits.grant(0, 1)

    assert parent.tags_done() == [1]


def test_a_job_that_was_announced_and_does_not_come_is_not_waited_for_in_vain(parent: Parent) -> None:
    parent.channel.send(frames.HEADS_UP)
    parent.channel.send(frames.HEADS_UP)
    parent.send(0, 1)
    parent.permits.grant(0, 1)
    assert parent.tags_done() == [1]

    parent.channel.send(frames.HEADS_UP)
    parent.send(1, 2)
    parent.permits.grant(1, 1)

    assert parent.tags_done() == [2]


def test_a_frame_that_was_recalled_before_it_began_is_not_done(parent: Parent) -> None:
    parent.send(0, 1, 2)
    parent.send(1, 3)
    parent.permits.grant(1, 1)

    assert parent.tags_done() == [3]
