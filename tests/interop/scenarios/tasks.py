"""The tasks of all scenarios, declared once for either library.

Each takes ``k``, the key of its scenario, by which what is noted of it is found again.
"""

import time
from typing import Any

from tests.interop.scenarios.errors import Trouble
from tests.interop.scenarios.library import Library
from tests.interop.scenarios.notes import how_often, note
from tests.interop.scenarios.observing import noted_class
from tests.interop.scenarios.plain import last_line, plain
from tests.interop.scenarios.retry_tasks import declare_retries


def declare(library: Library, app: Any) -> None:
    """Declare everything."""
    _declare_simple(library, app)
    _declare_ends(library, app)
    declare_retries(library, app)
    _declare_classes(library, app)
    _declare_workflows(library, app)


def _declare_simple(library: Library, app: Any) -> None:
    noted = noted_class(library)

    @app.task(name="sc.add")
    def add(x: int, y: int = 0, k: str | None = None) -> int:
        return x + y

    @app.task(name="sc.echo")
    def echo(value: Any = None, k: str | None = None) -> Any:
        return value

    @app.task(name="sc.total")
    def total(numbers: list[int], k: str | None = None) -> int:
        return sum(numbers)

    @app.task(name="sc.nothing")
    def nothing(k: str | None = None) -> None:
        return None

    @app.task(name="sc.collect")
    def collect(*args: Any, k: str | None = None, **kwargs: Any) -> Any:
        return [list(args), kwargs]

    @app.task(name="sc.fail")
    def fail(*args: Any, k: str | None = None) -> None:
        raise Trouble("fail")

    @app.task(name="sc.fail_odd")
    def fail_odd(number: int, k: str | None = None) -> int:
        if number % 2:
            raise Trouble("odd", number)
        return number

    @app.task(name="sc.noted", base=noted)
    def noted_task(value: Any = None, k: str | None = None) -> Any:
        note(k, "function", None, value=value)
        return value

    @app.task(name="sc.noted_fail", base=noted, bind=True)
    def noted_fail(self: Any, value: Any = None, k: str | None = None) -> Any:
        note(k, "function", self.request.id, value=value)
        raise Trouble("noted")

    @app.task(name="sc.errback")
    def errback(request: Any, exc: Any, traceback: Any, *more: Any, k: str | None = None) -> None:
        last = last_line(library, traceback)
        shown = plain(library, {"exc": exc, "last_line": last, "more": more})
        note(k, "errback", None, failed=request.id, failed_task=request.task, **shown)

    @app.task(name="sc.errback_that_looks")
    def errback_that_looks(request: Any, exc: Any, traceback: Any, k: str | None = None) -> None:
        note(k, "errback", None, state=app.AsyncResult(request.id).state)

    @app.task(name="sc.errback_of_two")
    def errback_of_two(first: Any, second: Any, k: str | None = None) -> None:
        note(k, "errback_of_two", None, first=plain(library, first), second=plain(library, second))

    @app.task(name="sc.blame")
    def blame(*failed_ids: Any, k: str | None = None) -> list[Any]:
        return [type(one).__name__ if not isinstance(one, str) else one for one in failed_ids]

    @app.task(name="sc.old_errback")
    def old_errback(failed_id: str, k: str | None = None) -> str:
        return failed_id

    @app.task(name="sc.bound_errback", bind=True)
    def bound_errback(
        self: Any, failed_id: Any, exc: Any = None, tb: Any = None, k: str | None = None
    ) -> Any:
        return [failed_id, exc, tb]

    @app.task(name="sc.failing_errback")
    def failing_errback(request: Any, exc: Any, traceback: Any, k: str | None = None) -> None:
        note(k, "failing_errback", None, failed=request.id)
        raise Trouble("errback")


