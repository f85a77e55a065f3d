"""``sedano schedule``: what runs by itself, and when; run it now, pause it, resume it."""

import contextlib
import time
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
    states, now = _states(app, entries), time.time()
    shown = [_document(app, entry, states[entry.name], now, wrong) for entry in entries]
    if as_json:
        write_json({"entries": shown, "problems": wrong})
    else:
        _draw(invocation, shown, [states[entry.name] for entry in entries], now)
        _tell(wrong)
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
    app, entries, wrong = _schedule(invocation)
    if name is not None:
        entries, wrong = [_named(entries, name)], []
    states, now = _states(app, entries), time.time()
    runs: list[tuple[float, Entry]] = []
    for entry in entries:
        runs += ((moment, entry) for moment in _coming(entry, states[entry.name], now, number, wrong))
    runs = sorted(runs, key=lambda run: (run[0], run[1].name))[:number]
    _tell(wrong)
    if as_json:
        write_json(
            [{"at": _written(app, moment), "entry": entry.name, "task": entry.task} for moment, entry in runs]
        )
        return 0
    for moment, entry in runs:
        click.echo(f"{_written(app, moment)}  in {spoken(moment - now):>8}  {entry.name}")
    if not runs:
        click.echo("Nothing will run: no entry is there that is enabled, not paused, and not over.")
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


def _schedule(invocation: Invocation) -> "tuple[Sedano, list[Entry], list[str]]":
    """The application, its entries, and what is wrong with those that cannot be read."""
    app = invocation.find_app()
    app.configure_schedule()
    entries, wrong = app.schedule_entries()
    return app, sorted(entries, key=lambda entry: entry.name), [str(error) for error in wrong]


def _tell(wrong: list[str]) -> None:
    for problem in wrong:
        click.echo(f"Error: {problem}", err=True)


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


def _coming(entry: "Entry", state: "EntryState", now: float, number: int, wrong: list[str]) -> list[float]:
    """The next runs of an entry; a schedule of the user's own that raises has none, and is a problem."""
    from sedano.beat.coming import coming_runs

    try:
        return list(islice(coming_runs(entry, state, now), number))
    except Exception as error:
        wrong.append(f"the entry {entry.name!r} of the schedule cannot be run: {error!r}")
        return []


def _written(app: "Sedano", moment: float | None) -> str | None:
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, app.timezone).isoformat(sep=" ", timespec="seconds")


def _document(
    app: "Sedano", entry: "Entry", state: "EntryState", now: float, wrong: list[str]
) -> dict[str, Any]:
    from sedano.beat.coming import is_overdue

    coming, overdue = _coming(entry, state, now, 1, wrong), False
    with contextlib.suppress(Exception):  # which has just been told
        overdue = is_overdue(entry, state, now)
    return {
        "name": entry.name,
        "task": entry.task,
        "schedule": entry.schedule.human_readable,
        "source": entry.source,
        "enabled": entry.enabled,
        "paused": state.paused,
        "overdue": overdue,
        "missed": entry.missed,
        "runs": state.runs,
        "last_run_at": _written(app, state.last_run_at),
        "next_run_at": _written(app, coming[0] if coming else None),
    }


def _draw(
    invocation: Invocation, shown: list[dict[str, Any]], states: "list[EntryState]", now: float
) -> None:
    from rich.table import Table

    table = Table("entry", "task", "when", "last run", "next run", "", box=None, padding=(0, 1))
    for one, state in zip(shown, states, strict=True):
        last = "-" if state.last_run_at is None else f"{spoken(max(0.0, now - state.last_run_at))} ago"
        is_said = {"paused": one["paused"], "disabled": not one["enabled"], "overdue": one["overdue"]}
        why = next((word for word, is_so in is_said.items() if is_so), "")
        table.add_row(one["name"], one["task"], one["schedule"], last, one["next_run_at"] or "-", why)
    console = invocation.console()
    console.print(table)
    if not shown:
        console.print("The schedule is empty. The setting beat_schedule fills it.")
