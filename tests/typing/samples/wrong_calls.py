"""Calls that are wrong: type checkers must complain about each marked line, and about no other. Never run."""

from typing import Any

from sedano import Sedano, Task, shared_task

app = Sedano("proj")


@app.task
def plain(x: int, y: int = 0) -> int:
    return x + y


@app.task(bind=True)
def bound(self: Task[..., Any], x: int) -> str:
    return str(x)


@shared_task
async def fetch(url: str) -> bytes:
    return url.encode()


plain.delay("x")  # wrong
plain.delay()  # wrong
plain.delay(1, z=2)  # wrong
plain.delay(1, 2, 3)  # wrong
plain("x")  # wrong
bound.delay("x")  # wrong
bound.delay(None, 1)  # wrong
fetch.delay(5)  # wrong
plain.apply_async((1,), countdown="soon")  # wrong
plain.apply_async((1,), cuontdown=5)  # wrong
plain.publish_many([1, 2])  # wrong
plain.publish_many([(1,)], task_id="a")  # wrong
plain.publish_many([plain.arguments("x")])  # wrong
plain.publish_many([fetch.arguments("u")])  # wrong
plain.si("x")  # wrong
bound.si(None, 1)  # wrong
plain.apply_async((1,), link=5)  # wrong
plain.publish_many([(1,)], chord=plain.s())  # wrong
number: str = ~plain.s(1, 2)  # wrong
text: str = plain.delay(1).get()  # wrong
data: bytes = fetch("u")  # wrong
app.send_task("proj.plain", queue=5)  # wrong


@app.task(max_retries="many")  # wrong
def first() -> None: ...


@shared_task(max_retires=3)  # wrong
def second() -> None: ...


async def awaiting() -> None:
    await plain.adelay("x")  # wrong
    await bound.adelay(None, 1)  # wrong
    await fetch.adelay(5)  # wrong
    await plain.aapply_async((1,), cuontdown=5)  # wrong
    await plain.apublish_many([(1,)], task_id="a")  # wrong
    (await (await plain.adelay(1)).aget()).upper()  # wrong
