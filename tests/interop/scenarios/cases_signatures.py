"""Scenarios: signatures and stamps."""

from collections.abc import Iterator
from typing import Any

from tests.interop.scenarios.stage import Stage, scenario, shape


@scenario
def partials(t: Stage) -> Iterator[None]:
    partial = t.task("collect").s(2, colour="red", k=t.key)
    t.watch("called", partial.delay(1, colour="blue"))
    t.watch("cloned", partial.clone((0,), {"size": 5}).delay())
    t.watch("applied", partial.apply_async((9,), {"extra": 1}, queue="other"))
    t.watch("replaced", partial.replace(args=(7,), kwargs={"k": t.key}).delay())
    t.tell("unchanged", dict(partial))
    yield
    for name in ("called", "cloned", "applied", "replaced"):
        t.get(t.watched[name], name)


@scenario
def immutable(t: Stage) -> Iterator[None]:
    fixed = t.task("collect").si(2, colour="red", k=t.key)
    t.watch("called", fixed.delay(1, colour="blue"))
    t.watch("cloned", fixed.clone((0,), {"size": 5}).delay())
    loose = fixed.clone()
    loose.set_immutable(False)
    t.watch("loosened", loose.delay(1))
    yield
    for name in ("called", "cloned", "loosened"):
        t.get(t.watched[name], name)


@scenario
def options(t: Stage) -> Iterator[None]:
    signature = t.task("describe").signature((1,), {"k": t.key}, queue="other", headers={"colour": "red"})
    t.watch("as they are", signature.delay())
    t.watch("overridden", signature.apply_async(queue="celery", headers={"size": 5}))
    t.watch("set", signature.clone().set(priority=3, shadow="somebody").delay())
    yield


@scenario
def frozen(t: Stage) -> Iterator[None]:
    signature = t.s("add", 1, 2)
    result = t.watch("frozen", signature.freeze())
    t.tell("kept", [signature.id == result.id, signature.options["task_id"] == result.id])
    t.tell("sent", signature.apply_async().id == result.id)
    named = t.s("add", 3, 4).freeze("an-id-of-my-own")
    t.tell("named", named.id)
    yield


@scenario
def as_data(t: Stage) -> Iterator[None]:
    import json

    chain = t.chain(t.s("add", 1, 2), t.group(t.s("add", 3), t.s("add", 4)), t.s("total"))
    again = t.lib.signature(json.loads(json.dumps(chain)), app=t.app)
    t.watch("result", again.apply_async())
    t.tell("texts", [repr(t.s("add", 1)), repr(t.lib.chain(t.task("add").s(1), t.task("add").s(2)))])
    t.tell("kinds", [type(again).__name__, again.subtask_type])
    yield
    t.get(t.watched["result"])


@scenario
def by_name(t: Stage) -> Iterator[None]:
    signature = t.lib.signature("sc.add", args=(1, 2), kwargs={"k": t.key}, app=t.app)
    t.watch("result", signature.apply_async())
    unknown = t.lib.signature("sc.describe", args=(1,), kwargs={"k": t.key}, queue="other", app=t.app)
    t.watch("routed", unknown.delay())
    t.tell(
        "maybe", [t.lib.maybe_signature(None), type(t.lib.maybe_signature(dict(signature), t.app)).__name__]
    )
    yield


@scenario
def called_here(t: Stage) -> None:
    t.attempt("task", t.s("add", 1, 2))
    t.attempt("with more", t.task("add").s(2), 40)
    t.attempt("immutable", t.si("add", 1, 2), 5)
    t.attempt("failing", t.s("fail"))


@scenario
def stamps(t: Stage) -> Iterator[None]:
    single = t.s("describe", 1)
    single.stamp(tenant="acme", numbers=[1, 2])
    t.watch("single", single.apply_async())
    chain = t.chain(t.s("describe", 3), t.s("describe"))
    chain.stamp(tenant="acme")
    t.watch("chain", chain.apply_async())
    group = t.group(t.s("describe", 4), t.s("describe", 5))
    group.stamp(tenant="acme")
    t.watch("group", group.apply_async())
    chord = t.chord([t.s("describe", 6), t.s("describe", 7)], t.s("describe"))
    chord.stamp(tenant="acme")
    t.watch("chord", chord.apply_async())
    yield


