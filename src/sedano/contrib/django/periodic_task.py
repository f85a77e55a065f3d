"""An entry of the schedule that is a row of the site's database: the model, and what it accepts.

Edited in the admin, by the site's own code, and by ``import_celery_beat``; read by schedulers
(``entry_source``). Knows nothing of runs: those are the broker's.
"""

import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models, transaction
from django.utils.timezone import is_naive, make_aware, now
from msgspec.structs import replace

from sedano.beat.entry import Entry, read_entry
from sedano.contrib.django.entry_changes import count_change
from sedano.current import get_current_app
from sedano.errors import ConfigurationError, SedanoError
from sedano.scheduler.bounded import bounded
from sedano.scheduler.clocked import clocked
from sedano.scheduler.crontab import crontab
from sedano.scheduler.interval import schedule
from sedano.scheduler.schedule import Schedule
from sedano.scheduler.solar import EVENTS, solar

if TYPE_CHECKING:
    from sedano.app import Sedano

#: Where such entries come from, for people.
SOURCE: Final = "database"

INTERVAL, CRONTAB, SOLAR, CLOCKED = "interval", "crontab", "solar", "clocked"

#: Of each kind, the fields that it cannot do without.
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    INTERVAL: ("every", "period"),
    CRONTAB: ("crontab",),
    SOLAR: ("event", "latitude", "longitude"),
    CLOCKED: ("clocked_time",),
}

#: What says when an entry runs. Once one of these is changed, the entry counts from that moment on.
TIMING: Final = (
    "name",
    "kind",
    "every",
    "period",
    "crontab",
    "timezone",
    "event",
    "latitude",
    "longitude",
    "clocked_time",
    "start_time",
    "one_off",
    "enabled",
)

#: What an entry says of its messages.
OPTIONS: Final = ("queue", "exchange", "routing_key", "headers", "priority")

PERIODS: Final = ("days", "hours", "minutes", "seconds")


class PeriodicTasks(models.QuerySet):  # type: ignore[misc]
    """Rows that were changed all at once are changed rows, too."""

    def update(self, **values: Any) -> int:
        """As of every queryset, and schedulers hear of it."""
        count: int = super().update(**values)
        count_change(self._written_to())
        return count

    def bulk_create(self, *args: Any, **kwargs: Any) -> Any:
        """As of every queryset, and schedulers hear of it."""
        made = super().bulk_create(*args, **kwargs)
        count_change(self._written_to())
        return made

    def _written_to(self) -> str:
        self._for_write = True
        return str(self.db)


