"""The toy application of the benchmarks, written with potatoq. The one for Sedano beside it does the same."""

import os
import signal
import socket
import time

from potatoq import Potatoq

app = Potatoq("bench_app", broker=os.environ["BENCH_BROKER_URL"])

_timing_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


@app.task
def noop() -> None:
    """Nothing, with its result stored."""


@app.task(ignore_result=True)
def noop_without_result() -> None:
    """Nothing, and no result."""


@app.task(ignore_result=True)
def tell_start(address: str) -> None:
    """Say when this task began, to a socket that the benchmark listens on."""
    _timing_socket.sendto(str(time.time_ns()).encode(), address)


@app.task(ignore_result=True)
def work_and_tell(address: str) -> None:
    """Work for 5 ms, and say when it is done, as ``tell_start`` does."""
    time.sleep(0.005)
    _timing_socket.sendto(str(time.time_ns()).encode(), address)


@app.task(ignore_result=True)
def kill_own_process() -> None:
    """What a segmentation fault does."""
    os.kill(os.getpid(), signal.SIGKILL)