@scenario
def stamps_of_callbacks(t: Stage) -> Iterator[None]:
    signature = t.s("describe", 1)
    signature.link(t.s("describe", 2))
    signature.stamp(tenant="acme")
    t.watch("result", signature.apply_async())
    failing = t.s("fail")
    failing.link_error(t.s("blame"))
    failing.stamp(tenant="acme")
    t.watch("failing", failing.apply_async())
    yield


@scenario
def stamps_of_what_a_task_publishes(t: Stage) -> Iterator[None]:
    signature = t.s("parent_of_shapes", t.s("describe", 1))
    signature.stamp(tenant="acme")
    t.watch("result", signature.apply_async())
    yield


@scenario
def stamps_by_a_visitor(t: Stage) -> Iterator[None]:
    class Numbering(t.library.canvas.StampingVisitor):  # type: ignore[misc, name-defined]
        """Stamps each part with what it is."""

        def on_signature(self, sig: Any, **headers: Any) -> Any:
            return {"part": sig["task"], "stamped_headers": ["part"]}

        def on_group_start(self, group: Any, **headers: Any) -> Any:
            return {"within": "group"}

        def on_chain_start(self, chain: Any, **headers: Any) -> Any:
            return {"along": "chain"}

        def on_chord_body(self, chord: Any, **headers: Any) -> Any:
            return {"body": True}

        def on_callback(self, callback: Any, **headers: Any) -> Any:
            return {"callback": True}

        def on_errback(self, errback: Any, **headers: Any) -> Any:
            return {"errback": True}

    chain = t.chain(
        t.s("describe", 1).set(link=t.s("collect", "linked"), link_error=t.s("blame")),
        t.group(t.s("describe", 2), t.s("describe", 3)),
        t.s("describe"),
    )
    chain.stamp(visitor=Numbering())
    t.watch("result", chain.apply_async())
    yield


@scenario
def stamps_twice(t: Stage) -> Iterator[None]:
    signature = t.s("describe", 1)
    signature.stamp(tenant="acme")
    signature.stamp(tenant="other", colour="red")
    t.watch("result", signature.apply_async())
    appended = t.s("describe", 2)
    appended.stamp(tenant="acme")
    appended.stamp(append_stamps=True, tenant="other")
    t.watch("appended", appended.apply_async())
    yield


@shape
def inverted(t: Stage) -> Any:
    return t.s("add", 1, 2) | t.si("echo", "immutable") | t.s("collect", x=1)


@scenario
def equality(t: Stage) -> None:
    add, other = t.task("add"), t.task("echo")
    t.tell(
        "same",
        [add.s(1) == add.s(1), add.s(1) == add.s(2), add.s(1) == other.s(1), add.s(1) == dict(add.s(1))],
    )
    t.tell("ids", [t.chain(add.s(1), add.s(2)) == t.chain(add.s(1), add.s(2))])
    t.tell("names", [add.s(1).task, add.s(1).name, add.s(1).type.name, add.subtask((1,)).args])


@scenario
def merging(t: Stage) -> None:
    add = t.task("add")
    t.tell("flat", dict(t.chain(add.s(1), t.chain(add.s(2), add.s(3)))))
    t.tell("group of one", dict(t.chain(add.s(1), t.group(add.s(2)), add.s(3))))
    t.tell("pipe to a group", (add.s(1) | t.group(add.s(2), add.s(3))).subtask_type)
    t.tell("group to a task", (t.group(add.s(2), add.s(3)) | add.s(1)).subtask_type)
    t.tell("nested groups", dict(t.group(t.group(add.s(1), add.s(2)), add.s(3))))
    t.tell("one", [type(t.chain(add.s(1))).__name__, type(t.chain(t.group(add.s(1)))).__name__])
