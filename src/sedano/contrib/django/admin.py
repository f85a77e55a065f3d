"""The schedule in Django's admin. Loaded by ``django.contrib.admin``, in sites that have it.

Shows what schedulers will make of an entry, and has them do it: changes nothing by itself but the row.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.db import DatabaseError, connections, router, transaction
from django.utils.html import format_html, format_html_join

from sedano.beat.beginnings import states_of
from sedano.beat.coming import coming_runs, is_overdue
from sedano.beat.entry import Entry
from sedano.brokers.ticks import EntryState, TickStore
from sedano.contrib.django.entry_runs import known_states, ticks_alias
from sedano.contrib.django.periodic_task import CLOCKED, CRONTAB, INTERVAL, SOLAR, PeriodicTask, import_tasks
from sedano.current import get_current_app
from sedano.errors import ConfigurationError, SedanoError, did_you_mean

NOTHING: Final = "-"

#: Runs that an entry's page shows.
SHOWN: Final = 10


class TaskName(forms.TextInput):  # type: ignore[misc]
    """A text field that offers the registered tasks, and takes others."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        """As of every widget."""
        app = get_current_app()
        import_tasks(app)
        choices = f"{(attrs or {}).get('id', name)}_choices"
        field = super().render(name, value, {**(attrs or {}), "list": choices}, renderer)
        options = format_html_join("", '<option value="{}">', ((task,) for task in app.tasks.shown()))
        return format_html('{}<datalist id="{}">{}</datalist>', field, choices, options)


class PeriodicTaskForm(forms.ModelForm):  # type: ignore[misc]
    """An entry, as people write it."""

    class Meta:
        model = PeriodicTask
        fields = "__all__"
        widgets = {
            "task": TaskName(attrs={"class": "vTextField"}),
            "description": forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
            "crontab": forms.TextInput(attrs={"class": "vTextField", "placeholder": "30 7 * * mon-fri"}),
            "args": forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
            "kwargs": forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
            "headers": forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        }


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(admin.ModelAdmin):  # type: ignore[misc]
    """The entries of the schedule that are in the site's database."""

    form = PeriodicTaskForm
    list_display = ("name", "task", "when", "enabled", "state", "last_run", "runs", "next_run")
    list_filter = ("enabled", "kind", "task")
    search_fields = ("name", "task", "description")
    readonly_fields = ("when", "state", "last_run", "runs", "next_runs")
    actions = ("run_now", "enable", "disable", "pause", "resume")
    fieldsets = (
        (None, {"fields": ("name", "task", "enabled", "description", "kind")}),
        ("Again and again", {"fields": (("every", "period"),), "classes": (f"sedano-{INTERVAL}",)}),
        ("Crontab", {"fields": ("crontab", "timezone"), "classes": (f"sedano-{CRONTAB}",)}),
        ("Sun", {"fields": ("event", ("latitude", "longitude")), "classes": (f"sedano-{SOLAR}",)}),
        ("One moment", {"fields": ("clocked_time",), "classes": (f"sedano-{CLOCKED}",)}),
        ("Runs", {"fields": readonly_fields}),
        ("Arguments", {"fields": ("args", "kwargs")}),
        ("Limits", {"fields": ("start_time", "expires", "one_off", "missed", "grace")}),
        (
            "Message",
            {
                "fields": ("queue", "priority", "expire_seconds", "exchange", "routing_key", "headers"),
                "classes": ("collapse",),
            },
        ),
    )

    class Media:
        js = ("sedano/periodic_task.js",)

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        """As of every admin: an entry that is not there yet has no runs."""
        return [part for part in super().get_fieldsets(request, obj) if obj is not None or part[0] != "Runs"]

    # -- what is known of the rows

    def get_changelist_instance(self, request: Any) -> Any:
        """As of every admin: the rows of a page, with what schedulers know of them."""
        page = super().get_changelist_instance(request)
        page.result_list = self._with_states(request, list(page.result_list))
        return page

    def get_object(self, request: Any, object_id: str, from_field: str | None = None) -> Any:
        """As of every admin."""
        row = super().get_object(request, object_id, from_field)
        return None if row is None else self._with_states(request, [row])[0]

    def _with_states(self, request: Any, rows: list[Any]) -> list[Any]:
        app = get_current_app()
        import_tasks(app)
        entries: list[Entry] = []
        for row in rows:
            try:
                row.known_entry = row.entry(app)
                entries.append(row.known_entry)
            except ConfigurationError as error:
                row.known_entry = error
        states: Mapping[str, EntryState] = {}
        try:
            states = known_states(app, entries)
        except (SedanoError, DatabaseError) as error:
            if request.method == "GET":  # what is sent is followed by one
                self.message_user(request, f"What was run is not known: {error}", messages.WARNING)
        for row in rows:
            row.known_state = states.get(row.name)
        return rows

    def when(self, row: Any) -> str:
        """The rule in words."""
        found = getattr(row, "known_entry", None)
        if isinstance(found, Entry):
            return found.schedule.human_readable
        return NOTHING if found is None else str(found)

    def state(self, row: Any) -> str:
        """What keeps it from running, if anything does."""
        entry, state = getattr(row, "known_entry", None), _state(row)
        if isinstance(entry, ConfigurationError):
            return "wrong: it is skipped"
        if entry is None:
            return NOTHING
        if not entry.enabled:
            return "not enabled"
        if state is not None and state.paused:
            return "paused"
        app, now = get_current_app(), _now()
        if entry.task not in app.tasks:
            return "its task is not known"
        if is_overdue(entry, state, now):
            return "overdue: is there a scheduler?"
        if next(coming_runs(entry, state, now), None) is None:
            return "over"
        return "waits for its next run" if state is not None else "no scheduler has seen it yet"

    def last_run(self, row: Any) -> str:
        """When a message was last published for it."""
        state = _state(row)
        return NOTHING if state is None or state.last_run_at is None else _written(row, state.last_run_at)

    def runs(self, row: Any) -> int | str:
        """Messages that were published for it."""
        state = _state(row)
        return NOTHING if state is None else state.runs

    def next_run(self, row: Any) -> str:
        """When it is due next."""
        return next((_written(row, moment) for moment in _coming(row, 1)), NOTHING)

    def next_runs(self, row: Any) -> str:
        """When it is due next, ten times over."""
        moments = [(_written(row, moment),) for moment in _coming(row)]
        return format_html_join("", "{}<br>", moments) if moments else NOTHING

    # -- saving

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        """As of every admin; a task that is not known here is told of."""
        super().save_model(request, obj, form, change)
        app = get_current_app()
        import_tasks(app)
        if obj.task not in app.tasks:
            hint = did_you_mean(obj.task, app.tasks.shown())
            text = (
                f"No task is registered here as {obj.task!r}.{hint} The entry is skipped until there is one."
            )
            self.message_user(request, text, messages.WARNING)

    # -- actions

    @admin.action(permissions=["change"])  # type: ignore[untyped-decorator]
    def run_now(self, request: Any, rows: Any) -> None:
        """Publish the task of each, besides its schedule."""
        app = get_current_app()
        import_tasks(app)
        for row in rows:
            try:
                publication = app.prepare_entry(row.entry(app))
                app.publisher.publish((publication,))
            except SedanoError as error:
                self.message_user(request, f"{row}: {error}", messages.ERROR)
            else:
                self.message_user(request, f"{row}: started as {publication.task_id}.", messages.SUCCESS)

    @admin.action(permissions=["change"])  # type: ignore[untyped-decorator]
    def enable(self, request: Any, rows: Any) -> None:
        """Have them run. What was due before is not made up for."""
        self._set_enabled(request, rows, True)

    @admin.action(permissions=["change"])  # type: ignore[untyped-decorator]
    def disable(self, request: Any, rows: Any) -> None:
        """Have them run no more."""
        self._set_enabled(request, rows, False)

    def _set_enabled(self, request: Any, rows: Any, enabled: bool) -> None:
        changed = 0
        with transaction.atomic(using=router.db_for_write(PeriodicTask)):
            for row in rows.exclude(enabled=enabled):
                row.enabled = enabled
                row.save(update_fields=["enabled"])
                changed += 1
        self.message_user(request, f"{_entries(changed)} {'enabled' if enabled else 'disabled'}.")

    @admin.action(permissions=["change"])  # type: ignore[untyped-decorator]
    def pause(self, request: Any, rows: Any) -> None:
        """Keep them from running until they are resumed."""
        self._steer(request, rows, "paused", lambda ticks, name, now: ticks.pause(name, now=now))

    @admin.action(permissions=["change"])  # type: ignore[untyped-decorator]
    def resume(self, request: Any, rows: Any) -> None:
        """Undo it. What was due meanwhile is not made up for."""
        self._steer(request, rows, "resumed", lambda ticks, name, now: ticks.resume(name, now=now))

    def _steer(
        self, request: Any, rows: Iterable[Any], done: str, step: Callable[[TickStore, str, float], object]
    ) -> None:
        app = get_current_app()
        entries: list[Entry] = []
        for row in rows:
            try:
                entries.append(row.entry(app))
            except ConfigurationError as error:
                self.message_user(request, f"{row}: {error}", messages.ERROR)

        def steer() -> None:
            now = app.clock.timestamp()
            states_of(app.ticks, entries, now=now)  # those that no scheduler has seen yet are seen now
            for entry in entries:
                step(app.ticks, entry.name, now)

        alias = ticks_alias(app) or router.db_for_write(PeriodicTask)
        try:
            # The broker may be this database, of which a transaction of the request's holds the lock.
            transaction.on_commit(steer, using=alias, robust=connections[alias].in_atomic_block)
        except SedanoError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, f"{_entries(len(entries))} {done}.")


def _state(row: Any) -> EntryState | None:
    found: EntryState | None = getattr(row, "known_state", None)
    return found


def _coming(row: Any, number: int = SHOWN) -> list[float]:
    entry = getattr(row, "known_entry", None)
    if not isinstance(entry, Entry):
        return []
    return list(islice(coming_runs(entry, _state(row), _now()), number))


def _now() -> float:
    return get_current_app().clock.timestamp()


def _written(row: Any, moment: float) -> str:
    """A moment in the zone that the entry is read in."""
    entry = getattr(row, "known_entry", None)
    zone = entry.schedule.tz if isinstance(entry, Entry) else UTC
    return f"{datetime.fromtimestamp(moment, zone):%a %Y-%m-%d %H:%M:%S %Z}"


def _entries(count: int) -> str:
    return "1 entry was" if count == 1 else f"{count} entries were"
