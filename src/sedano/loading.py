"""The one place where a dotted string becomes an object.

Called at three doors only: the command line, settings, and the URL schemes of brokers and stores.
"""

import importlib
from typing import Any, Final

from sedano.errors import ConfigurationError


def load_object(path: str) -> Any:
    """Import ``package.module:attribute`` (or ``package.module.attribute``).

    Raises:
        ConfigurationError: nothing of that name can be imported. An error inside the module itself
            (a syntax error, a missing dependency) is not hidden: it comes out as it is.

    >>> load_object("datetime:timedelta").__name__
    'timedelta'
    """
    module_name, _, attribute = path.partition(":") if ":" in path else path.rpartition(".")
    if not module_name or not attribute:
        raise ConfigurationError(f"{path!r} is not a dotted path such as 'package.module:name'.")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name + ".").startswith(error.name + "."):
            raise
        raise ConfigurationError(f"{path!r}: there is no module {error.name!r}.") from error
    found: Any = module
    for name in attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError as error:
            raise ConfigurationError(f"{path!r}: {module_name} has no {attribute!r}.") from error
    return found


#: Driver → the extra of this package that installs it.
EXTRAS: Final = {"amqp": "rabbitmq", "django": "django", "redis": "redis"}


def load_adapter(path: str) -> Any:
    """``load_object`` for the adapter of a broker or a store, whose driver may not be installed.

    Raises:
        ConfigurationError: also for that; the message says what to install.
    """
    try:
        return load_object(path)
    except ModuleNotFoundError as error:
        driver = (error.name or "").partition(".")[0]
        if driver not in EXTRAS:
            raise
        raise ConfigurationError(
            f"The package {driver!r} is not installed. Run: pip install 'sedano[{EXTRAS[driver]}]'"
        ) from error


def advertised(group: str) -> dict[str, str]:
    """What installed packages offer under a group of entry points: name -> dotted path."""
    # Takes as long to import as the rest of the package, and few ask.
    from importlib.metadata import entry_points

    return {entry.name: entry.value for entry in entry_points(group=group)}
