"""Each job is started by the child or recalled by the parent, never both."""

import threading
from collections.abc import Iterator

import pytest

from sedano.worker.permits import PermitPipe, PermitReader


@pytest.fixture
def pipe() -> Iterator[PermitPipe]:
    pipe = PermitPipe()
    yield pipe
    pipe.close()


def test_a_child_takes_one_permit_for_each_job(pipe: PermitPipe) -> None:
    child = PermitReader(pipe.reader)

    pipe.grant(7, 2)
    pipe.grant(8, 1)

    assert [child.take() for _ in range(4)] == [7, 7, 8, None]


def test_recalled_permits_are_those_not_taken(pipe: PermitPipe) -> None:
    child = PermitReader(pipe.reader)
    pipe.grant(1, 5)
    child.take()

    assert pipe.recall() == 4
    assert child.take() is None
    assert pipe.recall() == 0


def test_a_closed_pipe_ends_the_child(pipe: PermitPipe) -> None:
    child = PermitReader(pipe.reader)
    pipe.grant(1, 1)
    pipe.close_writer()

    assert child.take() == 1
    with pytest.raises(EOFError):
        child.take()


def test_no_permit_goes_to_both_sides_however_they_race(pipe: PermitPipe) -> None:
    child = PermitReader(pipe.reader)
    taken = 0

    def take_until_empty() -> None:
        nonlocal taken
        while True:
            permit = child.take()
            if permit is None:
                return
            taken += 1

    for _ in range(300):
        before = taken
        pipe.grant(1, 64)
        thread = threading.Thread(target=take_until_empty)
        thread.start()
        recalled = pipe.recall()
        thread.join()
        assert taken - before + recalled == 64
