"""Importing the modules that define an application's tasks.

Called by ``Sedano.import_modules`` when a worker (or a command) starts. An error inside a module comes out
as it is; a package without such a module is passed over.
"""

import importlib
import importlib.util
from collections.abc import Iterable
from types import ModuleType

from sedano.errors import ConfigurationError


def import_named(names: Iterable[str], *, setting: str) -> list[ModuleType]:
    """Import modules that a setting names. Raises ConfigurationError for one that does not exist."""
    return [_import(name, setting) for name in names]


def _import(name: str, setting: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # The module itself, not one that it imports.
        if error.name is None or not (name + ".").startswith(error.name + "."):
            raise
        raise ConfigurationError(f"{setting}: there is no module {name!r}.") from error


def import_related(packages: Iterable[str], related_name: str | None) -> list[ModuleType]:
    """Import the module of that name (``tasks``) in each package that has one."""
    found: list[ModuleType] = []
    for package in packages:
        module = importlib.import_module(package)
        if related_name is None:
            found.append(module)
        elif hasattr(module, "__path__"):
            name = f"{package}.{related_name}"
            # Asked first: a package without the module is no error, a module with a broken import is one.
            if importlib.util.find_spec(name) is not None:
                found.append(importlib.import_module(name))
    return found
