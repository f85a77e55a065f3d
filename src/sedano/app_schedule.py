"""What an application knows of time: its zone, the present moment, and the entries of its schedule.

A base of ``Sedano``, and of nothing else. Runs nothing: ``beat.loop`` does.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final, cast

from sedano.beat.entries import written_entries
from sedano.beat.entry import Entry
from sedano.beat.lazy_value import computed
from sedano.beat.loop import Scheduler
from sedano.brokers.publication import Publication
from sedano.brokers.ticks import TickStore
from sedano.canvas.signature import Signature
from sedano.errors import ConfigurationError, NotSupported
from sedano.scheduler.wall_clock import local_zone
from sedano.signals import Signal
from sedano.tasks import publish_signals
from sedano.tasks.options import TaskOptions

if TYPE_CHECKING:
    from sedano.app import Sedano


#: Options of ``add_periodic_task`` that are the entry's own, and not the call's.
OF_ENTRY: Final = ("missed", "grace", "timezone")

logger = logging.getLogger("sedano.beat")


class AppSchedule:
    """The part of an application that concerns the schedule."""

    def __init__(self) -> None:
        #: Sent when the settings are first needed by a worker or a scheduler; receivers add entries.
        self.on_after_configure = Signal("on_after_configure", ("source",))
        #: Sent before it, when all tasks are known.
        self.on_after_finalize = Signal("on_after_finalize")
        self._periodic: dict[str, Mapping[str, Any]] = {}
        #: Other places that entries come from; filled by integrations.
        self.entry_sources: list[Callable[[], Sequence[Entry]]] = []

    @property
    def timezone(self) -> tzinfo:
        """The zone that schedules are read in: the setting ``timezone``, else UTC, or local time without
        ``enable_utc``."""
        settings = _whole(self).settings.app
        return settings.timezone or (UTC if settings.enable_utc else local_zone())

    def now(self) -> datetime:
        """The present moment, in the application's zone."""
        return _whole(self).clock.now().astimezone(self.timezone)

    def uses_utc_timezone(self) -> bool:
        """Whether ``timezone`` is UTC."""
        return self.timezone.utcoffset(None) == timedelta() or str(self.timezone) == "UTC"

    def add_periodic_task(
        self,
        schedule: Any,
        sig: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        name: str | None = None,
        **options: Any,
    ) -> str:
        """Add an entry to the schedule: ``app.add_periodic_task(30.0, tidy.s(), name="tidy up")``.

        Args:
            schedule: Seconds, a ``timedelta``, ``crontab(...)``, ``solar(...)`` or ``clocked(...)``.
            sig: A signature, or a task.
            args: Arguments in front of those of the signature.
            kwargs: Keyword arguments on top of those of the signature.
            name: The entry's name; made of the signature if it is not given. Schedulers know it by that.
            options: As for ``apply_async``; and ``missed``, ``grace``, ``timezone`` as in
                ``beat_schedule``.

        Returns:
            The entry's name.
        """
        call = sig.clone(args, kwargs) if isinstance(sig, Signature) else sig.s(*args, **(kwargs or {}))
        of_entry: dict[str, Any] = {key: options.pop(key) for key in OF_ENTRY if key in options}
        written: dict[str, Any] = {
            "task": call.task,
            "schedule": schedule,
            "args": call.args,
            "kwargs": call.kwargs,
            "options": {**call.options, **options},
            **of_entry,
        }
        name = name or repr(call)
        self._periodic[name] = written
        return name

    # -- for the scheduler

    @property
    def ticks(self) -> TickStore:
        """Where schedulers claim ticks.

        Raises:
            NotSupported: the broker cannot hold them.
        """
        broker = _whole(self).broker
        if broker.ticks is None:
            raise NotSupported(
                f"The {broker.name} broker cannot note that a task was due in the step that publishes it, so "
                "two schedulers could start it twice. Periodic tasks run on SQLite, on Django's database and "
                "on a single Redis server in this version."
            )
        return broker.ticks

    def configure_schedule(self) -> None:
        """Import all tasks, and let receivers add entries, once."""
        app = _whole(self)
        app.import_modules()
        app.finalize()
        if not self._is_configured:
            self._is_configured = True
            self.on_after_configure.send(app, source=app.conf)
            self.on_after_finalize.send(app)

    _is_configured = False

    def schedule_entries(self) -> tuple[list[Entry], list[ConfigurationError]]:
        """All entries; of two with one name the one that was made last. And what is wrong with others."""
        app = _whole(self)
        found: dict[str, Entry] = {}
        wrong: list[ConfigurationError] = []
        for source, written in (
            ("beat_schedule", app.conf["beat_schedule"]),
            ("code", self._periodic),
        ):
            entries, problems = written_entries(written, app=app, source=source)
            found.update({entry.name: entry for entry in entries})
            wrong += problems
        for read in self.entry_sources:
            found.update({entry.name: entry for entry in read()})
        return list(found.values()), wrong

    def scheduler(self, *, longest_pause: float | None = None) -> Scheduler:
        """A scheduler of this application's entries.

        Args:
            longest_pause: Seconds that it sleeps at the most; None: as ``beat_max_loop_interval`` says.
        """
        app = _whole(self)
        self.configure_schedule()
        told: set[str] = set()

        def read_entries() -> list[Entry]:
            entries, wrong = self.schedule_entries()
            for error in wrong:
                if str(error) not in told:
                    told.add(str(error))
                    logger.error("%s It is skipped.", error)
            return entries

        if longest_pause is None:
            longest_pause = app.settings.schedule.longest_pause.total_seconds()
        return Scheduler(
            self.ticks,
            read_entries=read_entries,
            prepare=self.prepare_entry,
            published=publish_signals.after,
            clock=app.clock,
            longest_pause=longest_pause,
        )

    def prepare_entry(self, entry: Entry) -> Publication:
        """The message of one run of an entry.

        Raises:
            SedanoError: it cannot be run: the task is not known, an argument or option is wrong.
        """
        app = _whole(self)
        task = app.tasks[entry.task]
        options = TaskOptions.from_call(entry.options)
        args = tuple(map(computed, entry.args))
        kwargs = {name: computed(value) for name, value in entry.kwargs.items()}
        if task.typing:
            task.call_signature.check(args, kwargs)
        return app.publisher.prepare(task.name, args, kwargs, options, task=task)


def _whole(part: AppSchedule) -> "Sedano":
    return cast("Sedano", part)
