"""``sedano beat``: a scheduler.

Imports the application, and starts what its schedule says until it is told to stop. Any number may run.
"""

import signal
import sys
from typing import TYPE_CHECKING, Final

import click

from sedano import signals
from sedano.cli.celery_flag import BEAT_FLAGS, celery_flags
from sedano.cli.command import SedanoCommand, option
from sedano.cli.invocation import Invocation, pass_invocation
from sedano.cli.worker import LEVELS
from sedano.errors import BrokerError

if TYPE_CHECKING:
    from sedano.app import Sedano
    from sedano.beat.entry import Entry

#: Entries that are listed at the start.
MOST_LISTED: Final = 50


@click.command(
    cls=SedanoCommand,
    short_help="Start what the schedule says, when it says so.",
    epilog="""\b
Any number of schedulers may run, on any machines: each run of an entry is started by one of
them, and when one dies the others go on. `sedano worker -B` runs one beside a worker.

\b
Signals:
  TERM, INT  End.""",
)
@option(
    "-l",
    "--loglevel",
    type=click.Choice(LEVELS, case_sensitive=False),
    default="WARNING",
    show_default=True,
    metavar="LEVEL",
    help="DEBUG, INFO, WARNING, ERROR or CRITICAL. INFO has a line for each run.",
)
@option("-f", "--logfile", metavar="FILE", help="Log to this file instead of stderr.")
@option("--pidfile", metavar="FILE", help="Write the process id to this file.")
@option(
    "--max-interval",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Look at the schedule this often at least, instead of as beat_max_loop_interval says.",
)
@celery_flags(BEAT_FLAGS)
@pass_invocation
def beat(
    invocation: Invocation,
    /,
    loglevel: str,
    logfile: str | None,
    pidfile: str | None,
    max_interval: float | None,
) -> int:
    """Start tasks when the schedule says so.

    \b
    sedano -A proj beat -l INFO
    sedano -A proj schedule list     what is in the schedule, and when it runs next
    """
    from sedano.cli.app_logging import set_up_app_logging
    from sedano.worker.pidfile import pidfile as written_pidfile

    app = invocation.find_app()
    set_up_app_logging(app.settings.worker, loglevel, logfile=logfile)
    with written_pidfile(pidfile):
        scheduler = app.scheduler(longest_pause=max_interval)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: scheduler.stop())
        sys.stderr.write(_banner(app, _entries_of(app)))
        signals.beat_init.send(sender=scheduler)
        scheduler.run()
    return 0


def _entries_of(app: "Sedano") -> list["Entry"]:
    try:
        return app.schedule_entries()[0]
    except BrokerError:  # the scheduler will say so, and wait for it
        return app.schedule_entries(stored=False)[0]


def _banner(app: "Sedano", entries: list["Entry"]) -> str:
    shown = sorted(entries, key=lambda entry: entry.name)[:MOST_LISTED]
    more = len(entries) - len(shown)
    lines = [
        "sedano beat",
        f"  app      {app.main}",
        f"  broker   {app.broker.name} {app.broker.location}",
        f"  zone     {app.timezone}",
        f"  entries  {len(entries)}" + (":" if entries else ""),
        *(f"             {entry.name}: {entry.schedule.human_readable}" for entry in shown),
        *([f"             and {more} more"] if more else []),
    ]
    return "\n".join(lines) + "\n"
