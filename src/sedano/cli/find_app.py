"""From what ``-A`` says to the application: Celery's search rules, and errors that help.

Called by the commands and by the worker's process that imports the application. One of the three doors at
which a string becomes an object (see ``loading``). Never configures anything but what ``--config`` asks for.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from sedano.cli.app_hints import (
    hint_for_missing_app,
    hint_for_missing_module,
    hint_for_module_without_app,
)
from sedano.cli.import_failure import import_failure
from sedano.cli.user_error import with_hint
from sedano.errors import ApplicationNotFound, ConfigurationError, did_you_mean
from sedano.loading import load_object

if TYPE_CHECKING:
    from sedano.app import Sedano

#: Where an application is looked for in a module, in this order; then any instance will do.
USUAL_NAMES: Final = ("app", "celery", "sedano")
#: Modules of a package in which it is looked for after the package itself.
USUAL_SUBMODULES: Final = ("celery", "sedano")


def find_app(path: str | None) -> "Sedano":
    """The application that ``path`` leads to, made the current one.

    ``proj`` finds ``proj.app``, ``proj.celery``, ``proj.celery.app`` or any other instance in the module
    ``proj`` or in its submodule ``celery``; ``proj.mod:name`` names it exactly. The current directory comes
    first on ``sys.path``. Without a path: ``SEDANO_APP`` or ``CELERY_APP``, then the Django project of
    ``DJANGO_SETTINGS_MODULE``.

    Raises:
        ApplicationNotFound: one line that says why, and one with a hint.
    """
    _search_cwd_first()
    path = path or os.environ.get("SEDANO_APP") or os.environ.get("CELERY_APP")
    if path:
        app = _app_at(path.strip())
    elif os.environ.get("DJANGO_SETTINGS_MODULE"):
        app = _app_of_django()
    else:
        app = _app_of_configuration()
    overriding = os.environ.get("SEDANO_CONFIG_MODULE")
    if overriding:
        configured_from(app, overriding)
    if os.environ.get("DJANGO_SETTINGS_MODULE"):
        _start_django()
    app.set_current()
    return app


def _start_django() -> None:
    """Load Django's apps (which a ``celery.py`` does not do), and tie the application to the site."""
    try:
        load_object("sedano.contrib.django.startup:start_django")()
    except (Exception, SystemExit) as error:
        settings = os.environ["DJANGO_SETTINGS_MODULE"]
        raise import_failure(error, f"Django does not start with {settings!r}") from error


def configured_from(app: "Sedano", module: str) -> "Sedano":
    """Give an application the settings of a module, instead of its own source (``--config``)."""
    app.config_from_object(_import_module(module, option="--config"), force=True)
    return app


def import_tasks_of(app: "Sedano", include: Iterable[str] = ()) -> None:
    """Import every module that defines tasks; an error in one of them names its file and line.

    Args:
        include: Modules to import besides (``--include``).
    """
    try:
        app.import_modules()
        for module in include:
            _import_module(module, option="--include")
    except ConfigurationError:
        raise
    except Exception as error:
        raise import_failure(error, "The application's tasks cannot be imported") from error


def _app_at(path: str) -> "Sedano":
    module_name, colon, attribute = path.partition(":")
    if not all(part.isidentifier() for part in module_name.split(".")) or (colon and not attribute):
        raise _not_found(f"{path!r} names no Python module.", hint_for_missing_module(path))
    if colon:
        return _attribute(_import_module(module_name), attribute, path)
    module, attribute = _import_leading_modules(module_name)
    if attribute:
        return _attribute(module, attribute, path)
    return _app_in(module) or _app_in_submodule(module) or _django_instead(module)


def _import_leading_modules(path: str) -> tuple[ModuleType, str]:
    """Import ``a.b.c``, or ``a.b`` if ``c`` is no module but a name in it."""
    if importlib_finds(path) or "." not in path:
        return _import_module(path), ""
    parent, _, attribute = path.rpartition(".")
    module = _import_module(parent)
    # The module itself was imported by its parent's code, or put into sys.modules by it.
    if not hasattr(module, attribute):
        raise _not_found(f"There is no module {path!r}.", hint_for_missing_module(path))
    return module, attribute


