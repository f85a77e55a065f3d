"""Scenarios: tasks that run again, in all the ways in which they can say so."""

from collections.abc import Iterator
from typing import Any

from tests.interop.scenarios.stage import Scenario, Stage, scenario, shape

#: What ``retry`` is given; the task runs again as often as ``times`` says.
HOW: dict[str, dict[str, Any]] = {
    "by_default": {"how": {}},
    "with_countdown": {"how": {"countdown": 0.1}, "times": 2},
    "with_countdown_zero": {"how": {"countdown": 0}},
    "with_eta": {"how": {"eta": 0.1}},
    "with_error": {"how": {"exc": ["Trouble", "mine", 1]}},
    "with_error_being_handled": {"how": {"within": True}},
    "with_error_handled_and_given": {"how": {"within": True, "exc": ["ValueError", "given"]}},
    "too_often": {"how": {}, "times": 99},
    "too_often_with_error": {"how": {"exc": ["Trouble", "mine", 1]}, "times": 99},
    "too_often_with_error_being_handled": {"how": {"within": True}, "times": 99},
    "with_own_limit": {"how": {"max_retries": 1}, "times": 99},
    "with_limit_zero": {"how": {"max_retries": 0}, "times": 99},
    "without_throwing": {"how": {"throw": False}},
    "with_other_args": {"how": {"args": [8, 9]}},
    "with_other_queue": {"how": {"queue": "other"}},
    "with_priority": {"how": {"priority": 3}},
    "with_headers": {"how": {"headers": {"colour": "red"}}},
    "with_time_limits": {"how": {"time_limit": 33, "soft_time_limit": 22}},
    "with_expires": {"how": {"expires": 600}},
    "ignoring_results": {"how": {"ignore_result": True}},
    "with_other_id": {"how": {"task_id": "another-id-of-my-own"}},
}


def _again(arguments: dict[str, Any]) -> Scenario:
    def play(t: Stage) -> None:
        t.call("again", 1, kwargs=arguments)

    return play


def _again_eagerly(arguments: dict[str, Any]) -> Scenario:
    def play(t: Stage) -> None:
        result = t.attempt("apply", t.task("again").apply, (1,), {"k": t.key, **arguments})
        t.watch("result", result)

    return play


for name, arguments in HOW.items():
    for kind, make in (("", _again), (" eagerly", _again_eagerly)):
        made = make(arguments)
        made.__name__ = f"{name}{kind}"
        made.__module__ = __name__
        scenario(made)


@scenario
def with_other_kwargs(t: Stage) -> None:
    how = {"kwargs": {"k": t.key, "times": 1, "colour": "red"}}
    t.call("again", 1, kwargs={"how": how, "colour": "blue"})


@scenario
def with_other_args_and_kwargs(t: Stage) -> None:
    how = {"args": [5], "kwargs": {"k": t.key, "times": 1, "colour": "red"}}
    t.call("again", 1, kwargs={"how": how, "colour": "blue"})


@scenario
def as_often_as_it_likes(t: Stage) -> None:
    t.call("again_no_limit", 5)


@scenario
def retry_raised_by_hand(t: Stage) -> None:
    t.call("retry_by_hand")


@scenario
def everything_is_kept(t: Stage) -> None:
    t.call(
        "again",
        1,
        headers={"colour": "red"},
        shadow="somebody",
        priority=2,
        queue="other",
        expires=600,
        time_limit=44,
        soft_time_limit=43,
        link=t.s("collect", "linked"),
        link_error=t.s("blame"),
        reply_to="here",
    )


@scenario
def stamps_are_kept(t: Stage) -> None:
    signature = t.s("again", 1)
    signature.stamp(tenant="acme")
    t.watch("result", signature.apply_async())


@scenario
def called_as_a_function(t: Stage) -> None:
    t.attempt("plain", t.task("again"), 1, k=t.key)
    t.attempt("with an error", t.task("again"), 1, how={"exc": ["Trouble", "mine"]}, k=t.key)
    t.attempt("within", t.task("again"), 1, how={"within": True}, k=t.key)


@scenario
def with_retries_already_used(t: Stage) -> None:
    t.call("again", 1, kwargs={"times": 99}, retries=3)


# -- automatic


def _automatic(task: str, *args: Any) -> Scenario:
    def play(t: Stage) -> Iterator[None]:
        t.call(task, *args)
        yield

    return play


def _automatic_eagerly(task: str, *args: Any) -> Scenario:
    def play(t: Stage) -> None:
        t.watch("result", t.attempt("apply", t.task(task).apply, args, {"k": t.key}))

    return play


AUTOMATIC: dict[str, tuple[Any, ...]] = {
    "automatic": ("auto", ["Trouble", "auto"], 1),
    "automatic_too_often": ("auto", ["Trouble", "auto"]),
    "automatic_for_a_kind_of": ("auto", ["WorseTrouble", "auto"], 1),
    "automatic_not_for_others": ("auto", ["ValueError", "auto"]),
    "automatic_as_retry_kwargs_say": ("auto_kwargs", ["Trouble", "auto"]),
    "automatic_with_back_off": ("auto_backoff", ["Trouble", "auto"]),
    "automatic_with_a_factor": ("auto_backoff_factor", ["Trouble", "auto"]),
    "automatic_but_for_some": ("auto_but", ["WorseTrouble", "auto"]),
    "automatic_but_for_others": ("auto_but", ["Trouble", "auto"]),
    "automatic_with_one_inside": ("auto_and_inner",),
    "automatic_ignore": ("auto_ignore",),
    "automatic_reject": ("auto_reject",),
}
for name, (task, *args) in AUTOMATIC.items():
    for kind, automatic in (("", _automatic), (" eagerly", _automatic_eagerly)):
        made = automatic(task, *args)
        made.__name__ = f"{name}{kind}"
        made.__module__ = __name__
        scenario(made)


# -- in workflows


@shape
def step_of_a_chain(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 1), t.s("again"), t.s("collect"))


@shape
def step_that_runs_too_often(t: Stage) -> Any:
    return t.chain(t.s("again", 1, times=99, how={"exc": ["Trouble", "chain"]}), t.s("collect"))


@shape
def member_of_a_group(t: Stage) -> Any:
    return t.group(t.s("again", 1), t.s("add", 1, 1))


@shape
def member_of_a_chord(t: Stage) -> Any:
    return t.chord([t.s("again", 1), t.s("add", 1, 1)], t.s("collect"))


@shape
def member_that_runs_too_often(t: Stage) -> Any:
    return t.chord([t.s("again", 1, times=99), t.s("add", 1, 1)], t.s("collect"))
