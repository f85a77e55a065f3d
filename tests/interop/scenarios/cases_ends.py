"""Scenarios: how tasks end, and who hears of it in which order."""

import threading
from collections.abc import Iterator
from typing import Any

from tests.interop.scenarios.stage import Scenario, Stage, scenario

#: Task and arguments; each once in a worker, once here.
CALLS: dict[str, tuple[Any, ...]] = {
    "success": ("noted", 5),
    "failure": ("noted_fail", 5),
    "ignore": ("ignore",),
    "ignore_with_a_reason": ("ignore", "because"),
    "ignore_with_a_state": ("ignore_with_state",),
    "reject": ("reject", False),
    "reject_and_requeue": ("reject", True),
    "reject_early": ("reject_early", False),
    "reject_and_requeue_early": ("reject_early", True),
    "progress": ("progress",),
    "left_in_progress": ("left_in_progress", "PROGRESS", {"done": 1}),
    "left_in_a_state_without_data": ("left_in_progress", "ODD", None),
    "left_in_a_state_with_a_list": ("left_in_progress", "ODD", [1, 2]),
    "started": ("tracked",),
    "ignored_result": ("secret", 5),
    "ignored_result_failing": ("secret_failing",),
    "ignored_result_but_for_errors": ("secret_but_errors",),
    "throws": ("throws",),
    "chained_error": ("chained_error",),
    "none": ("nothing",),
    "annotations": ("annotated",),
    "custom_class": ("counting",),
    "inheriting_class": ("inheriting",),
    "class_with_run": ("adder", 2, 3),
    "class_that_calls_super": ("super_call", 4),
    "broken_handlers": ("broken_handlers", False),
    "broken_handlers_failing": ("broken_handlers", True),
    "broken_before_start": ("unready",),
    "arguments": ("collect", 1, "two", [3], {"four": 4}),
    "children": ("parent",),
    "grandchildren": ("grandparent",),
    "children_without_trail": ("parent_without_trail",),
    "children_of_nobody": ("parent_of_strangers",),
    "calling_as_functions": ("caller", 5),
    "describe": ("describe", 1),
}


def _in_a_worker(task: str, *args: Any) -> Scenario:
    def play(t: Stage) -> Iterator[None]:
        result = t.call(task, *args)
        yield
        t.tell("states", [result.state, result.ready(), result.successful(), result.failed()])
        if result.ready():
            t.get(result)
            t.get(result, "get without propagating", propagate=False)

    return play


def _here(task: str, *args: Any) -> Scenario:
    def play(t: Stage) -> None:
        result = t.watch("result", t.attempt("apply", t.task(task).apply, args, {"k": t.key}))
        if result is not None:
            t.tell("states", [result.state, result.ready(), result.successful(), result.failed()])
            t.get(result)
            t.get(result, "get without propagating", propagate=False)

    return play


for name, (task, *args) in CALLS.items():
    for kind, make in (("", _in_a_worker), (" eagerly", _here)):
        made = make(task, *args)
        made.__name__ = f"{name}{kind}"
        made.__module__ = __name__
        scenario(made)

for name, (task, *args) in {
    "soft_limit": ("soft", False),
    "soft_limit_caught": ("soft", True),
    "hard_limit": ("hard",),
    "unwritable": ("unwritable",),
    "unwritable_error": ("unwritable_error",),
    "system_exit": ("exits",),
}.items():
    made = _in_a_worker(task, *args)
    made.__name__ = name
    made.__module__ = __name__
    scenario(made)


@scenario
def expired(t: Stage) -> None:
    t.call("noted", 5, expires=-1)


@scenario
def expires_later(t: Stage) -> None:
    t.call("noted", 5, expires=600)


@scenario
def revoked_before(t: Stage) -> Iterator[None]:
    # RabbitMQ keeps whole seconds: of a shorter countdown a worker knows at once.
    result = t.call("noted", 5, countdown=6)
    # It may be in a worker's hands for a moment, which then puts it aside.
    for _ in range(3):
        result.revoke()
        threading.Event().wait(0.2)
    yield
    t.get(result)


@scenario
def wrong_arguments(t: Stage) -> None:
    t.attempt("apply_async", t.task("add").apply_async, (1, 2, 3, 4), {"k": t.key})
    t.attempt("delay", t.task("add").delay, k=t.key)
    t.attempt("apply", t.task("add").apply, (1, 2, 3, 4), {"k": t.key})
    t.attempt("unknown keyword", t.task("add").delay, 1, 2, z=3)


