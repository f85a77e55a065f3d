"""What tasks and applications give to be called later, and where those calls belong."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

import sedano
from sedano import GroupResult, ResultSet, Sedano, Signature, Task, group, shared_task, signature
from sedano.current import applications
from sedano.message.task_message import TaskMessage
from sedano.result import AsyncResult, allow_join_result, denied_join_result, result_from_tuple

Add = Task[[int, int], int]
Messages = Callable[..., list[TaskMessage]]


@pytest.fixture
def current(app: Sedano) -> Iterator[Sedano]:
    applications.set_current(app)
    yield app
    applications.set_current(None)


def test_s_takes_some_arguments_and_leaves_room_for_others(add: Add, messages: Messages) -> None:
    add.s(2).delay(1)

    assert [message.args for message in messages()] == [[1, 2]]


def test_si_takes_no_further_arguments(add: Add, messages: Messages) -> None:
    add.si(1, 2).delay(5)

    assert [message.args for message in messages()] == [[1, 2]]


def test_a_signature_carries_options(add: Add, messages: Messages) -> None:
    add.signature((1,), {"y": 2}, queue="maths", countdown=5).delay()

    (message,) = messages("maths")
    assert (message.args, message.kwargs, message.eta is not None) == ([1], {"y": 2}, True)


def test_subtask_is_another_name_for_it(add: Add) -> None:
    assert add.subtask((1, 2)) == add.signature((1, 2)) == add.s(1, 2)


def test_a_signature_belongs_to_the_application_of_its_task(app: Sedano, add: Add) -> None:
    assert add.s(1).app is app
    assert add.s(1).type.name == add.name
    assert group(add.s(1)).app is app


def test_a_shared_task_s_signature_belongs_to_the_application_that_is_current(app: Sedano) -> None:
    @shared_task(name="proj.test_shared_signature")
    def ping() -> None: ...

    made_before = ping.s()
    applications.set_current(app)

    assert made_before.app is app


def test_an_application_makes_signatures_by_name(app: Sedano, messages: Messages) -> None:
    app.signature("far.away", args=(1,), queue="far").delay()

    (message,) = messages("far")
    assert (message.task, message.args) == ("far.away", [1])


def test_a_signature_by_name_belongs_to_the_current_application(current: Sedano, messages: Messages) -> None:
    signature("far.away", args=(1,)).delay()

    assert [message.task for message in messages()] == ["far.away"]


def test_maps_and_chunks_are_routed_as_the_task_is(app: Sedano, add: Add, messages: Messages) -> None:
    app.conf.task_routes = {"proj.add": {"queue": "maths"}}

    add.map([1, 2]).delay()
    add.starmap([(1, 2)]).delay()
    add.chunks([(1, 2), (3, 4)], 1).apply_async()

    assert [message.task for message in messages("maths")] == ["celery.map", *["celery.starmap"] * 3]


def test_results_of_an_application_belong_to_it(app: Sedano, add: Add) -> None:
    assert app.GroupResult("g", [app.AsyncResult("1")]).app is app
    assert isinstance(app.GroupResult("g"), GroupResult)
    assert isinstance(app.ResultSet([app.AsyncResult("1")]), ResultSet)


def test_a_saved_group_is_found_by_the_application(app: Sedano, add: Add) -> None:
    published = group(add.s(1, 1), add.s(2, 2)).apply_async()
    published.save()

    restored = app.GroupResult.restore(published.id or "")

    assert restored is not None
    assert restored.as_tuple() == published.as_tuple()


def test_a_result_comes_back_from_its_tuple(current: Sedano, add: Add) -> None:
    published = (add.s(1, 1) | group(add.s(1), add.s(2))).apply_async()

    again = result_from_tuple(published.as_tuple())

    assert isinstance(again, GroupResult)
    assert (again, again.parent) == (published, published.parent)


def test_celery_s_names_are_here() -> None:
    for name in (
        "chain",
        "chord",
        "chunks",
        "group",
        "maybe_signature",
        "signature",
        "uuid",
        "xmap",
        "xstarmap",
    ):
        assert name in sedano.__all__
    assert callable(allow_join_result)
    assert callable(denied_join_result)
    assert AsyncResult is sedano.AsyncResult
    assert issubclass(sedano.chain, Signature)


def test_the_canvas_is_imported_as_a_module_of_its_own() -> None:
    code = "from sedano.canvas import Signature, chain, chord, group, signature; import sedano.result"

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_task_that_is_run_here_is_known(app: Sedano) -> None:
    seen: list[object] = []

    @app.task
    def look() -> None:
        seen.append(app.current_worker_task)

    look.apply()
    look()

    assert seen == [look, None]


def test_a_class_of_tasks_is_derived_from_the_application_s(app: Sedano) -> None:
    class Audited(app.Task):  # type: ignore[misc]
        abstract = True

    @app.task(base=Audited)
    def ping() -> str:
        return "pong"

    assert isinstance(ping, Audited)
    assert ping.apply().get() == "pong"
