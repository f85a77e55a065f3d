"""``in_memory`` lends an application a broker and a result store, and puts everything back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sedano import Sedano, current_app
from sedano.testing import ManualClock, in_memory, published, run_until_idle


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Sedano]:
    """An application with a broker of its own."""
    file = f"sqlite:///{tmp_path / 'queue.db'}"
    options = {"no_such_option": 1}
    with Sedano(
        "project", broker=file, set_as_current=False, broker_transport_options=options, task_always_eager=True
    ) as app:
        app.task(lambda: 1, name="one")
        yield app


def test_broker_and_results_are_in_memory(project: Sedano, tmp_path: Path) -> None:
    with in_memory(project) as app:
        result = app.tasks["one"].delay()
        run_until_idle(app)

        assert (app.broker.name, result.get(timeout=0)) == ("memory", 1)
    assert list(tmp_path.iterdir()) == []


def test_each_time_the_broker_is_empty(project: Sedano) -> None:
    with in_memory(project) as app:
        app.send_task("one")
    with in_memory(project) as app:
        assert published(app) == []


def test_the_environment_has_no_say_in_it(project: Sedano, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://nowhere")

    with in_memory(project) as app:
        assert app.broker.name == "memory"


def test_settings_are_those_of_the_project_and_those_given(project: Sedano) -> None:
    project.conf.task_default_queue = "mails"

    with in_memory(project, task_soft_time_limit=5) as app:
        assert (app.conf.task_default_queue, app.conf.task_soft_time_limit) == ("mails", 5)
    assert project.conf.task_soft_time_limit is None


def test_settings_made_meanwhile_are_taken_back(project: Sedano) -> None:
    with in_memory(project) as app:
        app.conf.task_default_queue = "mails"

        assert app.settings.tasks.default_queue == "mails"
    assert project.settings.tasks.default_queue == "celery"


def test_tasks_are_not_run_eagerly_unless_that_is_asked_for(project: Sedano) -> None:
    with in_memory(project) as app:
        assert not app.settings.tasks.always_eager
    with in_memory(project, task_always_eager=True) as app:
        assert app.tasks["one"].delay().get() == 1
    assert project.settings.tasks.always_eager


def test_another_place_can_be_named(project: Sedano, tmp_path: Path) -> None:
    with in_memory(project, result_backend=f"sqlite:///{tmp_path / 'results.db'}") as app:
        assert app.results is not None
        assert app.results.name == "sqlite"


def test_a_project_without_results_has_none(project: Sedano) -> None:
    project.conf.result_backend = "disabled"

    with in_memory(project) as app:
        assert app.results is None


def test_the_clock_is_lent_too(project: Sedano) -> None:
    clock, own = ManualClock(), project.clock

    with in_memory(project, clock=clock) as app:
        assert app.clock is clock
    assert project.clock is own


def test_it_is_the_current_application_meanwhile(project: Sedano) -> None:
    before = current_app._get_current_object()  # type: ignore[attr-defined]

    with in_memory(project):
        assert current_app == project
    assert current_app == before


def test_tasks_that_a_test_defines_are_forgotten(project: Sedano) -> None:
    def one() -> int:
        return 2

    with in_memory(project) as app:
        app.task(name="extra")(one)

        assert "extra" in app.tasks
    assert "extra" not in project.tasks
    assert "one" in project.tasks


def test_tasks_of_modules_that_a_test_imports_stay(
    project: Sedano, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "imported_in_a_test.py").write_text("def late(): pass\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))

    with in_memory(project) as app:
        import imported_in_a_test  # type: ignore[import-not-found]

        app.task(name="late")(imported_in_a_test.late)
    assert "late" in project.tasks


def test_it_is_put_back_after_an_error(project: Sedano) -> None:
    with pytest.raises(ZeroDivisionError), in_memory(project):
        raise ZeroDivisionError

    assert project.broker_url.startswith("sqlite:")
