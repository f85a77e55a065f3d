"""What an application knows of time: its zone, the present moment, and the entries of its schedule.

A base of ``Sedano``, and of nothing else. Runs nothing: ``beat.loop`` does. The scheduler's modules are
imported where they are used: most processes publish and never look at a schedule.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final, cast

from sedano import locations, signals
from sedano.brokers.broker import Broker
from sedano.brokers.opening import has_broker, open_broker
from sedano.brokers.publication import Publication
from sedano.brokers.ticks import TickStore
from sedano.canvas.signature import Signature
from sedano.errors import ConfigurationError, NotSupported
from sedano.signals import Signal
from sedano.tasks import publish_signals
from sedano.tasks.options import TaskOptions
from sedano.tasks.task import Task

if TYPE_CHECKING:
    from sedano.app import Sedano
    from sedano.beat.entry import Entry
    from sedano.beat.loop import Scheduler
    from sedano.beat.outbox import Outbox
    from sedano.beat.source import EntrySource


#: Options of ``add_periodic_task`` that are the entry's own, and not the call's.
OF_ENTRY: Final = ("missed", "grace", "timezone")

#: Options of a result store that say where in a server it is, and how to get there.
OF_PLACE: Final = frozenset({"global_keyprefix", "master_name", "schema", "sentinel_kwargs", "synchronous"})

logger = logging.getLogger("sedano.beat")


class AppSchedule:
    """The part of an application that concerns the schedule."""

    def __init__(self) -> None:
        #: Sent before the schedule is first read, when all tasks are known; receivers add entries.
        self.on_after_configure = Signal("on_after_configure", ("source",))
        #: Sent after it.
        self.on_after_finalize = Signal("on_after_finalize")
        self._is_configured = False
        self._periodic: dict[str, Mapping[str, Any]] = {}
        self._tick_broker: Broker | None = None
        #: Other places that entries come from; filled by integrations.
        self.entry_sources: list[EntrySource] = []

    @property
    def timezone(self) -> tzinfo:
        """The zone that schedules are read in: the setting ``timezone``, else UTC, or local time without
        ``enable_utc``."""
        settings = _whole(self).settings.app
        if settings.timezone is not None:
            return settings.timezone
        if settings.enable_utc:
            return UTC
        from sedano.scheduler.wall_clock import local_zone

        return local_zone()

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

    def set_periodic_task(
        self,
        name: str,
        task: Any,
        schedule: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **of_entry: Any,
    ) -> None:
        """Make an entry of the schedule at run time, or change it: all schedulers heed it within two seconds.

        It is kept in the broker, until ``remove_periodic_task``, and goes before an entry of the same name in
        settings or code: ``app.set_periodic_task("tidy up", tidy, 30.0, missed="skip")``.

        Args:
            name: The entry's name.
            task: A task, or its name.
            schedule: Seconds, a ``timedelta``, ``crontab(...)``, ``solar(...)`` or ``clocked(...)``.
            args: Its arguments.
            kwargs: Its keyword arguments.
            of_entry: Further keys, as in ``beat_schedule``: ``options``, ``missed``, ``grace`` ...

        Raises:
            ConfigurationError: the entry is wrong; the message names the key.
            NotSerializable: an argument cannot be written.
            NotSupported: neither the broker nor the result store can hold a schedule.
        """
        from sedano.beat import entry_document
        from sedano.beat.entry import read_entry

        app = _whole(self)
        written = {"task": task, "schedule": schedule, "args": args, "kwargs": kwargs or {}, **of_entry}
        entry = read_entry(name, written, app=app, source=entry_document.SOURCE)
        self.ticks.write(name, entry_document.write(entry), now=app.clock.timestamp())

    def remove_periodic_task(self, name: str) -> bool:
        """Remove an entry that was made at run time; whether there was one."""
        return self.ticks.remove(name)

    # -- for the scheduler

    @property
    def ticks(self) -> TickStore:
        """Where schedulers claim ticks: in the broker, or beside the results.

        Raises:
            NotSupported: neither the broker nor the result store can hold them.
        """
        ticks = _whole(self).broker.ticks
        return ticks if ticks is not None else self._ticks_beside_results()

    def _ticks_beside_results(self) -> TickStore:
        """Of a broker that keeps nothing but messages."""
        app = _whole(self)
        if self._tick_broker is None:
            url = locations.result_url(app.settings, app.default_broker_url, {})
            if url is not None and has_broker(url):
                options = app.settings.results.transport_options
                self._tick_broker = open_broker(
                    url,
                    options={name: value for name, value in options.items() if name in OF_PLACE},
                    publish_timeout=app.settings.broker.publish_timeout,
                    clock=app.clock,
                    base_dir=app.base_dir,
                )
        found = self._tick_broker
        if found is None or found.ticks is None or not found.features.between_processes:
            raise NotSupported(
                f"The {app.broker.name} broker keeps messages and nothing else, so schedulers cannot note in "
                "it which runs they have started. Name a place for results that can keep that as well: "
                "result_backend on Redis, SQLite or Django's database."
            )
        return found.ticks

    def _outbox(self) -> "Outbox | None":
        """What publishes the runs that were claimed; None where claiming them does."""
        from sedano.beat.outbox import Outbox

        app = _whole(self)
        own = app.broker.ticks
        if own is not None and own.publishes:
            return None
        return Outbox(
            self.ticks,
            publish=lambda publications: app.publisher.publish(publications, at_once=True),
            publish_timeout=app.settings.broker.publish_timeout.total_seconds(),
            clock=app.clock,
        )

    def _close_schedule(self) -> None:
        """Close what was opened for the schedule alone."""
        found, self._tick_broker = self._tick_broker, None
        if found is not None:
            found.close()

    def configure_schedule(self) -> None:
        """Import all tasks, and let receivers add entries, once."""
        app = _whole(self)
        app.import_modules()
        app.finalize()
        if not self._is_configured:
            self._is_configured = True
            self.on_after_configure.send(app, source=app.conf)
            self.on_after_finalize.send(app)

    def schedule_entries(self, *, stored: bool = True) -> "tuple[list[Entry], list[ConfigurationError]]":
        """All entries; of two with one name the one that was made last. And what is wrong with others.

        Args:
            stored: With those that were made at run time, and are in the broker.
        """
        from sedano.beat import entry_document
        from sedano.beat.entries import written_entries

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
        for place in self.entry_sources:
            entries, problems = place.entries()
            found.update({entry.name: entry for entry in entries})
            wrong += problems
        for name, document in (self.ticks.documents() if stored else {}).items():
            try:
                found[name] = entry_document.read(name, document, app=app)
            except ConfigurationError as error:
                wrong.append(error)
        return list(found.values()), wrong

    def scheduler(self, *, longest_pause: float | None = None) -> "Scheduler":
        """A scheduler of this application's entries.

        Args:
            longest_pause: Seconds that it sleeps at the most; None: as ``beat_max_loop_interval`` says.
        """
        from sedano.beat.loop import Scheduler

        app = _whole(self)
        self.configure_schedule()
        told: list[str] = []

        def read_entries() -> "list[Entry]":
            entries, wrong = self.schedule_entries()
            problems = [str(error) for error in wrong]
            for problem in problems:
                if problem not in told:
                    logger.error("%s It is skipped.", problem)
            told[:] = problems
            return entries

        if longest_pause is None:
            longest_pause = app.settings.schedule.longest_pause.total_seconds()
        return Scheduler(
            self.ticks,
            read_entries=read_entries,
            changes=lambda: (self.ticks.changes(), *(place.changes() for place in self.entry_sources)),
            prepare=self.prepare_entry,
            published=_tell_of,
            outbox=self._outbox(),
            clock=app.clock,
            longest_pause=longest_pause,
        )

    def prepare_entry(self, entry: "Entry") -> Publication:
        """The message of one run of an entry.

        Raises:
            SedanoError: it cannot be run: the task is not known, an argument or option is wrong.
        """
        from sedano.beat.lazy_value import computed

        task, options = self.check_entry(entry)
        args = tuple(map(computed, entry.args))
        kwargs = {name: computed(value) for name, value in entry.kwargs.items()}
        return _whole(self).publisher.prepare(task.name, args, kwargs, options, task=task)

    def check_entry(self, entry: "Entry") -> tuple[Task[..., Any], TaskOptions]:
        """The task of an entry, and the options of its calls. Computes no arguments.

        Raises:
            SedanoError: it cannot be run: the task is not known, an argument or option is wrong.
        """
        task = _whole(self).tasks[entry.task]
        options = TaskOptions.from_call(entry.options)
        if task.typing:
            task.call_signature.check(entry.args, entry.kwargs)
        return task, options


def _tell_of(publications: Sequence[Publication]) -> None:
    if signals.after_task_publish.has_listeners():
        publish_signals.after(publications)


def _whole(part: AppSchedule) -> "Sedano":
    return cast("Sedano", part)
