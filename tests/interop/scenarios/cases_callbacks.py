"""Scenarios: what follows a task: callbacks and errbacks in all places."""

from collections.abc import Iterator
from typing import Any

from tests.interop.scenarios.stage import Stage, scenario, shape


@shape
def one(t: Stage) -> Any:
    return t.s("add", 1, 2).set(link=t.s("add", 10))


@shape
def several(t: Stage) -> Any:
    return t.s("add", 1, 2).set(link=[t.s("add", 10), t.s("collect", "two"), t.s("echo")])


@shape
def nested(t: Stage) -> Any:
    inner = t.s("add", 10)
    inner.link(t.s("collect", "inner"))
    outer = t.s("add", 1, 2)
    outer.link(inner)
    return outer


@shape
def immutable(t: Stage) -> Any:
    return t.s("add", 1, 2).set(link=[t.si("add", 10, 1), t.si("collect")])


@shape
def a_group(t: Stage) -> Any:
    return t.s("add", 1, 2).set(link=t.group(t.s("add", 10), t.s("add", 20)))


@shape
def a_group_and_others(t: Stage) -> Any:
    return t.s("add", 1, 2).set(link=[t.s("echo"), t.group(t.s("add", 10), t.s("add", 20)), t.s("collect")])


@shape
def a_chain(t: Stage) -> Any:
    return t.s("add", 1, 2).set(link=t.chain(t.s("add", 10), t.s("add", 20)))


@shape
def a_chord(t: Stage) -> Any:
    return t.s("add", 1, 2).set(link=t.chord([t.s("add", 10), t.s("add", 20)], t.s("total")))


@shape
def failing(t: Stage) -> Any:
    return t.s("add", 1, 2).set(link=t.s("fail"), link_error=t.s("blame"))


@shape
def not_of_failures(t: Stage) -> Any:
    return t.s("fail").set(link=t.s("add", 10))


@shape
def with_queue(t: Stage) -> Any:
    return t.s("add", 1, 2).set(link=t.s("describe").set(queue="other", headers={"colour": "red"}))


@shape
def to_a_task_that_ignores(t: Stage) -> Any:
    return t.s("ignore").set(link=t.s("add", 10), link_error=t.s("blame"))


@shape
def to_a_task_that_rejects(t: Stage) -> Any:
    return t.s("reject", False).set(link=t.s("add", 10), link_error=t.s("errback"))


@shape
def errback_published(t: Stage) -> Any:
    return t.s("fail").set(link_error=t.s("blame"))


@shape
def errback_old_style(t: Stage) -> Any:
    return t.s("fail").set(link_error=t.s("old_errback"))


@shape
def errback_inline(t: Stage) -> Any:
    return t.s("fail").set(link_error=t.s("errback"))


@shape
def errback_inline_with_arguments(t: Stage) -> Any:
    return t.s("fail").set(link_error=t.s("errback", "more"))


@shape
def errback_inline_immutable(t: Stage) -> Any:
    return t.s("fail").set(link_error=t.si("errback_of_two", 1, 2))


@shape
def errback_of_two_arguments(t: Stage) -> Any:
    return t.s("fail").set(link_error=t.s("errback_of_two"))


@shape
def errback_bound(t: Stage) -> Any:
    return t.s("fail").set(link_error=t.s("bound_errback"))


@shape
def errback_immutable(t: Stage) -> Any:
    return t.s("fail").set(link_error=t.si("blame"))


@shape
def errback_that_fails(t: Stage) -> Any:
    return t.s("fail").set(link_error=[t.s("failing_errback"), t.s("errback"), t.s("blame")])


@shape
def errbacks_of_each_kind(t: Stage) -> Any:
    return t.s("fail").set(link_error=[t.s("blame"), t.s("errback"), t.si("echo", 5), t.s("old_errback")])


@shape
def errback_with_an_errback(t: Stage) -> Any:
    errback = t.s("fail")
    errback.link_error(t.s("blame"))
    return t.s("fail").set(link_error=errback)


@shape
def errback_that_is_a_chain(t: Stage) -> Any:
    return t.s("fail").set(link_error=t.chain(t.s("old_errback"), t.s("collect")))


