"""What a task may be declared with: the keywords of ``app.task`` and ``shared_task``, and their types.

Called when a module of tasks is imported. Never looks at settings: they may not be there yet.
"""

from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from types import MethodType
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Final,
    Literal,
    ParamSpec,
    Protocol,
    TypedDict,
    TypeVar,
    overload,
)

from sedano.errors import ConfigurationError, NotSupported, did_you_mean
from sedano.tasks.task import Task

P = ParamSpec("P")
R = TypeVar("R")


class TaskDeclaration(TypedDict, total=False):
    """The keywords of the decorators. Others become attributes of the task, as in Celery."""

    name: str | None
    base: type[Task[..., Any]] | None
    typing: bool
    shared: bool
    lazy: bool

    queue: str | None
    priority: int | None
    pool: str | None
    expires: float | datetime | None
    serializer: str | None
    compression: str | None
    ignore_result: bool | None
    store_errors_even_if_ignored: bool | None
    store_eager_result: bool | None
    time_limit: float | None
    soft_time_limit: float | None
    rate_limit: str | float | None
    rate_limit_scope: Literal["worker", "cluster"]
    track_started: bool | None
    acks_late: bool | None
    publish_on_commit: bool | None
    acks_on_failure_or_timeout: bool | None
    acks_on_failure: bool | None
    acks_on_timeout: bool | None
    reject_on_worker_lost: bool | None
    throws: tuple[type[BaseException], ...] | type[BaseException]
    trail: bool
    send_events: bool
    resultrepr_maxsize: int

    max_retries: int | None
    default_retry_delay: float
    autoretry_for: tuple[type[BaseException], ...]
    dont_autoretry_for: tuple[type[BaseException], ...]
    retry_kwargs: Mapping[str, Any]
    retry_backoff: bool | int | float
    retry_backoff_max: int | float
    retry_jitter: bool


if TYPE_CHECKING:

    class CoroutineTask(Task[P, R]):
        """What ``async def`` makes: called directly it gives a coroutine, published it gives ``R``.

        Known to type checkers only; the object is a ``Task`` like all others.
        """

        def __call__(  # type: ignore[override]
            self, *args: P.args, **kwargs: P.kwargs
        ) -> Coroutine[Any, Any, R]: ...


class Declarator(Protocol):
    """``@app.task(...)``: takes the function."""

    # A coroutine function fits both; the first that fits is taken.
    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> "CoroutineTask[P, R]": ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> Task[P, R]: ...


class BoundDeclarator(Protocol):
    """``@app.task(bind=True, ...)``: takes a function whose first argument is the task."""

    @overload
    def __call__(
        self, function: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]], /
    ) -> "CoroutineTask[P, R]": ...

    @overload
    def __call__(self, function: Callable[Concatenate[Any, P], R], /) -> Task[P, R]: ...


#: Options of Celery's that this version does not have, with what to do instead. None is let through.
NOT_SUPPORTED: Final[Mapping[str, str]] = {
    "exchange": "Give queue= instead, or say it in task_routes.",
    "exchange_type": "Give queue= instead, or say it in task_routes.",
    "routing_key": "Give queue= instead, or say it in task_routes.",
    "backend": "All results go to the application's result store.",
    "retry_on_worker_lost": "A task that takes its process with it runs again up to task_max_crashes times.",
    "pydantic": "Pydantic arguments are not in this version.",
    "filter": "",
    "Strategy": "",
    "Request": "",
}

#: Consumed by the declaration; everything else becomes an attribute.
_CONSUMED: Final = frozenset({"name", "base", "bind", "shared", "lazy"})
_KNOWN: Final = frozenset({*TaskDeclaration.__annotations__, "bind", "delivery_mode"})


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse what would silently do nothing.

    Raises:
        NotSupported: an option of Celery's that this version does not have.
        ConfigurationError: an option that looks like a misspelt one.
    """
    for name, value in options.items():
        if name in _KNOWN:
            continue
        if name in NOT_SUPPORTED or name.startswith("pydantic_"):
            if value is not None and value is not False:
                reason = NOT_SUPPORTED.get(name, NOT_SUPPORTED["pydantic"])
                raise NotSupported(f"{name}: this option of a task is not supported. {reason}".rstrip())
        elif hint := did_you_mean(name, _KNOWN):
            raise ConfigurationError(f"{name}: no such option of a task.{hint}")


def declare(
    function: Callable[..., Any],
    options: Mapping[str, Any],
    *,
    name: str,
    base: type[Task[..., Any]],
) -> Task[..., Any]:
    """Make the task of a function: one instance of ``base`` that carries the options."""
    task = base()
    bind = bool(options.get("bind"))
    task.name = name
    task.run = MethodType(function, task) if bind else function  # type: ignore[method-assign]
    task.__name__ = getattr(function, "__name__", name)
    task.__qualname__ = getattr(function, "__qualname__", task.__name__)
    task.__module__ = function.__module__
    task.__doc__ = function.__doc__
    task.__wrapped__ = task.run
    for option, value in options.items():
        # None leaves it to the base class and the settings; but max_retries=None says: for ever.
        if option not in _CONSUMED and (value is not None or option == "max_retries"):
            setattr(task, option, value)
    return task
