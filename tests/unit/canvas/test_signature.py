"""One call, to be made later."""

import copy
import json
import pickle
from typing import Any

import pytest

from sedano import Sedano
from sedano.canvas import Signature, chain, group, maybe_signature, signature
from sedano.canvas.plan import plan
from sedano.errors import ConfigurationError


def call(name: str = "add", *args: Any, **options: Any) -> Signature[Any]:
    return signature(f"proj.{name}", args=args, **options)


def test_a_signature_is_a_dictionary_in_celerys_form() -> None:
    sig = signature("proj.add", args=(2,), kwargs={"y": 3}, countdown=10)

    assert json.loads(json.dumps(sig)) == {
        "task": "proj.add",
        "args": [2],
        "kwargs": {"y": 3},
        "options": {"countdown": 10},
        "subtask_type": None,
        "immutable": False,
    }
    assert (sig.task, sig.name, sig.args, sig.options["countdown"]) == ("proj.add", "proj.add", (2,), 10)


@pytest.mark.parametrize("again", [lambda s: signature(json.loads(json.dumps(s))), copy.deepcopy, copy.copy])
@pytest.mark.parametrize(
    "made", [call("a", 1), call("a") | call("b"), group(call("a"), call("b")) | call("c")]
)
def test_a_signature_comes_back_as_it_was(made: Signature[Any], again: Any) -> None:
    other = again(made)

    assert json.dumps(other) == json.dumps(made)
    assert type(other) is type(made)
    assert repr(other) == repr(made)


@pytest.mark.parametrize(
    "made", [call("a", 1), call("a") | call("b"), group(call("a"), call("b")) | call("c")]
)
def test_a_signature_can_be_pickled(made: Signature[Any]) -> None:
    other = pickle.loads(pickle.dumps(made))  # noqa: S301

    assert type(other) is type(made)
    assert other == made


def test_further_arguments_go_in_front_and_options_over() -> None:
    sig = call("add", 2, countdown=5).clone((1,), {"z": 3}, countdown=7, queue="q")

    assert sig.args == (1, 2)
    assert sig.kwargs == {"z": 3}
    assert sig.options == {"countdown": 7, "queue": "q"}


def test_an_immutable_signature_takes_options_only() -> None:
    sig = call("add", 2).set(immutable=True).clone((1,), {"z": 3}, queue="q")

    assert (sig.args, sig.kwargs, sig.options) == ((2,), {}, {"queue": "q"})


def test_a_member_of_a_group_stays_in_it() -> None:
    sig = call().set(group_id="one").clone(group_id="other")

    assert sig.options["group_id"] == "one"


def test_stamps_are_not_laid_over() -> None:
    sig = call().stamp(customer="one").clone(customer="other", stamped_headers=["other"])

    assert sig.options["customer"] == "one"
    assert sig.options["stamped_headers"] == ["customer"]


def test_changing_a_clone_leaves_the_original_alone() -> None:
    original = call("a").set(headers={"x": 1})
    original.link(call("b"))
    workflow = original | group(call("c"), call("d"))

    for made in (original, workflow):
        before = json.dumps(made)
        clone = made.clone()
        for part in clone.kwargs.get("tasks", [clone]):
            part.set(queue="q")
            part.options.setdefault("headers", {})["x"] = 2
            part.link(call("e"))
        assert json.dumps(made) == before


def test_replace_puts_other_arguments_in_place() -> None:
    sig = call("add", 2, countdown=1)

    assert sig.replace(args=(3,)).args == (3,)
    assert sig.replace(options={}).options == {}
    assert sig.args == (2,)


def test_a_callback_is_linked_once() -> None:
    sig = call("a")

    assert sig.link(call("b")) == call("b")
    sig.link(call("b"))
    assert sig.on_error(call("c")) is sig

    assert sig.options == {"link": [call("b")], "link_error": [call("c")]}


def test_links_are_flattened_through_all_levels() -> None:
    first, second = call("a"), call("b")
    second.link(call("c"))
    first.link(second)

    assert first.flatten_links() == [first, second, call("c")]


def test_freezing_gives_an_id_once() -> None:
    sig = call()

    result = sig.freeze()

    assert sig.id == result.id
    assert sig.freeze("other").id == result.id
    assert call().freeze("mine").id == "mine"


def test_what_is_published_has_the_frozen_id() -> None:
    workflow = chain(call("a"), group(call("b"), call("c")), call("d"))

    result = workflow.freeze()

    assert plan(workflow).result.as_tuple() == result.as_tuple()  # type: ignore[union-attr]


def test_options_that_are_none_are_left_out() -> None:
    (published,) = plan(call("a", queue="q"), queue=None, priority=None).calls

    assert published.options["queue"] == "q"
    assert "priority" not in published.options


def test_a_signature_reads_as_the_call_would_be_written() -> None:
    assert repr(signature("proj.add", args=(1, "x"), kwargs={"y": 2})) == "proj.add(1, 'x', y=2)"
    assert call("add", 2).reprcall(1) == "proj.add(1, 2)"


def test_an_argument_that_cannot_be_shown_does_not_stop_the_rest() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    assert repr(call("add", Odd())) == "proj.add(<Odd: repr raised RuntimeError>)"


def test_a_registered_task_is_called_and_run_through_its_signature() -> None:
    app = Sedano("proj", broker="memory://", set_as_current=False)

    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    sig = signature(add, args=(2,))

    assert sig(1) == 3
    assert sig.apply((5,)).get() == 7
    assert sig.type is add
    assert sig.app is app


def test_a_task_that_is_not_known_here_can_be_published() -> None:
    with Sedano("proj", broker="memory://", set_as_current=False) as app:
        result = signature("elsewhere.task", args=(1,), app=app).delay()

        assert app.has_message(result.id)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"task": 3},
        {"task": "a", "args": 1},
        {"task": "a", "options": []},
        {"task": "a", "subtask_type": "?"},
    ],
)
def test_what_is_no_signature_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        signature(broken)


def test_what_a_dictionary_lacks_is_empty() -> None:
    assert signature({"task": "proj.add"}) == call("add")


def test_maybe_signature_lets_none_through() -> None:
    sig = call()

    assert maybe_signature(None) is None
    assert maybe_signature(sig) is sig
    assert maybe_signature(sig, clone=True) is not sig
    assert maybe_signature(dict(sig)) == sig


def test_callbacks_may_be_added_together() -> None:
    one = signature("a")

    one.extend_list_option("link", signature("b"))
    one.extend_list_option("link", [signature("c"), signature("d")])

    assert [callback.task for callback in one.options["link"]] == ["b", "c", "d"]


def test_a_shape_of_ones_own_is_registered_under_the_name_of_its_class() -> None:
    @Signature.register_type()
    class upside_down(chain):
        """A chain of one's own."""

    read = signature({"task": "a", "subtask_type": "upside_down", "kwargs": {"tasks": []}})
    del Signature.TYPES["upside_down"]

    assert isinstance(read, upside_down)
