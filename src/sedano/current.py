"""The user's door: the current application, the running task, and tasks that belong to every application.

For users' modules, and for integrations that adapt every application (``for_every_app``). Nothing below the
application uses it. "Current" is the application made last, in the whole process, whatever the thread.
"""

import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, TypeVar, Unpack, cast, overload

from sedano.canvas.signature import Signature
from sedano.results.async_result import AsyncResult
from sedano.tasks.declaration import (
    BoundDeclarator,
    Declarator,
    TaskDeclaration,
    check_options,
    declare,
)
from sedano.tasks.naming import task_name
from sedano.tasks.request import current_request
from sedano.tasks.task import Task

if TYPE_CHECKING:
    from sedano.app import Sedano
    from sedano.tasks.declaration import CoroutineTask

P = ParamSpec("P")
R = TypeVar("R")


class Applications:
    """The applications of this process, the current one among them, and the tasks that all of them share."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._current: Sedano | None = None
        self._apps: weakref.WeakSet[Sedano] = weakref.WeakSet()
        self._shared: dict[str, Task[..., Any]] = {}
        self._adopters: list[Callable[[Sedano], object]] = []
        #: Makes an application where none was made; ``sedano.app`` puts its class here.
        self.make_default: Callable[[], Sedano] | None = None

    def current(self) -> "Sedano":
        """The current application; one with default settings where none was made."""
        with self._lock:
            if self._current is None:
                assert self.make_default is not None, "import sedano first"
                self._current = self.make_default()
            return self._current

    def set_current(self, app: "Sedano | None") -> None:
        """Make an application the current one; None forgets it."""
        self._current = app

    def is_current(self, app: "Sedano") -> bool:
        """Whether this application is the current one."""
        return self._current is app

    def add(self, app: "Sedano") -> None:
        """Take note of a new application: it gets the shared tasks, and integrations get it."""
        with self._lock:
            self._apps.add(app)
            for task in self._shared.values():
                app.adopt(task)
            for adopter in self._adopters:
                adopter(app)

    def for_every_app(self, adopter: Callable[["Sedano"], object]) -> None:
        """Call a function with each application there is, and with each one that will be made."""
        with self._lock:
            self._adopters.append(adopter)
            for app in list(self._apps):
                adopter(app)

    def share(self, task: Task[..., Any]) -> None:
        """Register a task in every application, but where one of its own has the name."""
        with self._lock:
            self._shared[task.name] = task
            for app in list(self._apps):
                app.adopt(task)


applications: Final = Applications()


def get_current_app() -> "Sedano":
    """The current application itself."""
    return applications.current()


def for_every_app(adopter: Callable[["Sedano"], object]) -> None:
    """Call a function with each application there is, and with each one that will be made."""
    applications.for_every_app(adopter)


class _CurrentApp:
    """Stands for whatever application is current when an attribute is asked for."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return getattr(applications.current(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(applications.current(), name, value)

    def __repr__(self) -> str:
        return repr(applications.current())

    def __eq__(self, other: object) -> bool:
        return applications.current() is other

    def __hash__(self) -> int:
        return hash(applications.current())

    def _get_current_object(self) -> "Sedano":
        return applications.current()


class _CurrentTask:
    """Stands for the task that is running here; false where none is."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        task = get_current_task()
        if task is None:
            raise AttributeError(f"{name}: no task is running here.")
        return getattr(task, name)

    def __bool__(self) -> bool:
        return get_current_task() is not None

    def __eq__(self, other: object) -> bool:
        return get_current_task() is other

    def __hash__(self) -> int:
        return hash(get_current_task())

    def __repr__(self) -> str:
        return repr(get_current_task())

    def _get_current_object(self) -> Task[..., Any] | None:
        return get_current_task()


def get_current_task() -> Task[..., Any] | None:
    """The task that is running here; None where none is."""
    request = current_request.get()
    return request.task_object if request is not None else None


current_app: "Final[Sedano]" = cast("Any", _CurrentApp())
current_task: Final[Task[..., Any]] = cast("Any", _CurrentTask())


# A coroutine function fits the second overload as well; the first that fits is taken.
@overload
def shared_task(function: Callable[P, Coroutine[Any, Any, R]], /) -> "CoroutineTask[P, R]": ...


@overload
def shared_task(function: Callable[P, R], /) -> Task[P, R]: ...


@overload
def shared_task(*, bind: Literal[True], **options: Unpack[TaskDeclaration]) -> BoundDeclarator: ...


@overload
def shared_task(*, bind: Literal[False] = False, **options: Unpack[TaskDeclaration]) -> Declarator: ...


def shared_task(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a task of whatever application there is: for modules that do not know the application.

    Takes the same options as ``app.task``.

    >>> @shared_task(name="docs.double")
    ... def double(x: int) -> int:
    ...     return 2 * x
    >>> double(21)
    42
    """
    if function is None:
        return lambda declared: _share(declared, options)
    return _share(function, options)


def _share(function: Callable[..., Any], options: Mapping[str, Any]) -> Task[..., Any]:
    check_options(options)
    name = options.get("name") or task_name(function, main=None)
    task = declare(function, options, name=name, base=options.get("base") or Task)
    task._find_app = get_current_app
    applications.share(task)
    return task


AsyncResult.find_app = get_current_app
Signature.find_app = get_current_app