def _declare_ends(library: Library, app: Any) -> None:
    exceptions = library.exceptions
    noted = noted_class(library)

    @app.task(name="sc.ignore", base=noted)
    def ignore(*args: Any, k: str | None = None) -> None:
        raise exceptions.Ignore(*args)

    @app.task(name="sc.ignore_with_state", bind=True, base=noted)
    def ignore_with_state(self: Any, k: str | None = None) -> None:
        self.update_state(state="ODD", meta={"done": 1})
        raise exceptions.Ignore

    @app.task(name="sc.reject", bind=True, base=noted)
    def reject(self: Any, requeue: bool, k: str | None = None) -> str:
        note(k, "function", None)
        if how_often(k, "function") > 1:
            return "again"
        raise exceptions.Reject("no", requeue=requeue)

    @app.task(name="sc.reject_early", bind=True, base=noted, acks_late=False)
    def reject_early(self: Any, requeue: bool, k: str | None = None) -> str:
        note(k, "function", None)
        if how_often(k, "function") > 1:
            return "again"
        raise exceptions.Reject("no", requeue=requeue)

    @app.task(name="sc.soft", base=noted, soft_time_limit=1, time_limit=30)
    def soft(catches: bool, k: str | None = None) -> str:
        try:
            time.sleep(60)
        except exceptions.SoftTimeLimitExceeded:
            if not catches:
                raise
        return "cleaned up"

    @app.task(name="sc.hard", base=noted, time_limit=1)
    def hard(k: str | None = None) -> None:
        time.sleep(60)

    @app.task(name="sc.progress", bind=True, base=noted)
    def progress(self: Any, k: str | None = None) -> Any:
        self.update_state(state="PROGRESS", meta={"done": 1})
        seen = self.AsyncResult(self.request.id).state
        self.update_state(meta={"done": 2}, state="PROGRESS")
        return seen in ("PROGRESS", "PENDING")

    @app.task(name="sc.left_in_progress", bind=True)
    def left_in_progress(self: Any, state: str, meta: Any, k: str | None = None) -> None:
        self.update_state(state=state, meta=meta)
        raise exceptions.Ignore

    @app.task(name="sc.tracked", bind=True, track_started=True)
    def tracked(self: Any, k: str | None = None) -> None:
        raise exceptions.Ignore

    @app.task(name="sc.secret", ignore_result=True)
    def secret(x: Any = None, k: str | None = None) -> Any:
        return x

    @app.task(name="sc.secret_failing", ignore_result=True)
    def secret_failing(k: str | None = None) -> None:
        raise Trouble("secret")

    @app.task(name="sc.secret_but_errors", ignore_result=True, store_errors_even_if_ignored=True)
    def secret_but_errors(k: str | None = None) -> None:
        raise Trouble("secret")

    @app.task(name="sc.throws", base=noted, throws=(Trouble,))
    def throws(k: str | None = None) -> None:
        raise Trouble("expected")

    @app.task(name="sc.unwritable")
    def unwritable(k: str | None = None) -> Any:
        return object()

    @app.task(name="sc.unwritable_error")
    def unwritable_error(k: str | None = None) -> None:
        raise ValueError("args", object)

    @app.task(name="sc.chained_error")
    def chained_error(k: str | None = None) -> None:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise Trouble("outer") from error

    @app.task(name="sc.exits")
    def exits(k: str | None = None) -> None:
        raise SystemExit(3)

    @app.task(name="sc.describe", bind=True)
    def describe(self: Any, *args: Any, k: str | None = None, **kwargs: Any) -> Any:
        request = self.request
        return {
            "args": list(args),
            "kwargs": kwargs,
            "headers": request.headers,
            "colour": request.get("colour"),
        }


