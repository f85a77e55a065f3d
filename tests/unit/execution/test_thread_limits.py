"""Time limits of functions in threads."""

import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sedano.errors import SoftTimeLimitExceeded, TimeLimitExceeded
from sedano.execution.limits import HardLimitPassed
from sedano.execution.thread_limits import ThreadLimits

PATIENCE = 20.0


@pytest.fixture
def limits() -> Iterator[ThreadLimits]:
    """Limits, and a thread that watches them."""
    limits, over = ThreadLimits(), threading.Event()

    def watch() -> None:
        while not over.is_set():
            over.wait(min(limits.raise_overdue() or 0.002, 0.002))

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield limits
    over.set()
    watcher.join()


def in_thread(run: Callable[[], object]) -> object:
    """What the function returns or raises in a thread of its own."""
    found: list[object] = []

    def catch() -> None:
        try:
            found.append(run())
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=catch)
    thread.start()
    thread.join(PATIENCE)
    return found[0] if found else "it never ended"


def work(seconds: float) -> None:
    """As the user's code does: in Python, step by step."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def limited(limits: ThreadLimits, seconds: float, soft: float | None, hard: float | None = None) -> object:
    limits.arm(soft, hard)
    try:
        work(seconds)
    finally:
        limits.disarm()
    return "done"


def test_a_soft_limit_raises_in_the_thread_that_is_overdue(limits: ThreadLimits) -> None:
    assert isinstance(in_thread(lambda: limited(limits, PATIENCE, 0.02)), SoftTimeLimitExceeded)


def test_a_hard_limit_raises_what_no_task_expects(limits: ThreadLimits) -> None:
    error = in_thread(lambda: limited(limits, PATIENCE, None, 0.02))

    assert isinstance(error, HardLimitPassed)
    assert isinstance(error, TimeLimitExceeded)


def test_the_hard_limit_comes_after_a_soft_one_that_was_not_heeded(limits: ThreadLimits) -> None:
    def run() -> list[type]:
        caught = []
        limits.arm(0.02, 0.05)
        for _ in range(2):
            try:
                work(PATIENCE)
            except TimeLimitExceeded:
                caught.append(TimeLimitExceeded)
            except SoftTimeLimitExceeded:
                caught.append(SoftTimeLimitExceeded)
        limits.disarm()
        return caught

    assert in_thread(run) == [SoftTimeLimitExceeded, TimeLimitExceeded]


def test_a_call_that_ends_in_time_is_left_alone(limits: ThreadLimits) -> None:
    def run() -> object:
        limited(limits, 0.0, 0.02, 0.03)
        work(0.1)
        return "undisturbed"

    assert in_thread(run) == "undisturbed"


def test_other_threads_are_left_alone(limits: ThreadLimits) -> None:
    def run() -> object:
        limits.arm(PATIENCE, None)
        try:
            return in_thread(lambda: limited(limits, PATIENCE, 0.02)), in_thread(
                lambda: limited(limits, 0.1, 1)
            )
        finally:
            limits.disarm()

    interrupted, undisturbed = in_thread(run)  # type: ignore[misc]
    assert isinstance(interrupted, SoftTimeLimitExceeded)
    assert undisturbed == "done"


def test_a_limit_that_passes_as_the_call_ends_hits_nothing_after_it(limits: ThreadLimits) -> None:
    def run() -> set[str]:
        ends = set()
        for _ in range(300):
            try:
                limited(limits, 0.002, 0.002)
                ends.add("done")
            except SoftTimeLimitExceeded:
                ends.add("interrupted")
                limits.disarm()
            work(0.0005)
        work(0.05)
        return ends

    ends = in_thread(run)
    assert isinstance(ends, set)
    assert ends <= {"done", "interrupted"}


def test_the_interpreter_is_at_rest_after_an_interruption(limits: ThreadLimits) -> None:
    def run() -> str:
        for soft in (0.02, 0.0):
            with pytest.raises(SoftTimeLimitExceeded):
                limited(limits, PATIENCE, soft)
        sys.setprofile(lambda frame, event, argument: None)
        try:
            return str.upper("profiled")
        finally:
            sys.setprofile(None)

    assert in_thread(run) == "PROFILED"


def test_disarming_twice_does_no_harm(limits: ThreadLimits) -> None:
    def run() -> object:
        limits.disarm()
        limited(limits, 0.0, 1.0)
        limits.disarm()
        return "fine"

    assert in_thread(run) == "fine"
