"""``app.conf``: what users see of the settings.

Reads and writes by attribute and by item, under today's names and those before Celery 4. The package itself
reads ``conf.settings``, the typed sections. What counts, the most important first: overrides (the command
line), the environment, what was set on this object, ``add_defaults``, the sources (the last one first), and
the defaults.
"""

import copy
import os
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any

from sedano.errors import ConfigurationError, did_you_mean
from sedano.settings import censoring
from sedano.settings.celery_names import ENVIRONMENT, SETTINGS
from sedano.settings.reading import Reading, SettingsReader
from sedano.settings.sections import Settings
from sedano.settings.source import DJANGO_TIME_ZONE, NAMESPACES, Source, Written, current_name


class Conf(MutableMapping[str, Any]):
    """The settings of an application, as users set and read them.

    Args:
        changes: Settings that count as set on this object.
        environ: Where the environment's overrides are looked up.

    >>> conf = Conf(environ={})
    >>> conf.task_serializer
    'json'
    >>> conf.update(task_time_limit=30)
    >>> conf.settings.tasks.time_limit
    30.0
    """

    __slots__ = ("_added", "_changes", "_environ", "_handed_out", "_overrides", "_reading", "_sources")

    _overrides: dict[str, Written]
    _environ: Mapping[str, str]
    _changes: dict[str, Written]
    _added: list[Source]
    _sources: list[Source]
    #: Defaults that may be changed in place by whoever asked for them.
    _handed_out: dict[str, Any]
    #: None when something has changed since.
    _reading: Reading | None

    def __init__(
        self, changes: Mapping[str, Any] | None = None, *, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._overrides = {}
        self._environ = environ
        self._changes = {}
        self._added = []
        self._sources = []
        self._handed_out = {}
        self._reading = None
        self.update(changes or {})

    # -- the typed side

    @property
    def settings(self) -> Settings:
        """The settings, parsed and checked.

        Raises:
            ConfigurationError: some of them are wrong; the message has a line for each.
        """
        reading = self._reading
        return reading.settings if reading is not None else self._current_reading().settings

    @property
    def warnings(self) -> list[str]:
        """What is odd without being wrong: names that nobody knows, settings without effect.

        Raises:
            ConfigurationError: as ``settings`` does.
        """
        return list(self._current_reading().warnings)

    def _current_reading(self) -> Reading:
        reading = self._reading
        if reading is None:
            reading = SettingsReader().read(
                self._written(), unknown=self._unknown_names(), problems=self._problems()
            )
            # A source that is being read by us, further up, has said nothing yet.
            if all(source.is_read for source in self._layered_sources()):
                self._reading = reading
        return reading

    # -- where settings come from

    def add_source(
        self,
        origin: object,
        namespace: str | Sequence[str] | None = None,
        *,
        silent: bool = False,
        reset: bool = False,
    ) -> None:
        """Take settings from here too; read when one is asked for. A later source counts more.

        Args:
            origin: A mapping, module, class, object, a callable that returns one, or a dotted path to one.
            namespace: The prefix of the names there (``"CELERY"``), or several, the most important first.
            silent: Whether a dotted path that leads to nothing is ignored.
            reset: Forget the sources added before, as ``config_from_object`` does.
        """
        namespaces = (namespace,) if isinstance(namespace, str) else tuple(namespace or ())
        source = Source(origin, namespaces=namespaces, silent=silent)
        self._sources = [source] if reset else [source, *self._sources]
        self._reading = None

    def add_defaults(self, origin: object) -> None:
        """Settings (a mapping, or a function that returns one) that count more than every source's.

        The order is Celery's.
        """
        self._added = [Source(origin), *self._added]
        self._reading = None

    def override(self, changes: Mapping[str, Any]) -> None:
        """Settings that count more than all others, the environment's included: the command line's."""
        for name, value in changes.items():
            self._overrides[self._current_name(name)] = Written(value, name)
        self._reading = None

    @contextmanager
    def restored(self) -> Iterator[None]:
        """What is set within, on this object or by ``override``, is taken back at the end: for tests."""
        overrides, changes = dict(self._overrides), dict(self._changes)
        try:
            yield
        finally:
            self._overrides, self._changes = overrides, changes
            self._reading = None

    def reload(self) -> None:
        """Read the sources again when a setting is asked for next."""
        for source in self._layered_sources():
            source.forget()
        self._reading = None

    # -- attributes and items

    def __getitem__(self, key: str) -> Any:
        name = self._current_name(key)
        entry = self._find(name)
        if entry is not None and (entry.value is not None or name not in SETTINGS):
            value = entry.value
        elif name in SETTINGS:
            value = self._default(name)
        else:
            raise KeyError(key)
        if isinstance(value, dict | list | set):
            self._reading = None  # whoever asked may change it in place
        return value

    def __setitem__(self, key: str, value: Any) -> None:
        self._changes[self._current_name(key)] = Written(value, key)
        self._reading = None

    def __delitem__(self, key: str) -> None:
        del self._changes[self._current_name(key)]
        self._reading = None

    def clear(self) -> None:
        """Forget what was set on this object; the sources stay."""
        self._changes.clear()
        self._reading = None

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str):
            return False
        name = self._current_name(key)
        return name in SETTINGS or self._find(name) is not None

    def __iter__(self) -> Iterator[str]:
        yield from SETTINGS
        yield from (name for name in self._written() if name not in SETTINGS)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            hint = did_you_mean(name, SETTINGS)
            raise AttributeError(f"{name}: no such setting.{hint}", name=name, obj=self) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_") or hasattr(type(self), name):
            object.__setattr__(self, name, value)
        else:
            self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def changes(self) -> dict[str, Any]:
        """What was set on this object itself, by today's name."""
        return {name: entry.value for name, entry in self._changes.items()}

    def changed(self, name: str) -> bool:
        """Whether anybody has set it; False means that the default counts."""
        entry = self._find(self._current_name(name))
        return entry is not None and entry.value is not None

    # -- shown to people

    def table(self, with_defaults: bool = False, censored: bool = True) -> dict[str, Any]:
        """The settings that were set (or all of them), without their secrets."""
        shown = {name: self._default(name) for name in SETTINGS} if with_defaults else {}
        shown.update(
            (name, entry.value) for name, entry in self._written().items() if name != DJANGO_TIME_ZONE
        )
        show = censoring.censored if censored else _uncensored
        return {name: show(name, shown[name]) for name in sorted(shown)}

    def humanize(self, with_defaults: bool = False, censored: bool = True) -> str:
        """The same as lines of text."""
        return "\n".join(f"{name}: {value!r}" for name, value in self.table(with_defaults, censored).items())

    def __repr__(self) -> str:
        return f"Conf({self.table()!r})"

    # -- the layers

    def _layered_sources(self) -> list[Source]:
        return [*self._added, *self._sources]

    def _layers(self) -> Iterator[Mapping[str, Written]]:
        """Everything that was said, the most important first."""
        yield self._overrides
        yield self._from_environment()
        yield self._changes
        for source in self._layered_sources():
            yield source.entries().values

    def _from_environment(self) -> dict[str, Written]:
        found: dict[str, Written] = {}
        for name, variables in ENVIRONMENT.items():
            for variable in variables:
                value = self._environ.get(variable)
                if value:
                    found.setdefault(name, Written(value, variable))
        return found

    def _find(self, name: str) -> Written | None:
        for layer in self._layers():
            if name in layer:
                return layer[name]
        return self._find(DJANGO_TIME_ZONE) if name == "timezone" else None

    def _written(self) -> dict[str, Written]:
        """What counts of everything that was said, defaults left out."""
        written = {
            name: Written(value, name)
            for name, value in self._handed_out.items()
            if value != SETTINGS[name].default
        }
        for layer in reversed(list(self._layers())):
            written.update(layer)
        return written

    def _default(self, name: str) -> Any:
        default = SETTINGS[name].default
        if isinstance(default, dict | list | set):
            return self._handed_out.setdefault(name, copy.deepcopy(default))
        return default

    def _unknown_names(self) -> set[str]:
        unknown = {name for name in (*self._overrides, *self._changes) if name not in SETTINGS}
        return unknown.union(*(source.entries().unknown for source in self._layered_sources()))

    def _problems(self) -> list[ConfigurationError]:
        return [problem for source in self._layered_sources() for problem in source.entries().problems]

    def _current_name(self, key: str) -> str:
        namespaces = [namespace for source in self._sources for namespace in source.namespaces]
        return current_name(key, (*namespaces, *NAMESPACES))


def _uncensored(name: str, value: object) -> object:
    return value