def _declare_classes(library: Library, app: Any) -> None:
    task_class = library.top.Task
    noted = noted_class(library)

    class Counting(task_class):
        """Keeps something on the instance, and goes round the call."""

        abstract = True
        greeting = "hello"
        max_retries = 11

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            note(kwargs.get("k"), "around", self.request.id)
            return self.run(*args, **kwargs)

    class Inheriting(Counting):
        abstract = True
        greeting = "good day"

    @app.task(name="sc.counting", base=Counting, bind=True)
    def counting(self: Any, k: str | None = None) -> Any:
        return [self.greeting, self.max_retries, self.name, isinstance(self, Counting)]

    @app.task(name="sc.inheriting", base=Inheriting, bind=True, max_retries=1)
    def inheriting(self: Any, k: str | None = None) -> Any:
        return [self.greeting, self.max_retries, self.name, isinstance(self, Counting)]

    class Adder(noted):  # type: ignore[valid-type, misc]
        name = "sc.adder"
        queue = "other"

        def run(self, x: int, y: int, k: str | None = None) -> Any:
            return [x + y, self.request.delivery_info["routing_key"]]

    app.register_task(Adder())

    class SuperCall(task_class):
        abstract = True

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return ["around", super().__call__(*args, **kwargs)]

    @app.task(name="sc.super_call", base=SuperCall, bind=True)
    def super_call(self: Any, x: int, k: str | None = None) -> Any:
        return [x, self.request.called_directly, self.request.id is not None]

    @app.task(name="sc.annotated", bind=True)
    def annotated(self: Any, k: str | None = None) -> Any:
        return [self.max_retries, self.priority, self.request.timelimit]

    class Broken(noted):  # type: ignore[valid-type, misc]
        abstract = True

        def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
            super().on_success(retval, task_id, args, kwargs)
            raise Trouble("handler")

        def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
            super().on_failure(exc, task_id, args, kwargs, einfo)
            raise Trouble("handler")

    @app.task(name="sc.broken_handlers", base=Broken)
    def broken_handlers(fails: bool, k: str | None = None) -> str:
        if fails:
            raise Trouble("function")
        return "done"

    class Unready(noted):  # type: ignore[valid-type, misc]
        abstract = True

        def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
            raise Trouble("before_start")

    @app.task(name="sc.unready", base=Unready)
    def unready(k: str | None = None) -> str:
        return "done"


def _declare_workflows(library: Library, app: Any) -> None:
    tasks = app.tasks
    noted = noted_class(library)

    @app.task(name="sc.parent")
    def parent(k: str | None = None) -> int:
        for number in range(2):
            tasks["sc.add"].delay(number, 1, k=k)
        return 2

    @app.task(name="sc.grandparent")
    def grandparent(k: str | None = None) -> None:
        tasks["sc.parent"].delay(k=k)

    @app.task(name="sc.parent_without_trail", trail=False)
    def parent_without_trail(k: str | None = None) -> None:
        tasks["sc.add"].delay(1, 1, k=k)

    @app.task(name="sc.parent_of_strangers")
    def parent_of_strangers(k: str | None = None) -> None:
        tasks["sc.add"].apply_async((1, 1), {"k": k}, add_to_parent=False)

    @app.task(name="sc.parent_of_shapes")
    def parent_of_shapes(shape: Any, k: str | None = None) -> None:
        library.top.signature(shape, app=app).apply_async()

    @app.task(name="sc.caller")
    def caller(x: int, k: str | None = None) -> Any:
        """Calls another task as a function."""
        return [tasks["sc.add"](x, 1), tasks["sc.describe"](x, k=k)]

    @app.task(name="sc.replace", bind=True, base=noted)
    def replace(
        self: Any, value: Any = None, by: Any = None, raises: bool = False, k: str | None = None
    ) -> Any:
        sig = library.top.signature(by, app=app)
        if raises:
            raise self.replace(sig)
        return self.replace(sig)

    @app.task(name="sc.join_in", bind=True)
    def join_in(self: Any, x: int, k: str | None = None) -> int:
        # Both have the same result: the two share a place, and which comes first is not defined.
        self.add_to_chord(tasks["sc.add"].s(x, 0, k=k))
        return x
