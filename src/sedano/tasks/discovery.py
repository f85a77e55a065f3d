"""Importing the modules that define an application's tasks.

Called by ``Sedano.import_modules`` when a worker (or a command) starts. An error inside a module comes out
as it is; a package without such a module is passed over.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterable
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


class Search:
    """The module of one name (``tasks``) in many packages; see ``Sedano.autodiscover_tasks``."""

    def __init__(
        self, packages: Iterable[str] | Callable[[], Iterable[str]], related_name: str | None
    ) -> None:
        self._packages = packages if callable(packages) else _listed(packages)
        self._related_name = related_name

    def run(self) -> list[ModuleType]:
        """Import the module in each package that has one; without a name, the packages themselves."""
        packages = self._packages() if callable(self._packages) else self._packages
        found = [self._import_from(package) for package in packages]
        return [module for module in found if module is not None]

    def _import_from(self, package: str) -> ModuleType | None:
        module = importlib.import_module(package)
        if self._related_name is None:
            return module
        if not hasattr(module, "__path__"):
            return None
        name = f"{package}.{self._related_name}"
        # Asked first: a package without the module is no error, a module with a broken import is one.
        return importlib.import_module(name) if importlib.util.find_spec(name) is not None else None


def _listed(packages: Iterable[str]) -> list[str]:
    return [packages] if isinstance(packages, str) else list(packages)
