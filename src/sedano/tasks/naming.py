"""What a task is called when it is given no name: ``<module>.<function>``."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def task_name(function: Callable[..., Any], *, main: str | None) -> str:
    """The name of a function's task.

    In a program that is run as a script the module has no name of its own (``__main__``). It is then the
    application's, or that of the file: a worker that imports the file finds the same name.
    """
    return f"{module_name(function.__module__, main=main)}.{function.__name__}"


def module_name(module: str, *, main: str | None) -> str:
    """A module's name, the running script's made useful."""
    if module != "__main__":
        return module
    if main:
        return main
    script = sys.modules.get("__main__")
    spec = getattr(script, "__spec__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    file = getattr(script, "__file__", None)
    return Path(file).stem if file else module
