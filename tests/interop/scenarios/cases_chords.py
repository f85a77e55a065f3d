"""Scenarios: chords."""

from collections.abc import Iterator
from typing import Any

from tests.interop.scenarios.stage import Stage, scenario, shape


def _pair(t: Stage, number: int = 1) -> Any:
    return [t.s("add", number, 1), t.s("add", number + 1, 2)]


@shape
def of_two(t: Stage) -> Any:
    return t.chord(_pair(t), t.s("total"))


@shape
def of_one(t: Stage) -> Any:
    return t.chord([t.s("add", 1, 1)], t.s("collect"))


@shape
def empty_header(t: Stage) -> Any:
    return t.chord([], t.s("collect"))


@shape
def header_is_a_group(t: Stage) -> Any:
    return t.chord(t.group(_pair(t)), t.s("collect"))


@shape
def from_a_pipe(t: Stage) -> Any:
    return t.group(_pair(t)) | t.s("total") | t.s("add", 100)


@shape
def immutable_body(t: Stage) -> Any:
    return t.chord(_pair(t), t.si("collect", "nothing"))


@shape
def body_with_arguments(t: Stage) -> Any:
    return t.chord(_pair(t), t.s("collect", "more", colour="red"))


@shape
def body_is_a_chain(t: Stage) -> Any:
    return t.chord(_pair(t), t.chain(t.s("total"), t.s("add", 10), t.s("add", 100)))


@shape
def body_is_a_group(t: Stage) -> Any:
    return t.chord(_pair(t), t.group(t.s("total"), t.s("echo")))


@shape
def body_is_a_chord(t: Stage) -> Any:
    return t.chord(_pair(t), t.chord([t.s("total"), t.s("echo")], t.s("collect")))


@shape
def body_is_a_chain_with_a_group(t: Stage) -> Any:
    return t.chord(_pair(t), t.chain(t.s("total"), t.group(t.s("add", 1), t.s("add", 2)), t.s("collect")))


@shape
def body_fails(t: Stage) -> Any:
    return t.chord(_pair(t), t.s("fail").on_error(t.s("errback")))


@shape
def body_runs_again(t: Stage) -> Any:
    return t.chord(_pair(t), t.s("again"))


@shape
def member_fails(t: Stage) -> Any:
    return t.chord([t.s("add", 1, 1), t.s("fail")], t.s("total"))


@shape
def member_fails_with_errbacks(t: Stage) -> Any:
    return t.chord([t.s("add", 1, 1), t.s("fail")], t.s("total").on_error(t.s("errback")))


@shape
def member_fails_with_an_errback_published(t: Stage) -> Any:
    return t.chord([t.s("add", 1, 1), t.s("fail")], t.s("total").on_error(t.s("blame")))


@shape
def member_fails_with_errbacks_of_the_chord(t: Stage) -> Any:
    return t.chord([t.s("add", 1, 1), t.s("fail")], t.s("total")).on_error(t.s("errback"))


@shape
def member_fails_before_a_chain(t: Stage) -> Any:
    return t.chord([t.s("add", 1, 1), t.s("fail")], t.chain(t.s("total"), t.s("add", 1), t.s("add", 2)))


@shape
def member_fails_before_a_chain_with_errbacks(t: Stage) -> Any:
    body = t.chain(t.s("total"), t.s("add", 1)).on_error(t.s("errback"))
    return t.chord([t.s("add", 1, 1), t.s("fail")], body)


@shape
def member_fails_before_a_group(t: Stage) -> Any:
    return t.chord([t.s("add", 1, 1), t.s("fail")], t.group(t.s("total"), t.s("echo")))


@shape
def member_fails_before_a_group_with_errbacks(t: Stage) -> Any:
    body = t.group(t.s("total"), t.s("echo")).on_error(t.s("errback"))
    return t.chord([t.s("add", 1, 1), t.s("fail")], body)


@shape
def member_fails_before_a_chord(t: Stage) -> Any:
    body = t.chord([t.s("total"), t.s("echo")], t.s("collect"))
    return t.chord([t.s("add", 1, 1), t.s("fail")], body)


@shape
def member_has_an_errback(t: Stage) -> Any:
    return t.chord([t.s("add", 1, 1), t.s("fail").on_error(t.s("errback"))], t.s("total"))


@shape
def member_has_a_callback(t: Stage) -> Any:
    return t.chord([t.s("add", 1, 1).set(link=t.s("add", 50)), t.s("add", 2, 2)], t.s("total"))


@shape
def member_ignores(t: Stage) -> Any:
    return t.chord([t.s("add", 1, 1), t.s("secret", 5)], t.s("collect"))


@shape
def members_are_chains(t: Stage) -> Any:
    return t.chord(
        [t.chain(t.s("add", 1, 1), t.s("add", 10)), t.chain(t.s("add", 2, 2), t.s("add", 20))], t.s("collect")
    )


@shape
def chain_member_fails_first(t: Stage) -> Any:
    return t.chord([t.chain(t.s("fail"), t.s("add", 10)), t.s("add", 1, 1)], t.s("collect"))


@shape
def chain_member_fails_last(t: Stage) -> Any:
    return t.chord([t.chain(t.s("add", 1, 1), t.s("fail")), t.s("add", 1, 1)], t.s("collect"))


@shape
def members_are_groups(t: Stage) -> Any:
    return t.chord([t.group(_pair(t)), t.s("add", 3, 3)], t.s("collect"))