@shape
def errback_that_is_a_group(t: Stage) -> Any:
    return t.s("fail").set(link_error=t.group(t.s("old_errback"), t.s("blame")))


@shape
def errback_not_of_success(t: Stage) -> Any:
    return t.s("add", 1, 2).set(link_error=t.s("blame"))


@shape
def errback_of_a_chain(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 2), t.s("fail"), t.s("add", 1)).on_error(t.s("errback"))


@shape
def errbacks_of_steps(t: Stage) -> Any:
    return t.chain(
        t.s("add", 1, 2).on_error(t.s("errback", 1)),
        t.s("fail").on_error(t.s("errback", 2)),
        t.s("add", 1).on_error(t.s("errback", 3)),
    )


@shape
def errback_of_a_group(t: Stage) -> Any:
    return t.group(t.s("fail"), t.s("add", 1, 2), t.s("fail")).on_error(t.s("blame"))


@shape
def callback_of_a_group(t: Stage) -> Any:
    group = t.group(t.s("add", 1, 1), t.s("add", 2, 2))
    group.link(t.s("collect", "linked"))
    return group


@shape
def callback_of_a_chain(t: Stage) -> Any:
    chain = t.chain(t.s("add", 1, 1), t.s("add", 2))
    chain.link(t.s("collect", "linked"))
    return chain


@shape
def callback_of_a_step(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 1).set(link=t.s("collect", "aside")), t.s("add", 2))


@scenario
def given_to_apply_async(t: Stage) -> Iterator[None]:
    links = {"link": [t.s("add", 10), t.s("add", 20)], "link_error": t.s("errback")}
    result = t.call("add", 1, 2, **links)
    t.watch("failed", t.task("fail").apply_async((), {"k": t.key}, **links))
    yield
    t.get(result)


@scenario
def given_to_a_chain(t: Stage) -> Iterator[None]:
    chain = t.chain(t.s("add", 1, 2), t.s("fail"))
    t.watch("result", chain.apply_async(link=t.s("add", 10), link_error=t.s("errback")))
    good = t.chain(t.s("add", 5, 5), t.s("add", 3))
    t.watch("good", good.apply_async(link=t.s("add", 10), link_error=t.s("errback")))
    yield


@scenario
def given_to_a_group(t: Stage) -> None:
    group = t.group(t.s("add", 1, 2), t.s("add", 3, 4))
    t.attempt("link", group.apply_async, link=t.s("add", 10))
    t.attempt("link_error", group.apply_async, link_error=t.s("blame"))


@scenario
def given_to_a_chord(t: Stage) -> Iterator[None]:
    chord = t.chord([t.s("add", 1, 2), t.s("add", 3, 4)], t.s("total"))
    t.watch("result", chord.apply_async(link=t.s("add", 10), link_error=t.s("errback")))
    bad = t.chord([t.s("add", 7, 8), t.s("fail")], t.s("total"))
    t.watch("bad", bad.apply_async(link=t.s("add", 10), link_error=t.s("errback")))
    yield


@scenario
def linked_twice(t: Stage) -> Iterator[None]:
    signature, callback = t.s("add", 1, 2), t.s("add", 10)
    signature.link(callback)
    signature.link(callback)
    t.tell("flattened", len(signature.flatten_links()))
    t.watch("result", signature.apply_async())
    yield


@scenario
def of_a_task_that_runs_again(t: Stage) -> Iterator[None]:
    t.call("again", 1, link=t.s("collect", "linked"), link_error=t.s("errback"))
    bad = t.task("again").apply_async(
        (1,), {"times": 99, "k": t.key}, link=t.s("collect"), link_error=t.s("errback")
    )
    t.watch("bad", bad)
    yield


@scenario
def of_expired_tasks(t: Stage) -> Iterator[None]:
    t.call("add", 1, 2, expires=-1, link=t.s("add", 10), link_error=t.s("errback"))
    yield


@scenario
def errback_that_looks(t: Stage) -> Iterator[None]:
    t.call("fail", link_error=t.s("errback_that_looks"))
    yield
