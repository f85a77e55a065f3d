"""From what the user wrote to the sections: parse, complain, fill in.

Called by ``Conf`` when settings are asked for after a change. All problems are found before any is raised.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from sedano.errors import ConfigurationError, NotSupported, UnknownSetting
from sedano.queues.exchange_brokers import has_exchanges, may_be_several
from sedano.settings.celery_names import NEW_NAMES, SETTINGS
from sedano.settings.censoring import censored
from sedano.settings.sections import (
    AppSettings,
    BrokerSettings,
    ResultSettings,
    ScheduleSettings,
    Settings,
    TaskSettings,
    WorkerSettings,
)
from sedano.settings.setting import NoEffect, Refused, SectionName, Setting, Works
from sedano.settings.source import DJANGO_TIME_ZONE, Written, without

#: So alike that it must be a misspelling: an error. Below, a warning: projects have names of their own.
MISSPELT: Final = 0.85
#: So alike that it is worth a hint.
SIMILAR: Final = 0.7

#: What a parser may raise for a value that is not of its kind.
WRONG_KIND: Final = (ValueError, TypeError, KeyError, AttributeError, OverflowError)

SERIALIZERS: Final = frozenset({"json", "yaml", "msgpack", "pickle"})

#: How much of a wrong value is repeated in the error.
SHOWN: Final = 80


class Reading(msgspec.Struct, frozen=True):
    """The settings, and what is to be said about them."""

    settings: Settings
    warnings: list[str]


class SettingsReader:
    """Reads one set of written values."""

    def __init__(self) -> None:
        self._fields: dict[SectionName, dict[str, Any]] = {}
        self._warnings: list[str] = []
        self._problems: list[ConfigurationError] = []
        #: Settings that say something only to brokers with exchanges, and what becomes of them elsewhere.
        self._for_exchanges: list[tuple[Setting, Written, NoEffect | Refused]] = []

    def read(
        self,
        written: Mapping[str, Written],
        *,
        unknown: Iterable[str] = (),
        problems: Iterable[ConfigurationError] = (),
    ) -> Reading:
        """Parse all values.

        Args:
            written: By today's name.
            unknown: Those of the names that are not known.
            problems: Found already; raised together with the others.

        Raises:
            ConfigurationError: something is wrong; the message has a line for each problem.
        """
        self._problems.extend(problems)
        for name, entry in written.items():
            if name in SETTINGS:
                self._read_one(SETTINGS[name], entry)
        if written.get("timezone", Written(None, "")).value is None and DJANGO_TIME_ZONE in written:
            self._read_one(SETTINGS["timezone"], written[DJANGO_TIME_ZONE])
        for name in sorted(unknown):
            self._judge_unknown(name, written[name].name)
        self._check_exchanges(written)
        self._raise_problems()
        settings = self._settings()
        self._check_combinations(settings)
        return Reading(settings, self._warnings)

    def _read_one(self, setting: Setting, entry: Written) -> None:
        match setting.fate:
            case Works(section=section, field=field, parser=parser, without_exchanges=elsewhere):
                if entry.value is None and not parser.nullable:
                    return
                if elsewhere is not None:
                    self._for_exchanges.append((setting, entry, elsewhere))
                try:
                    self._fields.setdefault(section, {})[field] = parser.read(entry.value)
                except ConfigurationError as error:
                    self._problems.append(type(error)(f"{entry.name}: {error}"))
                except WRONG_KIND:
                    shown = shown_value(setting.name, entry.value)
                    self._problems.append(
                        ConfigurationError(f"{entry.name}: expected {parser.expected}, got {shown}")
                    )
            case NoEffect() | Refused() as fate:
                self._judge_vain(setting, entry, fate)

    def _judge_vain(self, setting: Setting, entry: Written, fate: NoEffect | Refused) -> None:
        if not asks_for_something(setting, entry.value):
            return
        if isinstance(fate, NoEffect):
            self._warnings.append(f"{entry.name}: has no effect: {fate.reason}.")
        else:
            self._problems.append(NotSupported(f"{entry.name}: {fate.reason}."))

    def _check_exchanges(self, written: Mapping[str, Written]) -> None:
        """What only brokers with exchanges can do is not ignored where the broker is another."""
        url = self._fields.get("broker", {}).get("url")
        if has_exchanges(url):
            return
        for setting, entry, fate in self._for_exchanges:
            self._judge_vain(setting, entry, fate)
        if url is not None and ";" in url and "://" in url and not may_be_several(url):
            name = written["broker_url"].name
            self._problems.append(
                NotSupported(f"{name}: several brokers to fail over between are for RabbitMQ; give one URL")
            )
        for queue in self._fields.get("tasks", {}).get("queues") or ():
            if not queue.is_reached_by_name:
                name = written["task_queues"].name
                self._problems.append(
                    NotSupported(
                        f"{name}: the queue {queue.name!r} has an exchange or routing key of its own, which "
                        "only RabbitMQ has; name the queue in task_routes instead"
                    )
                )
                return

    def _judge_unknown(self, name: str, written: str) -> None:
        likeness, suggested = closest_name(name, written)
        if suggested and likeness >= MISSPELT:
            self._problems.append(UnknownSetting(written, [suggested]))
        else:
            hint = f" Did you mean {suggested!r}?" if suggested else ""
            self._warnings.append(f"{written}: no such setting, so it has no effect.{hint}")

    def _raise_problems(self) -> None:
        if len(self._problems) == 1:
            raise self._problems[0]
        if self._problems:
            raise ConfigurationError("\n".join(map(str, self._problems)))

    def _settings(self) -> Settings:
        results = ResultSettings(**self._fields.get("results", {}))
        tasks = TaskSettings(**self._fields.get("tasks", {}))
        if "accept_content" not in self._fields.get("results", {}):
            results = msgspec.structs.replace(results, accept_content=tasks.accept_content)
        return Settings(
            broker=BrokerSettings(**self._fields.get("broker", {})),
            results=results,
            tasks=tasks,
            worker=WorkerSettings(**self._fields.get("worker", {})),
            schedule=ScheduleSettings(**self._fields.get("schedule", {})),
            app=AppSettings(**self._fields.get("app", {})),
        )

    def _check_combinations(self, settings: Settings) -> None:
        tasks, results = settings.tasks, settings.results
        for name, serializer, accepted in (
            ("task_serializer", tasks.serializer, tasks.accept_content),
            ("result_serializer", results.serializer, results.accept_content),
        ):
            if serializer in SERIALIZERS and not any(serializer in content for content in accepted):
                self._warnings.append(
                    f"{name}: {serializer!r} is not in accept_content, so what is written cannot be read."
                )
        if tasks.time_limit and tasks.soft_time_limit and tasks.soft_time_limit >= tasks.time_limit:
            self._warnings.append(
                "task_soft_time_limit: is not below task_time_limit, so it is never reached."
            )


def asks_for_something(setting: Setting, value: object) -> bool:
    """Whether a value asks for anything else than what happens anyway."""
    anyway = (None, setting.celery_default, *setting.fine)
    if isinstance(value, str):  # from the command line, perhaps
        return value.lower() not in {str(accepted).lower() for accepted in anyway}
    return value not in anyway


def shown_value(name: str, value: object) -> str:
    """A wrong value, as it is repeated to the user."""
    text = repr(censored(name, value))
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def closest_name(name: str, written: str) -> tuple[float, str | None]:
    """The known name most like an unknown one, spelt in the way the user spells, and how alike they are.

    >>> closest_name("task_ack_late", "CELERY_TASK_ACK_LATE")[1]
    'CELERY_TASK_ACKS_LATE'
    """
    prefix = written[: len(written) - len(name)]
    spelt = {known: prefix + (known.upper() if prefix.isupper() else known) for known in SETTINGS}
    if written.isupper():
        spelt.update((without(prefix, old), old) for old in NEW_NAMES if old.startswith(prefix))
    import difflib  # only for names that are wrong

    best = difflib.get_close_matches(name, spelt, n=1, cutoff=SIMILAR)
    if not best:
        best = [known for known in SETTINGS if known.partition("_")[2] == name][:1]
    if not best:
        return 0.0, None
    return difflib.SequenceMatcher(None, name, best[0]).ratio(), spelt[best[0]]
