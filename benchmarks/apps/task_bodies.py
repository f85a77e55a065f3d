"""What the toy tasks do, the same for every contender.

Each folder beside this file has a ``bench_app.py`` with the contender's application and ``CALLS``: how each
of its tasks is called, as the contender's documentation does it (``delay()`` and its likes). The names are

    noop                nothing, counted
    noop_in_an_hour     the same, due in an hour
    tell_start          say when the task began
    work_and_tell       5 ms of work, then the same
    kill_own_process    what a segmentation fault does

The environment says where the server is (BENCH_URL) and that of the results (BENCH_RESULTS_URL; mostly the
same), whether results are stored (BENCH_STORE_RESULTS: empty or not) and where calls are counted
(BENCH_CALLS_FOLDER).
"""

import mmap
import os
import signal
import socket
import time

_timing_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

#: This process' count, in the memory that it shares with its file; None until the first call.
_calls: memoryview | None = None


def _forget_the_parents_count() -> None:
    global _calls
    _calls = None


os.register_at_fork(after_in_child=_forget_the_parents_count)


def count_call() -> None:
    """Count this call where the benchmark sees it. One thread of a process calls this."""
    global _calls
    if _calls is None:
        cell = os.open(f"{os.environ['BENCH_CALLS_FOLDER']}/{os.getpid()}", os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(cell, 8)
        _calls = memoryview(mmap.mmap(cell, 8)).cast("Q")
    _calls[0] += 1


def tell_moment(address: str) -> None:
    """Say what time it is to a socket that the benchmark listens on."""
    _timing_socket.sendto(str(time.time_ns()).encode(), address)


def work_and_tell_moment(address: str) -> None:
    """Work for 5 ms, then say that it is done."""
    time.sleep(0.005)
    tell_moment(address)


def kill_own_process() -> None:
    """What a segmentation fault does."""
    os.kill(os.getpid(), signal.SIGKILL)
