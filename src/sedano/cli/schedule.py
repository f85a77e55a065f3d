"""``sedano schedule``: what runs by itself, and when; run it now, pause it, resume it."""

import time
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import click

from sedano.cli.command import SedanoCommand, option
from sedano.cli.durations import spoken
from sedano.cli.invocation import Invocation, pass_invocation
from sedano.cli.json_output import write_json
from sedano.cli.user_error import UserError
from sedano.errors import did_you_mean

if TYPE_CHECKING:
    from sedano.app import Sedano
    from sedano.beat.entry import Entry
    from sedano.brokers.ticks import EntryState

#: Runs of one entry that ``next`` shows at the most.
MOST_RUNS: Final = 1000


@click.group(short_help="Show the schedule; run, pause and resume its entries.")
def schedule() -> None:
    """What runs by itself, and when.

    \b
    sedano -A proj schedule list
    sedano -A proj schedule next -n 20
    sedano -A proj schedule run "nightly report"
    sedano -A proj schedule pause "nightly report"
    sedano -A proj schedule resume "nightly report"
    """


@schedule.command("list", cls=SedanoCommand, short_help="The entries, and when each runs next.")
@option("-j", "--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")
@pass_invocation
def list_entries(invocation: Invocation, /, as_json: bool) -> int:
    """Show the entries of the schedule: what runs, when, when it last did, and when it will.

    Exit codes: 0 all entries can be read, 1 some cannot.
    """
    app, entries, wrong = _schedule(invocation)
    states = _states(app, entries)
    now = time.time()
    if as_json:
        write_json(
            {
                "entries": [_document(app, entry, states[entry.name]) for entry in entries],
                "problems": [str(error) for error in wrong],
            }
        )
    else:
        _draw(invocation, app, entries, states, now)
        for error in wrong:
            click.echo(f"Error: {error}", err=True)
    return int(bool(wrong))


@schedule.command("next", cls=SedanoCommand, short_help="The next runs, in their order.")
@click.argument("name", required=False)
@option(
    "-n", "--number", type=click.IntRange(1, MOST_RUNS), default=10, show_default=True, help="How many runs."
)
@option("-j", "--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")
@pass_invocation
def next_runs(invocation: Invocation, /, name: str | None, number: int, as_json: bool) -> int:
    """Show the next runs of all entries, or of the entry NAME."""
    app, entries, _ = _schedule(invocation)
    if name is not None:
        entries = [_named(entries, name)]
    states = _states(app, entries)
    runs: list[tuple[float, Entry]] = []
    for entry in entries:
        if not states[entry.name].paused:
            runs += ((moment, entry) for moment in islice(_moments(entry, states[entry.name]), number))
    runs = sorted(runs, key=lambda run: (run[0], run[1].name))[:number]
    if as_json:
        write_json(
            [{"at": _written(app, moment), "entry": entry.name, "task": entry.task} for moment, entry in runs]
        )
        return 0
    now = time.time()
    for moment, entry in runs:
        click.echo(f"{_written(app, moment)}  in {spoken(max(0.0, moment - now)):>8}  {entry.name}")
    if not runs:
        click.echo("Nothing will run: there is no entry, or those that there are are paused or over.")
    return 0


@schedule.command("run", cls=SedanoCommand, short_help="Run an entry now, besides its schedule.")
@click.argument("name")
@option("-j", "--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")
@pass_invocation
def run(invocation: Invocation, /, name: str, as_json: bool) -> int:
    """Publish the task of the entry NAME now. Its schedule goes on as if nothing had been."""
    app, entries, _ = _schedule(invocation)
    entry = _named(entries, name)
    publication = app.prepare_entry(entry)
    app.publisher.publish((publication,), at_once=True)
    if as_json:
        write_json({"id": publication.task_id, "task": entry.task, "entry": name})
    else:
        click.echo(publication.task_id)
    return 0


@schedule.command("pause", cls=SedanoCommand, short_help="Keep an entry from running.")
@click.argument("name")
@pass_invocation
def pause(invocation: Invocation, /, name: str) -> int:
    """Keep the entry NAME from running, until it is resumed. All schedulers heed it within two seconds."""
    app, entry = _one(invocation, name)
    app.ticks.pause(entry.name, now=time.time())
    invocation.note(f"{name} is paused. `{invocation.prog} -A … schedule resume {name!r}` undoes it.")
    return 0


@schedule.command("resume", cls=SedanoCommand, short_help="Let a paused entry run again.")
@click.argument("name")
@pass_invocation
def resume(invocation: Invocation, /, name: str) -> int:
    """Let the entry NAME run again. What it missed while it was paused is not made up for."""
    app, entry = _one(invocation, name)
    app.ticks.resume(entry.name, now=time.time())
    invocation.note(f"{name} runs again.")
    return 0


def _schedule(invocation: Invocation) -> "tuple[Sedano, list[Entry], list[Exception]]":
    app = invocation.find_app()
    app.configure_schedule()
    entries, wrong = app.schedule_entries()
    return app, sorted(entries, key=lambda entry: entry.name), list(wrong)


def _one(invocation: Invocation, name: str) -> "tuple[Sedano, Entry]":
    app, entries, _ = _schedule(invocation)
    entry = _named(entries, name)
    _states(app, [entry])  # an entry that no scheduler has seen yet is seen now
    return app, entry


def _named(entries: "list[Entry]", name: str) -> "Entry":
    for entry in entries:
        if entry.name == name:
            return entry
    names = [entry.name for entry in entries]
    raise UserError(
        f"The schedule has no entry {name!r}.{did_you_mean(name, names)}", hint="`schedule list` lists them."
    )


def _states(app: "Sedano", entries: "list[Entry]") -> "dict[str, EntryState]":
    from sedano.beat.beginnings import states_of

    return dict(states_of(app.ticks, entries, now=time.time()))


def _moments(entry: "Entry", state: "EntryState") -> Iterator[float]:
    from sedano.beat.missed import next_moment

    moment = next_moment(entry.schedule, state.since)
    while moment is not None:
        yield moment
        moment = next_moment(entry.schedule, moment)


def _written(app: "Sedano", moment: float | None) -> str | None:
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, app.timezone).isoformat(sep=" ", timespec="seconds")


def _document(app: "Sedano", entry: "Entry", state: "EntryState") -> dict[str, Any]:
    from sedano.beat.missed import next_moment

    due = None if state.paused or not entry.enabled else next_moment(entry.schedule, state.since)
    return {
        "name": entry.name,
        "task": entry.task,
        "schedule": entry.schedule.human_readable,
        "source": entry.source,
        "enabled": entry.enabled,
        "paused": state.paused,
        "missed": entry.missed,
        "runs": state.runs,
        "last_run_at": _written(app, state.last_run_at),
        "next_run_at": _written(app, due),
    }


def _draw(
    invocation: Invocation,
    app: "Sedano",
    entries: "list[Entry]",
    states: "dict[str, EntryState]",
    now: float,
) -> None:
    from rich.table import Table

    table = Table("entry", "task", "when", "last run", "next run", "", box=None, padding=(0, 1))
    for entry in entries:
        state = states[entry.name]
        shown = _document(app, entry, state)
        last = "-" if state.last_run_at is None else f"{spoken(max(0.0, now - state.last_run_at))} ago"
        stopped = "paused" if state.paused else "" if entry.enabled else "disabled"
        table.add_row(entry.name, entry.task, shown["schedule"], last, shown["next_run_at"] or "-", stopped)
    console = invocation.console()
    console.print(table)
    if not entries:
        console.print("The schedule is empty. The setting beat_schedule fills it.")
