"""What a scenario is given, and how scenarios are declared.

A scenario is a function of a ``Stage``. Where it is a generator, each ``yield`` waits until all is quiet: no
message of anybody is left, and nothing runs.
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.interop.scenarios.library import Library
from tests.interop.scenarios.plain import plain

Scenario = Callable[["Stage"], Any]

#: Name → scenario; filled by the decorators below.
SCENARIOS: Final[dict[str, Scenario]] = {}

#: Nothing that scenarios wait for is away when all is quiet.
AT_ONCE: Final = 0.5


class Stage:
    """The library, its application, and what is to be told of this scenario."""

    def __init__(self, name: str, library: Library, app: Any) -> None:
        self.name = name
        self.library = library
        self.app = app
        self.lib = library.top
        self.key = f"key-{name.replace('.', '_').replace(' ', '_')}-key"
        self.facts: dict[str, Any] = {}
        #: What the transcript calls results.
        self.watched: dict[str, Any] = {}

    # -- signatures

    def task(self, name: str) -> Any:
        return self.app.tasks[f"sc.{name}"]

    def s(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A signature that takes more arguments."""
        return self.task(name).s(*args, k=self.key, **kwargs)

    def si(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """An immutable signature."""
        return self.task(name).si(*args, k=self.key, **kwargs)

    def call(self, name: str, *args: Any, kwargs: Any = None, **options: Any) -> Any:
        """Publish one call, and watch it as ``result``."""
        result = self.task(name).apply_async(args, {"k": self.key, **(kwargs or {})}, **options)
        return self.watch("result", result)

    def chain(self, *steps: Any, **options: Any) -> Any:
        return self.lib.chain(*steps, **options)

    def group(self, *members: Any, **options: Any) -> Any:
        return self.lib.group(*members, **options)

    def chord(self, header: Any, body: Any = None, **options: Any) -> Any:
        return self.lib.chord(header, body, **options)

    # -- what is told

    def watch(self, name: str, result: Any) -> Any:
        """Call a result by this name, and what went before it ``<name>.parent``."""
        self.watched[name] = result
        return result

    def tell(self, name: str, value: Any) -> None:
        """Tell a fact."""
        self.facts[name] = plain(self.library, value)

    def attempt(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Tell what a call returns or raises."""
        try:
            value = function(*args, **kwargs)
        except Exception as error:
            self.tell(name, error)
            return None
        self.tell(name, value)
        return value

    def get(self, result: Any, name: str = "get", **options: Any) -> None:
        """Tell what ``get`` says, now that all is quiet."""
        if result is None:
            return
        if result.ready():
            self.attempt(name, result.get, timeout=AT_ONCE, **options)
        else:
            self.tell(name, "not ready")

    @contextlib.contextmanager
    def settings(self, **settings: Any) -> Iterator[None]:
        """Other settings for a while, in this process."""
        before = {name: getattr(self.app.conf, name) for name in settings}
        self.app.conf.update(settings)
        try:
            yield
        finally:
            self.app.conf.update(before)


def scenario(function: Scenario) -> Scenario:
    """Declare a scenario under its name."""
    SCENARIOS[_name(function)] = function
    return function


def shape(function: Callable[[Stage], Any]) -> Callable[[Stage], Any]:
    """Declare two scenarios for a function that makes a signature: sent to a worker, and applied here."""

    def sent(stage: Stage) -> Iterator[None]:
        result = stage.attempt("apply_async", function(stage).apply_async)
        if result is not None:
            stage.watch("result", result)
        yield
        stage.get(result)

    def applied(stage: Stage) -> None:
        stage.tell("apply", _applied(stage, function(stage)))

    SCENARIOS[_name(function)] = sent
    SCENARIOS[f"{_name(function)} eagerly"] = applied
    return function


def _applied(stage: Stage, signature: Any) -> Any:
    try:
        result = signature.apply()
    except Exception as error:
        return plain(stage.library, error)
    stage.watch("result", result)
    return stage.attempt("get", result.get) if result is not None else None


def _name(function: Callable[..., Any]) -> str:
    module = function.__module__.rpartition(".")[2].removeprefix("cases_")
    return f"{module}.{function.__name__}"


def played(stage: Stage) -> Iterator[None]:
    """Play a scenario, up to where it waits each time. What it raises is told."""
    try:
        parts = SCENARIOS[stage.name](stage)
        if inspect.isgenerator(parts):
            yield from parts
    except Exception as error:
        stage.tell("broke", error)
