"""``start_worker``: a real node in a thread."""

import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from sedano import Sedano, chord, current_app
from sedano.errors import NotSupported
from sedano.testing import ManualClock, published, start_worker


@pytest.fixture(params=["memory", "sqlite"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    broker = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'queue.db'}"
    with Sedano("tested", broker=broker, set_as_current=False) as app:

        @app.task(name="add")
        def add(x: int, y: int) -> int:
            return x + y

        @app.task(name="total")
        async def total(numbers: list[int]) -> int:
            return sum(numbers)

        yield app


def test_tasks_run_beside_the_test(app: Sedano) -> None:
    before = app.tasks["add"].delay(1, 2)

    with start_worker(app) as worker:
        after = app.tasks["add"].delay(3, 4)

        assert (before.get(timeout=10), after.get(timeout=10)) == (3, 7)
        assert worker.is_alive
    assert not worker.is_alive


def test_workflows_and_coroutines_run_too(app: Sedano) -> None:
    add = app.tasks["add"]

    with start_worker(app):
        result = chord([add.s(n, n) for n in range(3)], app.tasks["total"].s(), app=app).apply_async()

        assert result.get(timeout=10) == 6


def test_the_name_and_the_queues_can_be_chosen(app: Sedano) -> None:
    @app.task(name="where", bind=True)
    def where(self: Any) -> str:
        return str(self.request.hostname)

    elsewhere = where.delay()
    with start_worker(app, queues="mails,reports", exclude_queues=["reports"], hostname="w1@test") as worker:
        result = where.apply_async(queue="mails")

        assert result.get(timeout=10) == worker.hostname == "w1@test"
    assert [one.id for one in published(app)] == [elsewhere.id]


def test_tasks_may_have_time_limits(app: Sedano) -> None:
    @app.task(name="limited", time_limit=5, soft_time_limit=4)
    def limited() -> int:
        return 1

    with start_worker(app):
        assert limited.delay().get(timeout=10) == 1


def test_tasks_that_are_defined_beside_it_are_known_to_it(app: Sedano) -> None:
    with start_worker(app):
        result = app.task(lambda: "late", name="late").delay()

        assert result.get(timeout=10) == "late"


def test_nothing_is_said_of_its_end(app: Sedano, caplog: pytest.LogCaptureFixture) -> None:
    with start_worker(app):
        app.tasks["add"].delay(1, 2).get(timeout=10)

    assert [record.message for record in caplog.records if record.levelname != "INFO"] == []


def test_a_clock_that_is_turned_makes_messages_due() -> None:
    clock = ManualClock()
    with Sedano("tested", broker="memory://", set_as_current=False, clock=clock) as app:
        result = app.task(lambda: 1, name="one").apply_async(countdown=3600)

        with start_worker(app):
            clock.advance(3600)

            assert result.get(timeout=10) == 1


def test_the_application_is_the_current_one_meanwhile(app: Sedano) -> None:
    before = current_app._get_current_object()  # type: ignore[attr-defined]

    with start_worker(app):
        assert current_app == app
    assert current_app == before


def test_the_signal_handlers_of_the_process_stay(app: Sedano) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

    with start_worker(app):
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_the_end_waits_for_the_task_that_runs(app: Sedano) -> None:
    begun, may_end = threading.Event(), threading.Event()

    @app.task(name="wait")
    def wait() -> int:
        begun.set()
        may_end.wait(10)
        return 1

    with start_worker(app):
        result = wait.delay()
        begun.wait(10)
        may_end.set()

    assert result.get(timeout=0) == 1


def test_an_end_that_takes_too_long_is_an_error(app: Sedano) -> None:
    begun, may_end = threading.Event(), threading.Event()

    @app.task(name="wait")
    def wait() -> int:
        begun.set()
        may_end.wait(10)
        return 1

    with (
        pytest.raises(RuntimeError, match=r"within 0.01 s.*shutdown_timeout"),
        start_worker(app, shutdown_timeout=0.01) as worker,
    ):
        wait.delay()
        begun.wait(10)

    may_end.set()
    worker.stop(10)


def test_several_workers_share_the_work(app: Sedano) -> None:
    at_once = threading.Barrier(2, timeout=10)

    @app.task(name="meet")
    def meet() -> int:
        return at_once.wait()

    with start_worker(app), start_worker(app):
        results = [meet.delay(), meet.delay()]

        assert {result.get(timeout=10) for result in results} == {0, 1}


def test_what_celery_takes_and_means_nothing_here_is_taken(app: Sedano) -> None:
    with start_worker(
        app, concurrency=1, loglevel="error", perform_ping_check=False, without_heartbeat=True
    ) as worker:
        assert worker.is_alive


def test_what_a_thread_cannot_do_is_refused(app: Sedano) -> None:
    with pytest.raises(NotSupported, match="sedano worker"), start_worker(app, pool="prefork"):
        pass
    with pytest.raises(NotSupported, match="colour"), start_worker(app, colour="green"):
        pass
