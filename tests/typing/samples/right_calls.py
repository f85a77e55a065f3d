"""Calls that are right: type checkers must accept them, and see these types. Never run."""

from collections.abc import AsyncIterator
from typing import Any, assert_type

from sedano import AsyncResult, Sedano, Signature, Task, chain, chord, current_app, group, shared_task
from sedano.results.eager_result import EagerResult

app = Sedano("proj")


@app.task
def plain(x: int, y: int = 0) -> int:
    return x + y


@app.task()
def called(x: int) -> str:
    return str(x)


@app.task(name="proj.options", max_retries=None, autoretry_for=(ValueError,), queue="q", acks_late=True)
def options(x: int) -> str:
    return str(x)


@app.task(bind=True, retry_backoff=True)
def bound(self: Task[..., Any], x: int) -> str:
    raise self.retry(countdown=5, queue="later")


@app.task
async def fetch(url: str) -> bytes:
    return url.encode()


@app.task(bind=True)
async def fetch_bound(self: Task[..., Any], url: str) -> bytes:
    return url.encode()


@shared_task
def shared(x: int) -> list[int]:
    return [x]


@shared_task(ignore_result=True)
def shared_options(x: int) -> None: ...


@shared_task(bind=True)
def shared_bound(self: Task[..., Any], x: int) -> float:
    return float(x)


@shared_task
async def shared_fetch(url: str) -> bytes:
    return url.encode()


class Add(Task[[int, int], int]):
    def run(self, x: int, y: int) -> int:
        return x + y


add = app.register_task(Add())

assert_type(plain.delay(1), AsyncResult[int])
assert_type(plain.delay(1, y=2).get(timeout=3), int)
assert_type(plain(1, 2), int)
assert_type(plain.apply_async((1,), {"y": 2}, countdown=5, queue="q", headers={"a": 1}), AsyncResult[int])
assert_type(plain.apply((1,)), EagerResult[int])
assert_type(plain.publish_many((n, n) for n in range(3)), list[AsyncResult[int]])
assert_type(plain.publish_many([(1, 2), [3], {"x": 4}], queue="q", countdown=5), list[AsyncResult[int]])
assert_type(bound.publish_many([bound.arguments(1), bound.arguments(x=2)])[0].get(), str)
assert_type(fetch.publish_many([fetch.arguments("u")])[0].get(), bytes)
assert_type(plain.AsyncResult("id"), AsyncResult[int])
assert_type(called.delay(1).get(), str)
assert_type(options.delay(x=1).get(), str)
assert_type(bound.delay(1).get(), str)
assert_type(bound(1), str)
assert_type(fetch.delay("u").get(), bytes)
assert_type(fetch_bound.delay(url="u").get(), bytes)
assert_type(shared.delay(1).get(), list[int])
assert_type(shared_options.delay(1).get(), None)
assert_type(shared_bound.delay(1).get(), float)
assert_type(shared_fetch.delay("u").get(), bytes)
assert_type(add.delay(1, 2).get(), int)
assert_type(current_app.send_task("proj.plain", (1,), priority=3), AsyncResult[Any])
assert_type(plain.s(1), Signature[int])
assert_type(plain.si(1, y=2), Signature[int])
assert_type(bound.si(1), Signature[str])
assert_type(fetch.si("u"), Signature[bytes])
assert_type(~plain.s(1, 2), int)
assert_type(plain.signature((1,), countdown=5).AsyncResult("id"), AsyncResult[int])
plain.apply_async((1,), link=plain.s(2), link_error=[bound.si(1)])
plain.publish_many([(1,)], link=plain.s(2), group_id="g")
(plain.s(1) | plain.s(2)).apply_async(queue="q")
(plain.s(1) | group(plain.s(2), plain.s(3))).apply_async()
(group(plain.s(2), plain.s(3)) | bound.s()).apply_async()
chain(plain.s(1), plain.s(2)).delay()
chord([plain.s(n) for n in range(3)], bound.s()).apply_async()
chord(group(plain.s(n) for n in range(3)))(bound.s())
plain.chunks(zip(range(3), range(3), strict=True), 2).apply_async()
current_app.signature("proj.plain", args=(1,)).delay()
wider: AsyncResult[object] = plain.delay(1)


async def awaiting() -> None:
    assert_type(await fetch("u"), bytes)
    assert_type(await fetch_bound("u"), bytes)
    assert_type(await shared_fetch(url="u"), bytes)
    assert_type(await plain.adelay(1, y=2), AsyncResult[int])
    assert_type(await (await plain.adelay(1)).aget(timeout=3), int)
    assert_type(await (await fetch.adelay("u")).aget(), bytes)
    assert_type(await (await bound.adelay(1)).aget(), str)
    assert_type(await plain.aapply_async((1,), {"y": 2}, countdown=5, queue="q"), AsyncResult[int])
    assert_type(await plain.apublish_many((n, n) for n in range(3)), list[AsyncResult[int]])
    assert_type(await plain.apublish_many(pairs(), queue="q"), list[AsyncResult[int]])
    assert_type(await plain.aapply((1,)), EagerResult[int])
    assert_type(await current_app.asend_task("proj.plain", (1,), priority=3), AsyncResult[Any])
    await (plain.s(1) | plain.s(2)).aapply_async(queue="q")
    await group(plain.s(2), plain.s(3)).adelay()
    async for _ in current_app.ResultSet([plain.delay(1)]).aiterate(timeout=3):
        pass


async def pairs() -> AsyncIterator[tuple[int, int]]:
    yield 1, 2
