"""Where settings come from: a dict, a module, a class or object, a function, or the dotted path of one.

Made by ``Conf.add_source``; read when the first setting is asked for, not before, because a Django project's
settings may not be ready when the application is made. Finds names, never judges values.
"""

import importlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final

import msgspec

from sedano.errors import ConfigurationError
from sedano.loading import load_object
from sedano.settings.celery_names import NEW_NAMES, SETTINGS
from sedano.settings.setting import NoEffect

#: Names that begin so are meant for us even where they are not known.
OURS: Final = ("SEDANO_", "CELERY_", "CELERYD_", "CELERYBEAT_", "BROKER_")

#: Prefixes that a known name may carry wherever it stands.
NAMESPACES: Final = ("SEDANO_", "CELERY_")

#: The name under which Django's time zone is kept; it counts where ``timezone`` is not set.
DJANGO_TIME_ZONE: Final = "TIME_ZONE"

NOT_VALUES: Final = (
    ModuleType,
    FunctionType,
    BuiltinFunctionType,
    MethodType,
    type,
    classmethod,
    staticmethod,
    property,
)


class Written(msgspec.Struct, frozen=True):
    """A value, and the name that the user wrote it under."""

    value: Any
    name: str


class Entries(msgspec.Struct):
    """What one source says."""

    #: By today's name; unknown names as they are.
    values: dict[str, Written] = {}
    #: Those of the values whose names are not known but look as if they were meant for us.
    unknown: set[str] = set()
    problems: list[ConfigurationError] = []


def current_name(key: str, namespaces: Iterable[str] = NAMESPACES) -> str:
    """Today's name of a setting: old names are translated, namespaces taken off.

    >>> current_name("CELERYD_CONCURRENCY"), current_name("CELERY_TASK_ACKS_LATE"), current_name("spam")
    ('worker_concurrency', 'task_acks_late', 'spam')
    """
    if key in SETTINGS:
        return key
    if key in NEW_NAMES:
        return NEW_NAMES[key]
    for namespace in namespaces:
        if key.startswith(namespace):
            return without(namespace, key)
    return key


def without(namespace: str, key: str) -> str:
    """A name without its namespace; an upper-case namespace goes with upper-case names."""
    rest = key[len(namespace) :]
    return rest.lower() if namespace.isupper() else rest