@shape
def members_are_chords(t: Stage) -> Any:
    return t.chord([t.chord(_pair(t), t.s("total")), t.s("add", 3, 3)], t.s("collect"))


@shape
def member_chord_fails(t: Stage) -> Any:
    inner = t.chord([t.s("add", 1, 1), t.s("fail")], t.s("total"))
    return t.chord([inner, t.s("add", 3, 3)], t.s("collect").on_error(t.s("errback")))


@shape
def member_chord_body_fails(t: Stage) -> Any:
    return t.chord([t.chord(_pair(t), t.s("fail")), t.s("add", 3, 3)], t.s("collect"))


@shape
def members_end_in_groups(t: Stage) -> Any:
    return t.chord(
        [t.chain(t.s("add", 1, 1), t.group(t.s("add", 10), t.s("add", 20))), t.s("add", 3, 3)], t.s("collect")
    )


@shape
def chord_in_a_chain_in_a_chord(t: Stage) -> Any:
    inner = t.chain(t.s("add", 1, 1), t.chord([t.s("add", 10), t.s("add", 20)], t.s("total")), t.s("add", 5))
    return t.chord([inner, t.s("add", 3, 3)], t.s("collect"))


@shape
def chord_in_a_chain_in_a_chord_fails(t: Stage) -> Any:
    inner = t.chain(t.s("add", 1, 1), t.chord([t.s("add", 10), t.s("fail")], t.s("total")), t.s("add", 5))
    return t.chord([inner, t.s("add", 3, 3)], t.s("collect"))


@shape
def followed_by_a_group(t: Stage) -> Any:
    return t.chord(_pair(t), t.s("total")) | t.group(t.s("add", 1), t.s("add", 2))


@shape
def followed_by_a_group_and_more(t: Stage) -> Any:
    return t.chord(_pair(t), t.s("total")) | t.group(t.s("add", 1), t.s("add", 2)) | t.s("collect")


@shape
def in_a_group(t: Stage) -> Any:
    return t.group(t.chord(_pair(t), t.s("total")), t.chord(_pair(t, 5), t.s("collect")))


@shape
def member_ignores_how_it_ends(t: Stage) -> Any:
    return t.chord([t.s("add", 1, 1), t.s("ignore")], t.s("collect"))


@shape
def member_rejects(t: Stage) -> Any:
    return t.chord([t.s("add", 1, 1), t.s("reject", False)], t.s("collect"))


@shape
def with_queues(t: Stage) -> Any:
    return t.chord([t.s("describe").set(queue="other"), t.s("describe")], t.s("describe").set(queue="other"))


@shape
def a_member_joins(t: Stage) -> Any:
    return t.chord([t.s("add", 1, 1), t.s("join_in", 5)], t.s("total"))


@scenario
def expired_member(t: Stage) -> Iterator[None]:
    chord = t.chord(
        [t.s("add", 1, 1), t.s("add", 2, 2).set(expires=-1)], t.s("total").on_error(t.s("errback"))
    )
    t.watch("result", chord.apply_async())
    yield


@scenario
def hard_limit_of_a_member(t: Stage) -> Iterator[None]:
    chord = t.chord([t.s("add", 1, 1), t.s("hard")], t.s("total").on_error(t.s("errback")))
    t.watch("result", chord.apply_async())
    yield


@scenario
def called(t: Stage) -> Iterator[None]:
    header = t.chord(_pair(t))
    t.watch("result", header(t.s("total")))
    t.watch("with", t.chord(_pair(t, 5))(t.s("collect")))
    t.watch("delayed", t.chord(_pair(t, 10), t.s("total")).delay())
    yield
    for name in ("result", "with", "delayed"):
        t.get(t.watched[name], name)


@scenario
def with_options(t: Stage) -> Iterator[None]:
    chord = t.chord([t.s("describe", 1), t.s("describe", 2)], t.s("describe"))
    t.watch("result", chord.apply_async(task_id="the-body", queue="other"))
    t.watch("arguments", t.chord([t.s("collect"), t.s("collect", 1)], t.s("collect")).apply_async((5,)))
    t.watch("later", t.chord([t.s("describe")], t.s("describe")).apply_async(countdown=0.1))
    yield


@scenario
def parents(t: Stage) -> Iterator[None]:
    result = t.watch("result", t.chord(_pair(t), t.s("total")).apply_async())
    yield
    t.tell("parent", [result.parent, result.parent.get(timeout=1), result.parent.ready()])
    t.tell("tuple", result.as_tuple())
    t.tell("graph", sorted(str(node) for node in result.graph))


@scenario
def without_following_parents(t: Stage) -> Iterator[None]:
    result = t.watch("result", t.chord([t.s("add", 1, 1), t.s("fail")], t.s("total")).apply_async())
    yield
    t.get(result, "following")
    t.get(result, "not following", follow_parents=False)


@scenario
def errbacks_of_the_header(t: Stage) -> Iterator[None]:
    with t.settings(task_allow_error_cb_on_chord_header=True):
        chord = t.chord([t.s("add", 1, 1), t.s("fail")], t.s("total")).on_error(t.s("errback"))
        t.watch("result", chord.apply_async())
    yield


@scenario
def published_by_a_task(t: Stage) -> Iterator[None]:
    result = t.call("parent_of_shapes", t.chord(_pair(t), t.s("total")))
    yield
    t.tell("children", result.children)


@scenario
def joining_no_chord(t: Stage) -> None:
    t.call("join_in", 5)


@shape
def header_of_a_task_itself(t: Stage) -> Any:
    return t.chord([t.task("blame")], t.s("collect"))
