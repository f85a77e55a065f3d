"""A small project: its application, whose broker is nowhere, and its tasks."""

from typing import Any

from sedano import Sedano, shared_task

app = Sedano("bakery", broker="redis://127.0.0.1:1/0")

baked: list[str] = []


@app.task(name="bakery.bake")
def bake(what: str) -> str:
    """Bake one."""
    baked.append(what)
    return f"a warm {what}"


@app.task(name="bakery.deliver", bind=True, max_retries=3, default_retry_delay=600)
def deliver(self: Any, what: str) -> str:
    """Nobody opens the door at first."""
    if self.request.retries == 0:
        raise self.retry(exc=ConnectionError("nobody is there"))
    return f"{what} delivered"


@shared_task(name="bakery.clean")
def clean() -> str:
    """Of no application."""
    return "clean"
