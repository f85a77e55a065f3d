"""The pipe that wakes the parent's loop."""

import os
import select
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sedano.worker.wakeup import Wakeup

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="reads the states of threads in /proc"
)


@pytest.fixture
def wakeup() -> Iterator[Wakeup[int]]:
    before = signal.getsignal(signal.SIGUSR2)
    wakeup: Wakeup[int] = Wakeup()
    wakeup.on_signals([signal.SIGUSR2], lambda number: number)
    yield wakeup
    signal.signal(signal.SIGUSR2, before)
    wakeup.close()


def test_a_signal_that_another_thread_is_handed_ends_the_waiting(wakeup: Wakeup[int]) -> None:
    main = threading.get_native_id()

    def be_signalled() -> None:
        while _state(main) != "S":
            pass
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR2)

    other = threading.Thread(target=be_signalled)
    other.start()
    ready, _, _ = select.select([wakeup], [], [], 30)
    other.join()

    assert ready == [wakeup]
    assert wakeup.take() == [signal.SIGUSR2]


def test_a_signal_leaves_a_note_when_nobody_waits(wakeup: Wakeup[int]) -> None:
    os.kill(os.getpid(), signal.SIGUSR2)

    assert select.select([wakeup], [], [], 30)[0] == [wakeup]
    assert wakeup.take() == [signal.SIGUSR2]


def _state(thread_id: int) -> str:
    """R: running, S: waiting (proc(5))."""
    return Path(f"/proc/self/task/{thread_id}/stat").read_text().rpartition(")")[2].split()[0]
