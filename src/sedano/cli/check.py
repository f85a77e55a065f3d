"""``sedano check``: are the settings right, can tasks be imported and entries run, do the servers answer?"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import click

from sedano.cli.command import SedanoCommand, option
from sedano.cli.invocation import Invocation, pass_invocation
from sedano.cli.json_output import write_json
from sedano.cli.user_error import CHECK_SETTINGS, explain
from sedano.errors import BrokerError, ConfigurationError, NotSupported, SedanoError
from sedano.results.replies import replies_of

if TYPE_CHECKING:
    from sedano.app import Sedano
    from sedano.brokers.admin import Remark
    from sedano.rate_limit import RateLimit

OK: Final = "ok"
NOTE: Final = "note"
WARNING: Final = "warning"
PROBLEM: Final = "problem"
_COLOURS: Final = {OK: "green", NOTE: "cyan", WARNING: "yellow", PROBLEM: "red"}

#: Asked for to see whether the result store answers; no task has this id.
_NOBODYS_ID: Final = "sedano-check"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer."""

    verdict: str
    about: str
    text: str
    hint: str = ""


@click.command(cls=SedanoCommand, short_help="Look for mistakes in settings, tasks, schedule and servers.")
@option("--tasks", "list_tasks", is_flag=True, help="List the registered tasks.")
@option("--strict", is_flag=True, help="Warnings count as problems.")
@option("--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")
@pass_invocation
def check(invocation: Invocation, /, list_tasks: bool, strict: bool, as_json: bool) -> int:
    """Look for mistakes: in the settings, the tasks' modules, the schedule, on the way to broker and results.

    Exit codes: 0 all is well, 1 there is a problem. Good before a deployment.

    \b
    sedano -A proj check
    sedano -A proj check --strict --json
    """
    app = invocation.find_app()
    findings = [*_settings(app), *_tasks(app)]
    can_be_used = all(finding.verdict != PROBLEM for finding in findings)
    findings += [*_broker(app), *_results(app)]
    if can_be_used:
        findings += _schedule(app)
    names = app.tasks.shown() if list_tasks else []
    if as_json:
        document: dict[str, object] = {"findings": [asdict(finding) for finding in findings]}
        write_json(document | ({"tasks": names} if list_tasks else {}))
    else:
        for finding in findings:
            _print(finding)
        for name in names:
            click.echo(f"         {name}{_shown_limit(app, name)}")
    bad = {PROBLEM, WARNING} if strict else {PROBLEM}
    return int(any(finding.verdict in bad for finding in findings))


def _settings(app: "Sedano") -> Iterator[Finding]:
    warnings: list[str] = []

    def read() -> str:
        warnings.extend(app.conf.warnings)
        return "every setting has a value that can be used"

    yield from _tried("settings", read)
    for warning in warnings:
        yield Finding(WARNING, "settings", warning)


def _tasks(app: "Sedano") -> Iterator[Finding]:
    def count() -> str:
        from sedano.cli.find_app import import_tasks_of

        import_tasks_of(app)
        names = app.tasks.shown()
        limited = sum(_limit(app, name) is not None for name in names)
        return f"{len(names)} registered" + (f", {limited} with a rate limit" if limited else "")

    yield from _tried("tasks", count)


def _limit(app: "Sedano", name: str) -> "RateLimit | None":
    from sedano.tasks.rate_limits import rate_limit_of

    return rate_limit_of(app.tasks[name])


def _shown_limit(app: "Sedano", name: str) -> str:
    try:
        limit = _limit(app, name)
    except ConfigurationError:
        return ""  # told above
    return "" if limit is None else f"  at most {limit}"


def _broker(app: "Sedano") -> Iterator[Finding]:
    remarks: list[Remark] = []

    def ask() -> str:
        admin = app.broker.admin
        nodes = len(admin.nodes())
        remarks.extend(admin.remarks())
        return f"{app.broker.location} answers; {nodes} worker{'s' if nodes != 1 else ''} running"

    yield from _tried("broker", ask)
    for remark in remarks:
        yield Finding(NOTE if remark.is_note else WARNING, "broker", remark.text, remark.hint)


def _results(app: "Sedano") -> Iterator[Finding]:
    def ask() -> str:
        store = app.results
        if store is None:
            return "not stored"
        if (replies := replies_of(store)) is not None:
            replies.listen()
        store.get(_NOBODYS_ID)
        return f"{store.location} answers"

    yield from _tried("results", ask)


def _schedule(app: "Sedano") -> Iterator[Finding]:
    from sedano.beat.missed import next_moment

    app.configure_schedule()
    refusal = ""
    try:
        entries, wrong = app.schedule_entries()
    except (BrokerError, ConfigurationError) as error:
        # That a server does not answer has been told.
        refusal = str(error) if isinstance(error, NotSupported) else ""
        entries, wrong = app.schedule_entries(stored=False)
    problems = [str(error) for error in wrong]
    for entry in entries:
        try:
            app.check_entry(entry)
            next_moment(entry.schedule, app.clock.timestamp())
        except SedanoError as error:
            problems.append(f"the entry {entry.name!r} of the schedule cannot be run: {error}")
        except Exception as error:  # a schedule of the user's own
            problems.append(f"the entry {entry.name!r} of the schedule cannot be run: {error!r}")
    if refusal:
        yield Finding(PROBLEM if entries or wrong else NOTE, "schedule", refusal)
    for problem in problems:
        yield Finding(PROBLEM, "schedule", problem)
    if not refusal and not problems:
        yield Finding(OK, "schedule", f"{len(entries)} entr{'ies' if len(entries) != 1 else 'y'}")


def _tried(about: str, attempt: Callable[[], str]) -> Iterator[Finding]:
    try:
        yield Finding(OK, about, attempt())
    except Exception as error:
        mistake = explain(error)
        if mistake is None:
            raise
        yield Finding(PROBLEM, about, mistake.message, mistake.hint if mistake.hint != CHECK_SETTINGS else "")


def _print(finding: Finding) -> None:
    verdict = click.style(f"{finding.verdict:>7}", fg=_COLOURS[finding.verdict])
    first, *rest = finding.text.splitlines() or [""]
    click.echo(f"{verdict}  {finding.about}: {first}")
    for line in rest:
        click.echo(f"         {line}")
    if finding.hint:
        click.echo(f"         Hint: {finding.hint}")