class PeriodicTask(models.Model):  # type: ignore[misc]
    """An entry of the schedule."""

    name = models.CharField(max_length=200, unique=True, help_text="Schedulers know the entry by it.")
    task = models.CharField(max_length=200, help_text="The name of a registered task.")
    description = models.TextField(blank=True)
    enabled = models.BooleanField(default=True, help_text="An entry that is not enabled does not run.")

    kind = models.CharField(
        "runs",
        max_length=10,
        default=INTERVAL,
        choices=[
            (INTERVAL, "again and again"),
            (CRONTAB, "at times of day and on days: a crontab"),
            (SOLAR, "with the sun"),
            (CLOCKED, "at one moment"),
        ],
    )
    every = models.FloatField(null=True, blank=True, help_text="How many of them pass between two runs.")
    period = models.CharField(
        max_length=10, blank=True, default="minutes", choices=[(name, name) for name in PERIODS]
    )
    crontab = models.CharField(
        max_length=600,
        blank=True,
        help_text="Minute, hour, day of the month, month, day of the week: <code>30 7 * * mon-fri</code>",
    )
    timezone = models.CharField(
        "time zone",
        max_length=63,
        blank=True,
        help_text="In which the crontab is read, such as Europe/Rome. Empty: the site's.",
    )
    event = models.CharField(
        max_length=24, blank=True, choices=[(event, event.replace("_", " ")) for event in EVENTS]
    )
    latitude = models.DecimalField(
        max_digits=9, decimal_places=6, null=True, blank=True, help_text="Degrees; north is positive."
    )
    longitude = models.DecimalField(
        max_digits=9, decimal_places=6, null=True, blank=True, help_text="Degrees; east is positive."
    )
    clocked_time = models.DateTimeField("moment", null=True, blank=True)

    start_time = models.DateTimeField(
        null=True, blank=True, help_text="Nothing is run before. An interval begins with it."
    )
    expires = models.DateTimeField(null=True, blank=True, help_text="Nothing is run afterwards.")
    one_off = models.BooleanField(
        "only once", default=False, help_text="Runs the next time, and never again."
    )
    missed = models.CharField(
        max_length=4,
        default="once",
        choices=[
            ("once", "one run for all of them"),
            ("skip", "are left out"),
            ("all", "each is made up for"),
        ],
        help_text="What becomes of runs that were missed while no scheduler ran.",
    )
    grace = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Seconds that a run may be late. Empty: any number, or 60 where missed runs are left out.",
    )

    args = models.JSONField(
        "arguments", default=list, blank=True, help_text='A JSON list: <code>["daily"]</code>.'
    )
    kwargs = models.JSONField(
        "keyword arguments",
        default=dict,
        blank=True,
        help_text='A JSON object: <code>{"days": 7}</code>.',
    )
    queue = models.CharField(max_length=200, blank=True, help_text="Empty: the task's own.")
    priority = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty: the task's own.")
    expire_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="A run that no worker has begun after so many seconds is dropped."
    )
    exchange = models.CharField(max_length=200, blank=True, help_text="For RabbitMQ.")
    routing_key = models.CharField(max_length=200, blank=True, help_text="For RabbitMQ.")
    headers = models.JSONField(
        default=dict, blank=True, help_text="A JSON object, for the message's headers."
    )

    counts_from = models.DateTimeField(default=now, editable=False)

    objects = PeriodicTasks.as_manager()

    class Meta:
        db_table = "sedano_periodic_task"
        ordering = ("name",)

    def __str__(self) -> str:
        return str(self.name)

    # -- what it accepts

    def clean(self) -> None:
        """Tell what is wrong, each thing at its field."""
        self.args = [] if self.args in (None, "") else self.args
        self.kwargs = {} if self.kwargs in (None, "") else self.kwargs
        self.headers = {} if self.headers in (None, "") else self.headers
        wrong = {**self._missing(), **self._wrong_json(), **self._wrong_bounds()}
        if not wrong and self.kind in NEEDED:
            wrong = self._wrong_rule() or self._wrong_call()
        if wrong:
            raise ValidationError(wrong)

    def _missing(self) -> dict[str, str]:
        return {
            field: "An entry of this kind needs it."
            for field in NEEDED.get(self.kind, ())
            if getattr(self, field) in (None, "")
        }

    def _wrong_json(self) -> dict[str, str]:
        wrong = {} if isinstance(self.args, list) else {"args": 'Expected a JSON list, such as ["daily", 7].'}
        for field in ("kwargs", "headers"):
            if not isinstance(getattr(self, field), dict):
                wrong[field] = 'Expected a JSON object, such as {"days": 7}.'
        return wrong

    def _wrong_bounds(self) -> dict[str, str]:
        if self.start_time and self.expires and self.expires < self.start_time:
            return {"expires": "This is before its start."}
        return {}

    def _wrong_rule(self) -> dict[str, str]:
        is_new = self._is_new_timing(self._state.db)
        if is_new and not self._state.adding:
            self.counts_from = now()
        try:
            rule = self.rule(get_current_app())
        except (TypeError, ValueError, OverflowError) as error:
            part, _, reason = str(error).partition(": ")
            if part in _FIELD_OF:
                return {_FIELD_OF[part]: reason}
            return {NEEDED[self.kind][0]: str(error)}
        if is_new and self.enabled and rule.next_after(as_moment(now())) is None:
            return {"expires" if self.expires else NEEDED[self.kind][0]: "It would never run."}
        return {}

    def _wrong_call(self) -> dict[str, str]:
        app = get_current_app()
        import_tasks(app)
        if self.task not in app.tasks:
            return {}  # a warning, and not an error: workers of another project may know it
        try:
            task = app.tasks[self.task]
            if task.typing:
                task.call_signature.check(tuple(self.args), self.kwargs)
        except SedanoError as error:
            return {"args": str(error)}
        try:
            app.prepare_entry(self.entry(app))
        except SedanoError as error:
            option, _, reason = str(error).partition(": ")
            return {option: reason} if option in OPTIONS else {NON_FIELD_ERRORS: str(error)}
        return {}

    # -- what schedulers make of it

    def entry(self, app: "Sedano") -> Entry:
        """The row as schedulers know it.

        Raises:
            ConfigurationError: it is wrong; the message names it.
        """
        try:
            rule = self.rule(app)
        except (TypeError, ValueError, OverflowError) as error:
            raise ConfigurationError(f"the entry {self.name!r} of the schedule: {error}") from error
        written: dict[str, Any] = {
            "task": self.task,
            "schedule": rule,
            "args": self.args,
            "kwargs": self.kwargs,
            "options": self._options(),
            "missed": self.missed,
            "enabled": self.enabled,
        }
        if self.grace is not None:
            written["grace"] = self.grace
        entry = read_entry(self.name, written, app=app, source=SOURCE)
        return replace(entry, counts_from=as_moment(self.counts_from).timestamp())

    def rule(self, app: "Sedano") -> Schedule:
        """When it runs. Raises ValueError or TypeError where that cannot be said."""
        rule = self._bare_rule(app)
        one_off = self.one_off and self.kind != CLOCKED
        if not (self.start_time or self.expires or one_off):
            return rule
        return bounded(
            rule,
            since=as_moment(self.counts_from),
            start=self.start_time and as_moment(self.start_time),
            end=self.expires and as_moment(self.expires),
            once=one_off,
            app=app,
        )

    def _bare_rule(self, app: "Sedano") -> Schedule:
        if self.kind not in NEEDED:
            raise ValueError(f"there is no kind {self.kind!r}")
        if self._missing():
            raise ValueError(f"it lacks {' and '.join(self._missing())}")
        if self.kind == INTERVAL:
            return schedule(timedelta(**{self.period: self.every}), app=app)
        if self.kind == CRONTAB:
            return crontab.from_string(self.crontab, app=app, tz=self.timezone or None)
        if self.kind == SOLAR:
            return solar(self.event, float(self.latitude), float(self.longitude), app=app)
        return clocked(as_moment(self.clocked_time), app=app)

    def _options(self) -> dict[str, Any]:
        options = {name: getattr(self, name) for name in OPTIONS}
        options["expires"] = self.expire_seconds or (self.expires and as_moment(self.expires))
        return {name: value for name, value in options.items() if value not in (None, "", {})}

    # -- saving

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As of every model. What its new timing would have had in the past is not made up for."""
        before = None if self._state.adding else self._timing_before(kwargs.get("using"))
        if not self._state.adding and self._differs_from(before):
            self.counts_from = now()
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "counts_from"}
        super().save(*args, **kwargs)
        if before is not None and before["name"] != self.name:
            transaction.on_commit(partial(_forget_runs, before["name"]), using=self._state.db)

    def _is_new_timing(self, using: str | None) -> bool:
        return self._differs_from(self._timing_before(using))

    def _timing_before(self, using: str | None) -> dict[str, Any] | None:
        rows = type(self)._base_manager.using(using or self._state.db)
        found: dict[str, Any] | None = rows.filter(pk=self.pk).values(*TIMING).first()
        return found

    def _differs_from(self, before: Mapping[str, Any] | None) -> bool:
        return before is None or any(before[field] != getattr(self, field) for field in TIMING)


#: Where messages about a part of a rule belong.
_FIELD_OF: Final = {
    "run_every": "every",
    "crontab": "crontab",
    "tz": "timezone",
    "event": "event",
    "lat": "latitude",
    "lon": "longitude",
}


def as_moment(value: datetime) -> datetime:
    """A date and time of the database with its zone: without ``USE_TZ`` it has none."""
    return make_aware(value) if is_naive(value) else value


def import_tasks(app: "Sedano") -> None:
    """Have the site's tasks registered, also in processes that run none."""
    app.import_modules()
    app.finalize()


def _saved(sender: Any, using: str, **kwargs: Any) -> None:
    count_change(using)


def _deleted(sender: Any, instance: PeriodicTask, using: str, **kwargs: Any) -> None:
    count_change(using)
    transaction.on_commit(partial(_forget_runs, instance.name), using=using)


def _forget_runs(name: str) -> None:
    """Do without what the broker knows of an entry, if it can be reached. What is left there does no harm."""
    with contextlib.suppress(SedanoError):
        ticks = get_current_app().ticks
        if name not in ticks.documents():
            ticks.remove(name)


models.signals.post_save.connect(_saved, PeriodicTask, dispatch_uid="sedano.saved")
models.signals.post_delete.connect(_deleted, PeriodicTask, dispatch_uid="sedano.deleted")