def importlib_finds(name: str) -> bool:
    """Whether there is a module of this name; imports its parents only."""
    parent = name.rpartition(".")[0]
    if parent:
        _import_module(parent)
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def _import_module(name: str, *, option: str = "-A") -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise _not_found(
                f"{option} {name}: there is no module {error.name!r}.", hint_for_missing_module(name)
            ) from error
        raise import_failure(error, f"{option} {name} cannot be imported") from error
    except (Exception, SystemExit) as error:
        raise import_failure(error, f"{option} {name} cannot be imported") from error


def _attribute(module: ModuleType, dotted: str, path: str) -> "Sedano":
    found: Any = module
    for name in dotted.split("."):
        if not hasattr(found, name):
            close = did_you_mean(name, _instances_in(module))
            raise _not_found(
                f"-A {path}: {module.__name__} has no {dotted!r}.{close}", hint_for_module_without_app(module)
            )
        found = getattr(found, name)
    if isinstance(found, ModuleType):
        return _app_in(found) or _django_instead(found)
    return _checked(found, path)


def _app_in(module: ModuleType) -> "Sedano | None":
    instances = _instances_in(module)
    for name in USUAL_NAMES:
        if name in instances:
            return instances[name]
    return next(iter(instances.values()), None)


def _app_in_submodule(package: ModuleType) -> "Sedano | None":
    if not hasattr(package, "__path__"):
        return None
    for submodule in USUAL_SUBMODULES:
        name = f"{package.__name__}.{submodule}"
        if importlib_finds(name):
            app = _app_in(_import_module(name))
            if app is not None:
                return app
    return None


def _instances_in(module: ModuleType) -> "dict[str, Sedano]":
    from sedano.app import Sedano

    return {name: value for name, value in vars(module).items() if isinstance(value, Sedano)}


def _django_instead(module: ModuleType) -> "Sedano":
    """``-A myproject`` of a Django project that has no ``celery.py``, because it needs none."""
    settings = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    if settings.partition(".")[0] == module.__name__.partition(".")[0]:
        return _app_of_django()
    foreign = next((name for name, value in vars(module).items() if _is_celerys(value)), None)
    if foreign is not None:
        return _checked(vars(module)[foreign], f"{module.__name__}:{foreign}")
    raise _not_found(
        f"-A {module.__name__}: no Sedano application in this module.", hint_for_module_without_app(module)
    )


def _is_celerys(value: object) -> bool:
    return any(parent.__module__.startswith("celery.") for parent in type(value).__mro__[:-1])


def _checked(found: Any, path: str) -> "Sedano":
    from sedano.app import Sedano

    if isinstance(found, Sedano):
        return found
    kind = f"{type(found).__module__}.{type(found).__qualname__}"
    hint = "Use `from sedano import Celery`, or call sedano.install_as_celery() before that import."
    raise _not_found(f"-A {path} is a {kind}, not a Sedano application.", hint if _is_celerys(found) else "")


def _app_of_django() -> "Sedano":
    from sedano.current import get_current_app

    try:
        import django

        django.setup()
    except (Exception, SystemExit) as error:
        raise import_failure(
            error, f"Django does not start with {os.environ['DJANGO_SETTINGS_MODULE']!r}"
        ) from error
    from django.apps import apps

    if not apps.is_installed("sedano.contrib.django"):
        raise _not_found(
            "The Django project has no Sedano application.",
            'Add "sedano.contrib.django" to INSTALLED_APPS, or name an application with -A.',
        )
    return get_current_app()


def _app_of_configuration() -> "Sedano":
    """An application that is nothing but its settings (``--config``, ``CELERY_CONFIG_MODULE``)."""
    module = os.environ.get("SEDANO_CONFIG_MODULE") or os.environ.get("CELERY_CONFIG_MODULE")
    if not module:
        raise _not_found("No application is named.", hint_for_missing_app())
    from sedano.app import Sedano

    return configured_from(Sedano("__main__"), module)


def _search_cwd_first() -> None:
    cwd = str(Path.cwd())
    if sys.path[:1] != [cwd]:
        sys.path.insert(0, cwd)
    # What was written since the path was last listed (by an editor, by a test) is there to be found too.
    importlib.invalidate_caches()


def _not_found(message: str, hint: str) -> ApplicationNotFound:
    return ApplicationNotFound(with_hint(message, hint))
