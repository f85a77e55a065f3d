"""One row of the table of names: a setting, and what becomes of it.

Used by the tables of names and by those who read them. A setting works, has no effect (the engine makes it
moot, and the user is told so), or is refused (ignoring it would change what the user relies on).
"""

from typing import Final, Literal, TypeAlias

import msgspec

from sedano.settings import sections
from sedano.settings.parsers import Parser

SectionName: TypeAlias = Literal["broker", "results", "tasks", "worker", "schedule", "app"]

SECTIONS: Final = {
    "broker": sections.BrokerSettings(),
    "results": sections.ResultSettings(),
    "tasks": sections.TaskSettings(),
    "worker": sections.WorkerSettings(),
    "schedule": sections.ScheduleSettings(),
    "app": sections.AppSettings(),
}


class NoEffect(msgspec.Struct, frozen=True):
    """The setting is accepted and does nothing; whoever sets it is warned, with the reason."""

    reason: str


class Refused(msgspec.Struct, frozen=True):
    """The setting is an error, with the reason and what to do instead."""

    reason: str


class Works(msgspec.Struct, frozen=True):
    """The setting is a field of a section."""

    section: SectionName
    field: str
    parser: Parser
    #: What becomes of it where the broker has no exchanges; None: it works there as well.
    without_exchanges: NoEffect | Refused | None = None


class Setting(msgspec.Struct, frozen=True):
    """A name that Celery or Sedano knows.

    ``celery_default`` is ``NOT_CELERYS`` for a setting of our own. The values ``fine`` ask for what
    happens anyway, so that they neither warn nor fail.
    """

    name: str
    old_names: tuple[str, ...]
    celery_default: object
    fate: Works | NoEffect | Refused
    fine: tuple[object, ...] = ()

    @property
    def default(self) -> object:
        """What ``app.conf`` says when nobody has set it; in the form a user would write."""
        if not isinstance(self.fate, Works):
            return self.celery_default
        value = getattr(SECTIONS[self.fate.section], self.fate.field)
        return None if value is None else self.fate.parser.show(value)


class NotCelerys:
    """The type of ``NOT_CELERYS``."""

    def __repr__(self) -> str:
        return "NOT_CELERYS"


NOT_CELERYS: Final = NotCelerys()

#: How the names before Celery 4 were made from an area's; areas that are not here kept theirs, in upper case.
OLD_PREFIXES: Final = {
    "task": "CELERY_",
    "worker": "CELERYD_",
    "beat": "CELERYBEAT_",
    "cache": "CELERY_CACHE_",
    "couchbase": "CELERY_COUCHBASE_",
    "arangodb": "CELERY_ARANGODB_",
    "mongodb": "CELERY_MONGODB_",
    "event": "CELERY_EVENT_",
    "redis": "CELERY_REDIS_",
    "result": "CELERY_RESULT_",
    "elasticsearch": "CELERY_ELASTICSEARCH_",
    "security": "CELERY_SECURITY_",
}


def old_name(name: str) -> str:
    """The name before Celery 4 of a setting that followed the rule.

    >>> old_name("worker_concurrency"), old_name("broker_url")
    ('CELERYD_CONCURRENCY', 'BROKER_URL')
    """
    area, _, rest = name.partition("_")
    if area in OLD_PREFIXES and rest:
        return OLD_PREFIXES[area] + rest.upper()
    return name.upper()


# -- how the tables are written


def works(
    name: str,
    section: SectionName,
    field: str,
    parser: Parser,
    *,
    celery: object = ...,
    old: str | None = None,
    fine: tuple[object, ...] = (),
    without_exchanges: NoEffect | Refused | None = None,
) -> Setting:
    """A setting that works. ``celery`` is Celery's default where it is not ours."""
    fate = Works(section, field, parser, without_exchanges)
    row = Setting(name, (old or old_name(name),), None, fate)
    default = row.default if celery is ... else celery
    return Setting(row.name, row.old_names, default, fate, fine)


def own(name: str, section: SectionName, field: str, parser: Parser) -> Setting:
    """A setting that Celery does not have."""
    return Setting(name, (), NOT_CELERYS, Works(section, field, parser))


def no_effect(
    name: str, reason: str, *, default: object = None, fine: tuple[object, ...] = (), old: str | None = None
) -> Setting:
    """A setting of Celery's that our engine makes moot. ``default`` is Celery's."""
    return Setting(name, (old or old_name(name),), default, NoEffect(reason), fine)


def refused(
    name: str, reason: str, *, default: object = None, fine: tuple[object, ...] = (), old: str | None = None
) -> Setting:
    """A setting of Celery's that cannot be ignored and is not supported. ``default`` is Celery's."""
    return Setting(name, (old or old_name(name),), default, Refused(reason), fine)
