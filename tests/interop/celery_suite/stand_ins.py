"""What Celery's own tests import and Sedano does not have: it can be imported, and used by nobody.

``install`` is called before the tests are collected. Whatever belongs to Celery's inner works is a class that
raises ``Absent`` when it is called, so a test that needs it says so; all others run.
"""

import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Final

import sedano
from sedano.compat.celery_module import PROVIDED


class Absent(Exception):
    """A test has used what Sedano does not have."""


class _AbsentKind(type):
    """The class of classes that stand for what is not there."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return stand_in(f"{cls.path}.{name}")

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise Absent(cls.path)

    def __getitem__(cls, item: Any) -> Any:
        raise Absent(cls.path)

    def __iter__(cls) -> Any:
        raise Absent(cls.path)

    def __contains__(cls, item: Any) -> bool:
        raise Absent(cls.path)


def absent(path: str) -> Any:
    """A class, so that it may stand in ``except`` and ``isinstance``; and an error, which nothing raises."""
    # The import system wants to know these of what stands for a package.
    package = {"__path__": [], "__spec__": importlib.machinery.ModuleSpec(path, None, is_package=True)}
    return _AbsentKind(path.rpartition(".")[2], (Exception,), {"path": path, **package})


def stand_in(path: str) -> Any:
    """What stands for a name of Celery's."""
    return GIVEN.get(path) or absent(path)


class _Loader:
    def __init__(self, path: str) -> None:
        self._path = path

    def create_module(self, spec: object) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[self._path] = stand_in(self._path)


class _Finder:
    """Answers for what is below ``celery`` and not Sedano's."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> Any:
        if name.partition(".")[0] != "celery" or name in PROVIDED:
            return None
        return importlib.machinery.ModuleSpec(name, _Loader(name), is_package=True)  # type: ignore[arg-type]


def _any_decorator(*args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    return lambda function: function


#: What the tests need in order to be imported.
GIVEN: Final[dict[str, Any]] = {
    "celery.worker.control.control_command": _any_decorator,
    "celery.worker.control.inspect_command": _any_decorator,
}


def install() -> None:
    """Let ``import celery`` give Sedano, and stand-ins where it has nothing."""
    sedano.install_as_celery()
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _Finder())
    if importlib.util.find_spec("pydantic") is None:
        sys.modules["pydantic"] = ModuleType("pydantic")
        sys.modules["pydantic"].BaseModel = absent("pydantic.BaseModel")  # type: ignore[attr-defined]
    celery = importlib.import_module("celery")
    celery.shared_task = _shared_task  # type: ignore[attr-defined]


def _shared_task(*args: Any, **options: Any) -> Any:
    """The module of tasks cannot be imported with an option that is refused."""
    options.pop("pydantic", None)
    return sedano.shared_task(*args, **options)