@scenario
def wrong_arguments_by_name(t: Stage) -> Iterator[None]:
    t.watch("result", t.app.send_task("sc.add", (1, 2, 3, 4), {"k": t.key}))
    yield


@scenario
def by_name(t: Stage) -> Iterator[None]:
    result = t.watch("result", t.app.send_task("sc.add", (1, 2), {"k": t.key}, link=t.s("add", 5)))
    yield
    t.get(result)


@scenario
def options(t: Stage) -> None:
    t.call(
        "describe",
        1,
        kwargs={"two": 2},
        headers={"colour": "red"},
        shadow="somebody",
        priority=3,
        queue="other",
        expires=600,
        time_limit=44,
        soft_time_limit=43,
        reply_to="here",
        countdown=0.1,
        task_id="an-id-of-my-own",
        root_id="a-root",
        parent_id="a-parent",
    )


@scenario
def options_eagerly(t: Stage) -> None:
    result = t.task("describe").apply(
        (1,),
        {"two": 2, "k": t.key},
        headers={"colour": "red"},
        shadow="somebody",
        queue="other",
        task_id="an-id-of-my-own",
    )
    t.watch("result", result)


@scenario
def ignored_by_the_call(t: Stage) -> Iterator[None]:
    result = t.call("add", 1, 2, ignore_result=True)
    t.tell("ignored", result.ignored)
    yield
    t.get(result)


@scenario
def kept_by_the_call(t: Stage) -> Iterator[None]:
    result = t.call("secret", 5, ignore_result=False)
    t.tell("ignored", result.ignored)
    yield
    t.get(result)


@scenario
def always_eager(t: Stage) -> None:
    with t.settings(task_always_eager=True):
        result = t.watch("result", t.task("noted").delay(5, k=t.key))
        t.get(result)
        failed = t.watch("failed", t.attempt("fail", t.task("noted_fail").delay, 5, k=t.key))
        t.get(failed, "get failed")
        retried = t.watch("retried", t.attempt("retry", t.task("again").delay, 1, k=t.key))
        t.get(retried, "get retried")
        parent = t.watch("parent", t.attempt("parent call", t.task("parent").delay, k=t.key))
        t.get(parent, "get parent")


@scenario
def always_eager_propagating(t: Stage) -> None:
    with t.settings(task_always_eager=True, task_eager_propagates=True):
        t.attempt("failing", t.task("noted_fail").delay, 5, k=t.key)
        t.attempt("too often", t.task("again").delay, 5, times=99, k=t.key)
        t.attempt("ignoring", t.task("ignore").delay, k=t.key)


@scenario
def throwing(t: Stage) -> None:
    t.attempt("apply", t.task("noted_fail").apply, (1,), {"k": t.key}, throw=True)
    t.attempt("ignore", t.task("ignore").apply, (), {"k": t.key}, throw=True)
    t.attempt("reject", t.task("reject_early").apply, (False,), {"k": t.key}, throw=True)


@scenario
def throwing_from_apply_async(t: Stage) -> None:
    with t.settings(task_always_eager=True):
        t.attempt("throwing", t.task("noted_fail").apply_async, (1,), {"k": t.key}, throw=True)
        t.attempt("silent", t.task("noted_fail").apply_async, (1,), {"k": t.key}, throw=False)


@scenario
def hidden_arguments(t: Stage) -> None:
    t.call("describe", 1, argsrepr="hidden", kwargsrepr="hidden too")


@scenario
def result_methods(t: Stage) -> Iterator[None]:
    good, bad = t.call("add", 1, 2), t.watch("bad", t.task("fail").delay(k=t.key))
    unknown = t.app.AsyncResult("an-id-that-nobody-knows")
    yield
    for name, result in (("good", good), ("bad", bad), ("unknown", unknown)):
        t.tell(f"{name} state", [result.state, result.status, result.ready()])
        t.tell(f"{name} info", [result.result, result.info, result.successful(), result.failed()])
        t.tell(f"{name} tuple", result.as_tuple())
        t.tell(f"{name} children", result.children)
        t.attempt(f"{name} maybe_throw", result.maybe_throw)
        t.attempt(f"{name} maybe_throw silently", result.maybe_throw, propagate=False)
        if result.ready():
            t.attempt(f"{name} get_leaf", result.get_leaf)
        t.tell(f"{name} text", [str(result), result == result.id, result.name, result.date_done is None])
    t.attempt("throw", good.throw, ValueError("thrown"))
    good.forget()
    t.tell("forgotten", t.app.AsyncResult(good.id).state)
    t.attempt("unknown get", unknown.get, timeout=0.1)
