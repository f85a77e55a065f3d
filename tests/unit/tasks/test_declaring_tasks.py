"""What the decorators and ``register_task`` make."""

import asyncio
import copy
import inspect
import pickle

import pytest

from sedano import Sedano, Task, shared_task
from sedano.errors import ConfigurationError, NotSupported, TaskNotRegistered


@shared_task(bind=True, name="tests.shared_by_name", max_retries=7)
def shared(self: Task[..., object], x: int) -> str:
    """Adds nothing."""
    return f"{self.name} {x}"


def test_a_task_is_named_after_its_module_and_function(app: Sedano) -> None:
    @app.task
    def add(x: int) -> int:
        return x

    assert add.name == f"{__name__}.add"
    assert app.tasks[add.name] is add


def test_a_task_is_still_the_function_it_was_made_of(app: Sedano) -> None:
    assert shared(1) == "tests.shared_by_name 1"
    assert shared.__name__ == "shared"
    assert shared.__doc__ == "Adds nothing."
    assert str(inspect.signature(shared.__wrapped__)) == "(x: int) -> str"


def test_a_shared_task_is_in_every_application(app: Sedano) -> None:
    assert app.tasks["tests.shared_by_name"] is shared
    assert shared.max_retries == 7


def test_a_task_of_the_applications_own_goes_before_a_shared_one(app: Sedano) -> None:
    @app.task(name="tests.owned")
    def owned() -> None: ...

    @shared_task(name="tests.owned")
    def other() -> None: ...

    assert app.tasks["tests.owned"] is owned


def test_a_coroutine_function_is_known_as_one(app: Sedano) -> None:
    @app.task
    async def fetch(x: int) -> int:
        return x

    @app.task
    def add(x: int) -> int:
        return x

    assert (fetch.is_coroutine, add.is_coroutine) == (True, False)
    assert asyncio.run(fetch(3)) == 3


def test_a_class_of_ones_own_is_made_once_and_keeps_its_state(app: Sedano) -> None:
    class Counting(Task[..., int]):
        count = 0
        queue = "counted"

    @app.task(base=Counting, bind=True)
    def count(self: Counting) -> int:
        self.count += 1
        return self.count

    assert isinstance(count, Counting)
    assert (count(), count()) == (1, 2)
    assert (Counting.count, count.queue) == (0, "counted")


def test_the_application_may_have_a_class_for_all_its_tasks() -> None:
    class Ours(Task[..., object]): ...

    app = Sedano("proj", task_cls=Ours, set_as_current=False)

    @app.task
    def ping() -> None: ...

    assert isinstance(ping, Ours)


def test_a_class_with_run_is_registered_as_a_task(app: Sedano) -> None:
    class Add(Task[[int, int], int]):
        name = "proj.add"

        def run(self, x: int, y: int) -> int:
            return x + y

    add = app.register_task(Add())
    unnamed = app.register_task(type("Other", (Add,), {"name": "", "__module__": "proj.tasks"}))

    assert app.tasks["proj.add"] is add
    assert unnamed.name == "proj.tasks.Other"
    assert add(1, 2) == 3
    add.delay(1, 2)


def test_a_class_without_run_is_no_task(app: Sedano) -> None:
    class Nothing(Task[..., object]): ...

    with pytest.raises(ConfigurationError, match=r"Nothing is no task: give it a method run\(\)"):
        app.register_task(Nothing())


def test_a_task_without_an_application_says_what_to_do() -> None:
    class Lost(Task[[], None]):
        def run(self) -> None: ...

    with pytest.raises(ConfigurationError, match="register_task"):
        Lost().delay()


def test_options_that_a_task_does_not_set_read_as_the_settings(app: Sedano) -> None:
    @app.task
    def plain() -> None: ...

    @app.task(acks_late=False, time_limit=3)
    def own() -> None: ...

    app.conf.update(task_acks_late=True, task_time_limit=60, task_track_started=True)

    assert (plain.acks_late, plain.time_limit, plain.track_started) == (True, 60, True)
    assert (own.acks_late, own.time_limit, own.track_started) == (False, 3, True)


def test_an_option_set_later_counts(app: Sedano) -> None:
    @app.task
    def plain() -> None: ...

    plain.ignore_result = True

    assert plain.ignore_result is True


