"""``sedano worker``: start a node.

Turns options into ``NodeOptions`` and hands them to ``worker.node``. Never imports the application: the
node's zygote does, so that this process stays small and free of user code.
"""

import os
from typing import Any, Final

import click

from sedano.cli.celery_flag import WORKER_FLAGS, celery_flags
from sedano.cli.command import SedanoCommand, option
from sedano.cli.invocation import Invocation, pass_invocation
from sedano.cli.names_option import names, names_if_any
from sedano.cli.setting_overrides import setting_overrides
from sedano.cli.user_error import UserError
from sedano.errors import NotSupported
from sedano.settings.pools import read_pools, written

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "FATAL")


def _pool(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        return written(read_pools(value))
    except NotSupported as error:
        raise UserError(
            f"--pool: {error}.",
            hint="The pools are prefork, threads, asyncio, solo, or a mixture: -P prefork=2,threads=200.",
        ) from error


def _concurrency(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    """A number; ``auto`` for the usable CPUs; 0, as in Celery, for what the settings say."""
    if value is None:
        return None
    if value.strip().lower() == "auto":
        return usable_cpus()
    if not value.isdecimal():
        raise UserError(
            f"--concurrency: expected a number or 'auto', got {value!r}.", hint="-c 4 runs 4 tasks at once."
        )
    return int(value) or None


def usable_cpus() -> int:
    """The CPUs that this process may run on, which are fewer than the machine's in many containers."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def _umask(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    try:
        os.umask(int(value, 8))
    except ValueError as error:
        raise UserError(f"--umask: expected an octal number, got {value!r}.", hint="--umask 027") from error


@click.command(
    cls=SedanoCommand,
    short_help="Start a worker.",
    epilog="""\b
Settings:
  What follows the options are settings, by their names:
    sedano -A proj worker task_track_started=1 worker_lease=5

\b
Signals:
  TERM, INT  Take no more, return what has not started, let running tasks finish
             (25 s: worker_soft_shutdown_timeout), then end.
  INT again, QUIT  End at once; what was running is run again by another worker.""",
)
@option(
    "-n",
    "--hostname",
    "--name",
    "hostname",
    metavar="NAME",
    heading="Worker",
    help="Its name, such as w1@%h; %h host, %n host without domain, %d domain.",
)
@option(
    "-l",
    "--loglevel",
    type=click.Choice(LEVELS, case_sensitive=False),
    default="WARNING",
    show_default=True,
    metavar="LEVEL",
    heading="Worker",
    help="DEBUG, INFO, WARNING, ERROR or CRITICAL.",
)
@option("-f", "--logfile", metavar="FILE", heading="Worker", help="Log to this file instead of stderr.")
@option("--pidfile", metavar="FILE", heading="Worker", help="Write the process id to this file.")
@option(
    "--umask",
    metavar="OCTAL",
    heading="Worker",
    expose_value=False,
    callback=_umask,
    help="Permissions that new files do not get.",
)
@option(
    "--reload",
    is_flag=True,
    heading="Worker",
    help="Start anew when the application's code changes (for development).",
)
@option(
    "-B",
    "--beat",
    "beat",
    is_flag=True,
    heading="Worker",
    help="Run a scheduler beside it. Any number of workers may.",
)
@option(
    "-c",
    "--concurrency",
    metavar="N|auto",
    callback=_concurrency,
    heading="Processes",
    help="How many tasks run at once; the default is one for each usable CPU (for asyncio, "
    "worker_async_concurrency).",
)
@option(
    "-P",
    "--pool",
    metavar="POOL",
    callback=_pool,
    heading="Processes",
    help="prefork: a process for each task at once. threads: a thread. asyncio: `async def` tasks in one "
    "process. Mixed: prefork=2,threads=200. solo: everything in one process, for debugging.",
)
@option(
    "--max-tasks-per-child",
    type=click.IntRange(min=1),
    metavar="N",
    heading="Processes",
    help="Replace a process after so many tasks.",
)
@option(
    "--max-memory-per-child",
    type=click.IntRange(min=1),
    metavar="KIB",
    heading="Processes",
    help="Replace a process, between two tasks, when it holds more memory than that.",
)
@option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    heading="Processes",
    help="Kill a task that runs longer.",
)
@option(
    "--soft-time-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    heading="Processes",
    help="Raise SoftTimeLimitExceeded in a task that runs longer.",
)
@option(
    "-Q",
    "--queues",
    callback=names,
    metavar="A,B",
    heading="Queues",
    help="Consume only these queues; otherwise those of the settings.",
)
@option(
    "-X",
    "--exclude-queues",
    callback=names_if_any,
    metavar="A,B",
    heading="Queues",
    help="Consume the queues of the settings without these.",
)
@option(
    "-I",
    "--include",
    callback=names_if_any,
    metavar="A,B",
    heading="Queues",
    help="Import these modules, too: they define tasks.",
)
@option(
    "--purge",
    "--discard",
    "purge",
    is_flag=True,
    heading="Queues",
    help="First delete everything that waits in its queues. There is no undo.",
)
@celery_flags(WORKER_FLAGS)
@click.argument("settings", nargs=-1, metavar="[SETTING=VALUE]...")
@pass_invocation
def worker(invocation: Invocation, /, settings: tuple[str, ...], **options: Any) -> int:
    """Start a worker: it takes tasks from the queues and runs them.

    \b
    sedano -A proj worker -l INFO               a process for each CPU
    sedano -A proj worker -c 2 -Q mail,reports  two processes, two queues
    sedano -A proj worker -P threads -c 200     for tasks that wait for the network
    sedano -A proj worker --reload              for development
    """
    if None not in (hard := options["time_limit"], soft := options["soft_time_limit"]) and soft > hard:
        raise UserError(
            f"--soft-time-limit {soft:g} is longer than --time-limit {hard:g}.",
            hint="The soft limit lets a task clean up before the hard one kills it.",
        )
    overrides = setting_overrides(settings)
    if invocation.no_color:
        overrides.setdefault("worker_log_color", "false")
    if invocation.config:
        # The application is imported by another process: find_app reads this there.
        os.environ["SEDANO_CONFIG_MODULE"] = invocation.config
    invocation.publish_environment()
    return _run(invocation, overrides, options)


def _run(invocation: Invocation, overrides: dict[str, str], options: dict[str, Any]) -> int:
    from sedano.cli.planning import load
    from sedano.worker.options import NodeOptions
    from sedano.worker.running import run_node

    return run_node(
        NodeOptions(
            name=options.pop("hostname"),
            app=invocation.app_path,
            broker_url=invocation.broker_url,
            result_backend=invocation.result_backend,
            overrides=overrides,
            workdir=invocation.workdir,
            skip_checks=invocation.skip_checks,
            **options,
        ),
        load=load,
    )
