"""The fixtures of ``sedano.testing.pytest_plugin``, in a project."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import bakery  # type: ignore[import-not-found]
import pytest

from sedano import Sedano
from sedano.clock import SystemClock
from sedano.testing import ManualClock, WorkerThread, assert_published


@pytest.fixture(scope="session")
def sedano_project_app() -> Sedano:
    app: Sedano = bakery.app
    return app


def test_tasks_are_published_and_run(sedano_run: Callable[..., Any], sedano_published: Any) -> None:
    result = bakery.bake.delay("roll")

    assert [one.args for one in sedano_published(bakery.bake)] == [("roll",)]
    assert [run.result for run in sedano_run()] == ["a warm roll"]
    assert result.get(timeout=0) == "a warm roll"


@pytest.mark.parametrize("number", [1, 2])
def test_every_test_has_an_empty_broker(sedano_app: Sedano, sedano_published: Any, number: int) -> None:
    assert sedano_published() == []

    bakery.bake.delay("roll")

    assert_published(sedano_app, bakery.bake, count=1)


def test_it_is_the_projects_application_in_memory(sedano_app: Sedano) -> None:
    assert sedano_app is bakery.app
    assert (sedano_app.broker.name, sedano_app.results.name) == ("memory", "memory")


def test_time_is_real_unless_the_test_asks_for_the_clock(sedano_app: Sedano) -> None:
    assert isinstance(sedano_app.clock, SystemClock)


def test_time_can_be_let_pass(sedano_clock: ManualClock, sedano_run: Callable[..., Any]) -> None:
    result = bakery.deliver.delay("bread")

    assert [run.state for run in sedano_run()] == ["RETRY"]
    assert [run.state for run in sedano_run(advance=timedelta(minutes=9))] == []
    assert [run.state for run in sedano_run(advance=timedelta(minutes=1))] == ["SUCCESS"]
    assert result.get(timeout=0) == "bread delivered"


def test_moments_that_the_code_names_are_near_the_clocks(
    sedano_clock: ManualClock, sedano_run: Callable[..., Any]
) -> None:
    bakery.bake.apply_async(("roll",), eta=SystemClock().now() + timedelta(hours=1))

    assert sedano_run() == []
    assert len(sedano_run(advance=timedelta(hours=2))) == 1


def test_a_worker_works_beside_the_test(sedano_worker: WorkerThread) -> None:
    assert bakery.bake.delay("cake").get(timeout=10) == "a warm cake"


def test_shared_tasks_are_the_projects(sedano_run: Callable[..., Any]) -> None:
    bakery.clean.delay()

    assert [run.result for run in sedano_run()] == ["clean"]


@pytest.mark.sedano(task_default_queue="ovens", task_always_eager=False)
class TestSettings:
    def test_the_marker_of_the_class_counts(self, sedano_app: Sedano) -> None:
        assert sedano_app.conf.task_default_queue == "ovens"

    @pytest.mark.sedano(task_default_queue="stones")
    def test_that_of_the_test_counts_more(self, sedano_app: Sedano) -> None:
        assert sedano_app.conf.task_default_queue == "stones"


@pytest.mark.parametrize("answer", [1, 2])
def test_each_test_can_define_tasks_of_its_own(
    sedano_app: Sedano, sedano_run: Callable[..., Any], answer: int
) -> None:
    @sedano_app.task
    def own() -> int:
        return answer

    own.delay()

    assert [run.result for run in sedano_run()] == [answer]