def test_none_leaves_an_option_to_the_settings_but_retries_for_ever(app: Sedano) -> None:
    @app.task(time_limit=None, max_retries=None)
    def plain() -> None: ...

    app.conf.task_time_limit = 5

    assert (plain.time_limit, plain.max_retries) == (5, None)


def test_unknown_options_become_attributes(app: Sedano) -> None:
    @app.task(colour="green")  # type: ignore[call-overload]
    def plain() -> None: ...

    assert plain.colour == "green"


@pytest.mark.parametrize(
    ("options", "error", "complaint"),
    [
        ({"max_retires": 3}, ConfigurationError, "Did you mean 'max_retries'"),
        ({"rate_limits": "10/m"}, ConfigurationError, "Did you mean 'rate_limit'"),
        ({"pydantic": True}, NotSupported, "pydantic"),
        ({"exchange": "media"}, NotSupported, "Give queue="),
    ],
)
def test_options_that_would_silently_do_nothing_are_refused(
    app: Sedano, options: dict[str, object], error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        app.task(**options)(lambda: None)  # type: ignore[call-overload]


def test_options_that_say_nothing_are_let_through(app: Sedano) -> None:
    app.task(rate_limit=None, pydantic=False, lazy=True, shared=True)(lambda: None)  # type: ignore[call-overload]


def test_a_missing_task_says_what_was_probably_meant(app: Sedano) -> None:
    @app.task(name="proj.add")
    def add() -> None: ...

    with pytest.raises(TaskNotRegistered, match=r"Did you mean 'proj\.add'"):
        app.tasks["proj.ad"]
    assert app.tasks.get("proj.ad") is None


def test_a_task_can_be_taken_out_again(app: Sedano) -> None:
    @app.task(name="proj.add")
    def add() -> None: ...

    app.tasks.unregister(add)

    assert "proj.add" not in app.tasks
    with pytest.raises(TaskNotRegistered):
        app.tasks.unregister("proj.add")


def test_annotations_give_tasks_attributes(app: Sedano) -> None:
    app.conf.task_annotations = {
        "*": {"priority": 1, "queue": "all"},
        "proj.add": {"queue": "own", "@run": lambda run: lambda *args: run(*args) * 10},
    }

    @app.task(name="proj.add")
    def add(x: int) -> int:
        return x

    app.finalize()

    @app.task(name="proj.later")
    def later() -> None: ...

    assert (add.priority, add.queue, add(2)) == (1, "own", 20)
    assert (later.priority, later.queue) == (1, "all")


def test_annotations_may_come_from_an_object(app: Sedano) -> None:
    class Annotating:
        def annotate(self, task: Task[..., object]) -> dict[str, object] | None:
            return {"priority": 5} if task.name == "proj.add" else None

    app.conf.task_annotations = [Annotating(), {"proj.add": {"queue": "own"}}]

    @app.task(name="proj.add")
    def add() -> None: ...

    add.delay()

    assert (add.priority, add.queue) == (5, "own")


def test_a_task_is_pickled_as_the_name_it_has_in_its_module() -> None:
    assert pickle.loads(pickle.dumps(shared)) is shared  # noqa: S301
    assert copy.deepcopy(shared) is shared


def test_two_functions_under_one_name_are_reported_and_the_second_counts(app: Sedano) -> None:
    @app.task(name="proj.add")
    def first() -> None: ...

    with pytest.warns(UserWarning, match=r"Two tasks are named 'proj\.add': .*first and .*second"):

        @app.task(name="proj.add")
        def second() -> None: ...

    assert app.tasks["proj.add"] is second


def test_a_function_that_is_defined_anew_takes_the_place_of_the_old_one(app: Sedano) -> None:
    def declare() -> Task[..., object]:
        @app.task(name="proj.add")
        def add() -> None: ...

        return add

    declare()

    assert declare() is app.tasks["proj.add"]


def test_annotations_of_an_application_that_is_not_current_leave_shared_tasks_alone(app: Sedano) -> None:
    app.conf.task_annotations = {"*": {"queue": "all"}}
    app.finalize()

    @shared_task(name="tests.annotated")
    def annotated() -> None: ...

    assert annotated.queue is None
    with Sedano("current", broker="memory://", task_annotations={"*": {"queue": "own"}}) as current:
        current.finalize()
        assert annotated.queue == "own"