class Source:
    """One source of settings, read once, late.

    Args:
        origin: A mapping, module, class or object, a callable that returns one, or a dotted path to one.
        namespaces: Prefixes of the names, the most important first; none means that names have no prefix.
        silent: Whether a dotted path that leads to nothing is the same as an empty source.
    """

    def __init__(self, origin: object, *, namespaces: Sequence[str] = (), silent: bool = False) -> None:
        self.namespaces = tuple(namespace.rstrip("_") + "_" for namespace in namespaces)
        self._origin = origin
        self._silent = silent
        self._entries: Entries | None = None
        self._readers: set[int] = set()  # threads that are reading now: reading may lead back here

    @property
    def is_read(self) -> bool:
        return self._entries is not None

    def forget(self) -> None:
        """Read again when asked next."""
        self._entries = None

    def entries(self) -> Entries:
        """What it says. Nothing while this thread is reading it: a settings module may ask for settings."""
        if self._entries is not None:
            return self._entries
        reader = threading.get_ident()
        if reader in self._readers:
            return Entries()
        self._readers.add(reader)
        try:
            self._entries = self._read()
        finally:
            self._readers.discard(reader)
        return self._entries

    def _read(self) -> Entries:
        origin = self._resolved_origin()
        if isinstance(origin, Mapping):
            names: Iterable[str] = [name for name in origin if isinstance(name, str)]
            return self._sorted_out(names, origin.__getitem__, own_names=names)
        # An object's class may have properties that are no settings, as Django's LazySettings has.
        own_names = dir(origin) if isinstance(origin, type) else getattr(origin, "__dict__", ())
        return self._sorted_out(dir(origin), partial(getattr, origin), own_names=own_names)

    def _resolved_origin(self) -> object:
        origin = self._origin
        if callable(origin) and not isinstance(origin, type | Mapping):
            origin = origin()
        if isinstance(origin, str):
            origin = self._imported(origin)
        return {} if origin is None else origin

    def _imported(self, path: str) -> object:
        try:
            return load_configuration(path)
        except ConfigurationError:
            if self._silent:
                return {}
            raise

    def _sorted_out(
        self, names: Iterable[str], value: Callable[[str], Any], *, own_names: Iterable[str]
    ) -> Entries:
        """Keep the names that say something to us; where several mean one setting, the best spelt counts."""
        entries = Entries()
        public = [name for name in names if not name.startswith("_")]
        for meaning in self._spellings():
            for written in public:
                name = meaning(written)
                if name is not None and name not in entries.values:
                    entries.values[name] = Written(value(written), written)
        for written in self._unknown(public, frozenset(own_names)):
            held = value(written)
            if not isinstance(held, NOT_VALUES):
                name = current_name(written, self.namespaces or NAMESPACES)
                entries.values[name] = Written(held, written)
                entries.unknown.add(name)
        if not self.namespaces:
            entries.problems.extend(mixed_names(public))
        return entries

    def _spellings(self) -> list[Callable[[str], str | None]]:
        """The ways to spell a setting here, the one that counts most first."""
        plain = [todays_name, name_before_4, django_time_zone]
        prefixed = [partial(name_in, namespace) for namespace in self.namespaces or NAMESPACES]
        return [*prefixed, *plain] if self.namespaces else [*plain, *prefixed]

    def _unknown(self, names: Iterable[str], own_names: frozenset[str]) -> Iterator[str]:
        """The names that mean nothing, but look as if they were meant for us."""
        spellings = self._spellings()
        for written in names:
            if self.namespaces:
                ours = written.startswith(self.namespaces)
            else:
                ours = written.startswith(OURS) or (written.islower() and written in own_names)
            if ours and all(meaning(written) is None for meaning in spellings):
                yield written


# -- the ways to spell a setting


def todays_name(written: str) -> str | None:
    """``task_acks_late``"""
    return written if written in SETTINGS else None


def name_before_4(written: str) -> str | None:
    """``CELERY_ACKS_LATE``; not ``S3_BUCKET``, which in a Django project is likely to be something else."""
    name = NEW_NAMES.get(written)
    if name is None or (isinstance(SETTINGS[name].fate, NoEffect) and not written.startswith(OURS)):
        return None
    return name


def name_in(namespace: str, written: str) -> str | None:
    """``CELERY_TASK_ACKS_LATE``"""
    return todays_name(without(namespace, written)) if written.startswith(namespace) else None


def django_time_zone(written: str) -> str | None:
    """``TIME_ZONE``, under its own name: it counts only where ``timezone`` is set nowhere."""
    return written if written == DJANGO_TIME_ZONE else None


def mixed_names(names: Iterable[str]) -> Iterator[ConfigurationError]:
    """Old and new names in one place: which counts would be anybody's guess, so Celery refuses it too."""
    given = frozenset(names)
    new = [name for name in given if name in SETTINGS and given.isdisjoint(SETTINGS[name].old_names)]
    old = [
        name for name in given if name in NEW_NAMES and NEW_NAMES[name] not in given and name_before_4(name)
    ]
    if new and old:
        renames = {name: NEW_NAMES[name] for name in old}
        if len(old) > len(new):
            renames = {name: SETTINGS[name].old_names[0] for name in new if SETTINGS[name].old_names}
        listed = ", ".join(f"{name} -> {other}" for name, other in sorted(renames.items()))
        yield ConfigurationError(f"Old and new names of settings are mixed; please rename {listed}.")


def load_configuration(path: str) -> object:
    """The module of that name, or the object in a module: ``proj.celeryconfig``, ``django.conf:settings``.

    Raises:
        ConfigurationError: there is no such module or object.
    """
    if ":" in path:
        return load_object(path)
    if path.endswith(".py"):
        raise ConfigurationError(f"{path!r} is a file; give the module's name, {path[:-3]!r}.")
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name is None or not (path + ".").startswith(error.name + "."):
            raise
    if "." in path:
        return load_object(path)
    raise ConfigurationError(f"There is no module {path!r} to read settings from.")
