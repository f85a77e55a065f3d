"""Scenarios: chains."""

from collections.abc import Iterator
from typing import Any

from tests.interop.scenarios.stage import Stage, scenario, shape


@shape
def empty(t: Stage) -> Any:
    return t.chain()


@shape
def one_step(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 2))


@shape
def three_steps(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 2), t.s("add", 10), t.s("collect", "last"))


@shape
def piped(t: Stage) -> Any:
    return t.s("add", 1, 2) | t.s("add", 10) | t.s("add", 100)


@shape
def immutable_steps(t: Stage) -> Any:
    return t.chain(t.si("add", 1, 2), t.si("add", 10, 10), t.si("collect", "last"))


@shape
def chain_in_a_chain(t: Stage) -> Any:
    return t.chain(
        t.chain(t.s("add", 1, 2), t.s("add", 3)), t.chain(t.s("add", 10), t.s("add", 20)), t.s("add", 5)
    )


@shape
def fails_first(t: Stage) -> Any:
    return t.chain(t.s("fail"), t.s("add", 1), t.s("add", 2))


@shape
def fails_in_the_middle(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 2), t.s("fail"), t.s("add", 1), t.s("add", 2))


@shape
def fails_last(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 2), t.s("add", 1), t.s("fail"))


@shape
def ignores_in_the_middle(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 2), t.s("ignore"), t.s("add", 1))


@shape
def rejects_in_the_middle(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 2), t.si("reject", False), t.s("add", 1))


@shape
def group_first(t: Stage) -> Any:
    return t.chain(t.group(t.s("add", 1, 1), t.s("add", 2, 2)), t.s("total"))


@shape
def group_in_the_middle(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 1), t.group(t.s("add", 10), t.s("add", 20)), t.s("total"), t.s("add", 5))


@shape
def group_last(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 1), t.group(t.s("add", 10), t.s("add", 20)))


@shape
def groups_one_after_the_other(t: Stage) -> Any:
    return t.chain(
        t.group(t.s("add", 1, 1), t.s("add", 2, 2)), t.group(t.s("total"), t.s("echo")), t.s("collect")
    )


@shape
def single_member_group_in_the_middle(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 1), t.group(t.s("add", 10)), t.s("collect"))


@shape
def empty_group_in_the_middle(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 1), t.group(), t.s("collect"))


@shape
def group_that_fails_in_the_middle(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 1), t.group(t.s("add", 10), t.s("fail")), t.s("total"), t.s("add", 5))


@shape
def fails_before_a_group(t: Stage) -> Any:
    return t.chain(t.s("fail"), t.group(t.s("add", 10), t.s("add", 20)))


@shape
def fails_before_a_chord(t: Stage) -> Any:
    return t.chain(t.s("fail"), t.group(t.s("add", 10), t.s("add", 20)), t.s("total"))


@shape
def chord_in_the_middle(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 1), t.chord([t.s("add", 10), t.s("add", 20)], t.s("total")), t.s("add", 5))


@shape
def chord_last(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 1), t.chord([t.s("add", 10), t.s("add", 20)], t.s("total")))


@shape
def chord_first(t: Stage) -> Any:
    return t.chain(t.chord([t.s("add", 1, 1), t.s("add", 2, 2)], t.s("total")), t.s("add", 5))


@shape
def chain_in_a_group_in_a_chain(t: Stage) -> Any:
    return t.chain(
        t.s("add", 1, 1),
        t.group(t.chain(t.s("add", 10), t.s("add", 20)), t.s("add", 30)),
        t.s("collect"),
    )


@shape
def steps_with_queues(t: Stage) -> Any:
    return t.chain(t.s("describe").set(queue="other"), t.s("describe").set(priority=3), t.s("describe"))


@shape
def a_step_with_a_countdown(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 1), t.s("describe").set(countdown=0.1))


@shape
def kwargs_only(t: Stage) -> Any:
    return t.chain(t.s("collect", x=1), t.s("collect", y=2))


@scenario
def with_partial_arguments(t: Stage) -> Iterator[None]:
    def chain() -> Any:
        return t.chain(t.s("add", 2), t.s("add", 10))

    result = t.watch("result", chain().apply_async((1,)))
    called = t.watch("called", chain()(5))
    delayed = t.watch("delayed", chain().delay(6))
    yield
    for name, one in (("get", result), ("get called", called), ("get delayed", delayed)):
        t.get(one, name)


@scenario
def with_options(t: Stage) -> Iterator[None]:
    def chain(number: int) -> Any:
        return t.chain(t.s("describe", number), t.s("describe"))

    t.watch("result", chain(1).apply_async(task_id="the-last-one", queue="other", headers={"colour": "red"}))
    t.watch("later", chain(2).apply_async(countdown=0.1))
    t.watch("root", chain(3).apply_async(root_id="a-root", parent_id="a-parent"))
    yield


@scenario
def sent_twice(t: Stage) -> Iterator[None]:
    chain = t.chain(t.s("add", 1, 1), t.s("add", 2))
    first = t.watch("first", chain.apply_async())
    yield
    second = t.watch("second", chain.apply_async())
    t.tell("the same", first.id == second.id)
    yield


@scenario
def parents(t: Stage) -> Iterator[None]:
    result = t.watch("result", t.chain(t.s("add", 1, 1), t.s("add", 2), t.s("add", 3)).apply_async())
    yield
    t.tell("values", [result.get(), result.parent.get(), result.parent.parent.get()])
    t.tell("collected", [value for _, value in result.parent.parent.collect()])
    t.tell("tuple", result.as_tuple())
    t.tell("list", result.as_list())
    t.tell("leaf", result.parent.parent.get_leaf())
    t.tell("dependencies", [[one, other] for one, other in result.parent.parent.iterdeps()])
    t.tell("graph", sorted(str(node) for node in result.graph))
    again = t.library.result.result_from_tuple(result.as_tuple(), app=t.app)
    t.tell("again", [again.get(), again.parent.get(), again == result])


@scenario
def published_by_a_task(t: Stage) -> Iterator[None]:
    t.call("parent_of_shapes", t.chain(t.s("add", 1, 1), t.s("add", 2)))
    yield


@scenario
def expired_step(t: Stage) -> Iterator[None]:
    t.watch("result", t.chain(t.s("add", 1, 1).set(expires=-1), t.s("add", 2)).apply_async())
    yield


@scenario
def expired_later_step(t: Stage) -> Iterator[None]:
    t.watch("result", t.chain(t.s("add", 1, 1), t.s("add", 2).set(expires=-1), t.s("add", 3)).apply_async())
    yield


@shape
def four_groups_one_after_the_other(t: Stage) -> Any:
    first = t.group(t.si("add", 1, 1), t.si("add", 1, 2))
    return t.chain(first, *(t.group(t.s("total"), t.s("total")) for _ in range(3)), t.s("collect"))


@shape
def groups_after_a_chord_with_a_group(t: Stage) -> Any:
    body = t.chain(t.s("total"), t.group(t.s("add", 1), t.s("add", 2)))
    after = t.chord([t.s("total"), t.s("total")], t.s("collect"))
    return t.chain(t.chord([t.s("add", 1, 1), t.s("add", 1, 2)], body), after)
