"""Scenarios: groups, and many calls of one task."""

from collections.abc import Iterator
from typing import Any

from tests.interop.scenarios.stage import Stage, scenario, shape


def _calls(t: Stage) -> list[tuple[Any, ...]]:
    return [(number, number, t.key) for number in range(1, 4)]


@shape
def empty(t: Stage) -> Any:
    return t.group()


@shape
def single(t: Stage) -> Any:
    return t.group(t.s("add", 1, 2))


@shape
def of_three(t: Stage) -> Any:
    return t.group(t.s("add", number, 1) for number in range(3))


@shape
def in_a_group(t: Stage) -> Any:
    return t.group(t.group(t.s("add", 1, 1), t.s("add", 2, 2)), t.s("add", 3, 3))


@shape
def single_in_a_single(t: Stage) -> Any:
    return t.group(t.group(t.s("add", 1, 1)))


@shape
def of_chains(t: Stage) -> Any:
    return t.group(t.chain(t.s("add", 1, 1), t.s("add", 10)), t.chain(t.s("add", 2, 2), t.s("add", 20)))


@shape
def of_chains_that_end_in_groups(t: Stage) -> Any:
    return t.group(t.chain(t.s("add", 1, 1), t.group(t.s("add", 10), t.s("add", 20))), t.s("add", 3, 3))


@shape
def of_one_chain_that_ends_in_a_group(t: Stage) -> Any:
    return t.group(t.chain(t.s("add", 1, 1), t.group(t.s("add", 10), t.s("add", 20))))


@shape
def of_chords(t: Stage) -> Any:
    return t.group(t.chord([t.s("add", 1, 1), t.s("add", 2, 2)], t.s("total")), t.s("add", 3, 3))


@shape
def with_a_failing_member(t: Stage) -> Any:
    return t.group(t.s("add", 1, 1), t.s("fail"), t.s("add", 2, 2))


@shape
def with_failing_members(t: Stage) -> Any:
    return t.group(t.s("fail_odd", number) for number in range(4))


@shape
def with_an_ignoring_member(t: Stage) -> Any:
    return t.group(t.s("add", 1, 1), t.s("secret", 5))


@shape
def with_queue(t: Stage) -> Any:
    return t.group(t.s("describe", 1), t.s("describe", 2)).set(queue="other")


@shape
def piped_into_a_group(t: Stage) -> Any:
    return t.group(t.s("add", 1, 1), t.s("add", 2, 2)) | t.group(t.s("total"), t.s("echo"))


@shape
def mapped(t: Stage) -> Any:
    return t.task("total").map([[1, 2], [3, 4]])


@shape
def starmapped(t: Stage) -> Any:
    return t.task("add").starmap([(1, 2, t.key), (3, 4, t.key)])


@shape
def mapped_failing(t: Stage) -> Any:
    return t.task("fail_odd").map([2, 1, 4])


@shape
def chunked(t: Stage) -> Any:
    return t.task("add").chunks([(number, number, t.key) for number in range(5)], 2)


@shape
def chunks_as_a_group(t: Stage) -> Any:
    return t.task("add").chunks(_calls(t), 2).group()


@shape
def map_in_a_chain(t: Stage) -> Any:
    return t.chain(t.task("total").map([[1, 2], [3, 4]]), t.s("total"))


@shape
def map_in_a_chord(t: Stage) -> Any:
    return t.chord([t.task("add").starmap([(1, 2, t.key)]), t.s("add", 1, 1)], t.s("collect"))


@shape
def chunks_in_a_chord(t: Stage) -> Any:
    return t.chord(t.task("add").chunks(_calls(t), 2).group(), t.s("collect"))


@scenario
def called(t: Stage) -> Iterator[None]:
    group = t.group(t.s("add", 1), t.s("add", 2))
    t.watch("called", group(10))
    t.watch("delayed", group.delay(20))
    t.watch("applied", group.apply_async((30,), queue="other", countdown=0.05))
    yield
    t.tell("values", [t.watched[name].get(timeout=1) for name in ("called", "delayed", "applied")])


@scenario
def chunks_called(t: Stage) -> Iterator[None]:
    t.watch("result", t.task("add").chunks(_calls(t), 2)())
    yield
    t.get(t.watched["result"])


@scenario
def saved_and_restored(t: Stage) -> Iterator[None]:
    result = t.watch("result", t.group(t.s("add", 1, 1), t.s("add", 2, 2)).apply_async())
    result.save()
    yield
    restored = t.app.GroupResult.restore(result.id)
    t.tell("restored", [restored.id == result.id, len(restored), restored.get(timeout=1), restored == result])
    restored.delete()
    t.tell("deleted", t.app.GroupResult.restore(result.id))


@scenario
def saved_with_groups_inside(t: Stage) -> Iterator[None]:
    group = t.group(t.chain(t.s("add", 1, 1), t.group(t.s("add", 10), t.s("add", 20))), t.s("add", 3, 3))
    result = t.watch("result", group.apply_async())
    result.save()
    yield
    restored = t.app.GroupResult.restore(result.id)
    t.tell("restored", [len(restored), restored.get(timeout=1), restored.as_tuple() == result.as_tuple()])


@scenario
def result_methods(t: Stage) -> Iterator[None]:
    good = t.watch("result", t.group(t.s("add", 1, 1), t.s("add", 2, 2), t.s("add", 3, 3)).apply_async())
    bad = t.watch("bad", t.group(t.s("add", 1, 1), t.s("fail"), t.s("fail_odd", 3)).apply_async())
    yield
    for name, result in (("good", good), ("bad", bad)):
        states = [result.ready(), result.successful(), result.failed(), result.waiting(), len(result)]
        t.tell(f"{name} states", states)
        t.tell(f"{name} count", result.completed_count())
        for method in ("get", "join", "join_native"):
            t.attempt(f"{name} {method}", getattr(result, method), timeout=0.5)
            t.attempt(f"{name} {method} silently", getattr(result, method), timeout=0.5, propagate=False)
        t.attempt(f"{name} maybe_throw", result.maybe_throw)
        t.tell(f"{name} tuple", result.as_tuple())
        t.attempt(f"{name} native", lambda r=result: sorted(meta["status"] for _, meta in r.iter_native()))
        t.tell(f"{name} first", [result[0], result.children, bool(result)])
        t.tell(f"{name} collected", list(result.results))
    seen: list[Any] = []
    good.get(callback=lambda task_id, value: seen.append(value), timeout=1)
    t.tell("callback", sorted(seen))


@scenario
def result_sets(t: Stage) -> Iterator[None]:
    results = [t.task("add").delay(number, 1, k=t.key) for number in range(3)]
    members = t.app.ResultSet(results[:2])
    members.add(results[2])
    members.add(results[2])
    yield
    t.tell("values", members.get(timeout=1))
    members.remove(results[0])
    t.tell("removed", members.get(timeout=1))
    members.discard(results[0])
    members.update([results[0]])
    t.tell("updated", members.get(timeout=1))
    members.clear()
    t.tell("cleared", [len(members), members.ready()])


@scenario
def published_by_a_task(t: Stage) -> Iterator[None]:
    result = t.call("parent_of_shapes", t.group(t.s("add", 1, 1), t.s("add", 2, 2)))
    yield
    t.tell("children", result.children)
    t.tell("collected", [value for _, value in result.collect()])
