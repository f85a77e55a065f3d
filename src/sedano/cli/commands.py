"""The command ``sedano`` itself: its global options, and the list of its commands.

Called by ``main``. The commands import what they need when they run, so that ``--help`` stays quick.
"""

import os
from pathlib import Path
from typing import Any, Final

import click

from sedano.cli.beat import beat
from sedano.cli.call import call
from sedano.cli.check import check
from sedano.cli.command import option
from sedano.cli.dead import dead
from sedano.cli.invocation import Invocation
from sedano.cli.purge import purge
from sedano.cli.report import report
from sedano.cli.result import result
from sedano.cli.schedule import schedule
from sedano.cli.status import status
from sedano.cli.user_error import UserError
from sedano.cli.version import version_line
from sedano.cli.worker import worker
from sedano.errors import did_you_mean

#: Celery's commands that this version does not have, and what there is instead.
CELERY_COMMANDS: Final = {
    "amqp": "`sedano status` and `sedano purge` look at queues.",
    "control": "Signals steer a worker: TERM ends it gently, QUIT at once.",
    "events": "`sedano status` shows workers and queues.",
    "graph": "`sedano status` shows workers and queues.",
    "inspect": "`sedano status` shows workers and queues.",
    "list": "`sedano status` shows the queues.",
    "logtool": "The worker's log lines are Celery's, so that its own logtool reads them.",
    "migrate": "Let a worker empty the old queue while producers publish to the new one.",
    "multi": "Let systemd or a container runtime start one `sedano worker` each.",
    "shell": "`python -i -c 'from proj import app'` has the application at hand.",
    "upgrade": "Celery's old and new setting names both work; `sedano check` lists what to change.",
}


class SedanoGroup(click.Group):
    """The group, which knows Celery's commands and the one you may have meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in self.commands or name.startswith("-"):
            return super().resolve_command(ctx, args)
        if name in CELERY_COMMANDS:
            raise UserError(f"This version of Sedano has no command {name!r}.", hint=CELERY_COMMANDS[name])
        raise UserError(
            f"There is no command {name!r}.{did_you_mean(name, self.commands)}",
            hint=f"`{ctx.command_path} --help` lists the commands.",
        )


def _show_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        click.echo(version_line())
        ctx.exit()


@click.group(
    cls=SedanoGroup,
    invoke_without_command=True,
    context_settings={"auto_envvar_prefix": "SEDANO", "help_option_names": ["-h", "--help"]},
    epilog="""\b
Environment:
  SEDANO_APP         Stands for -A (CELERY_APP works too).
  SEDANO_BROKER_URL, SEDANO_RESULT_BACKEND
                     Come before the settings (so do Celery's names).
  SEDANO_TRACEBACK=1 Shows the whole traceback of an error in your code.
  Any option of a command: SEDANO_WORKER_CONCURRENCY=4, SEDANO_CALL_QUEUE=mail.

\b
`sedano COMMAND --help` explains a command.""",
)
@option(
    "-A",
    "--app",
    "app",
    metavar="APP",
    help="The application: a module (proj), or a name in one (proj.celery:app).",
)
@option("-b", "--broker", "broker_url", metavar="URL", help="Instead of broker_url.")
@option("--result-backend", "result_backend", metavar="URL", help="Instead of result_backend.")
@option("--workdir", metavar="DIR", help="Go to this directory first.")
@option(
    "--config",
    "config_module",
    celery_variable=False,
    metavar="MODULE",
    help="Read the settings from this module.",
)
@option("--loader", hidden=True)
@option("-C", "--no-color", is_flag=True, help="No colours. NO_COLOR=1 does it too.")
@option("-q", "--quiet", is_flag=True, help="Less talk: no notes.")
@option("--skip-checks", is_flag=True, help="Skip Django's system checks.")
@option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
@click.pass_context
def sedano(
    ctx: click.Context,
    /,
    app: str | None,
    broker_url: str | None,
    result_backend: str | None,
    workdir: str | None,
    config_module: str | None,
    loader: str | None,
    **switches: Any,
) -> None:
    """Run and look after background tasks.

    \b
    sedano -A proj worker -l INFO              start a worker
    sedano -A proj call proj.tasks.add -a '[1, 2]'
    sedano -A proj status                      workers, queues, dead letters
    sedano -A proj check                       are settings and broker right?
    """
    if loader is not None:
        raise UserError(
            "--loader: Sedano has no loaders.",
            hint="--config MODULE reads settings from a module; app.config_from_object() does it in code.",
        )
    if workdir is not None:
        _go_to(workdir)
    if switches["no_color"]:
        os.environ["NO_COLOR"] = "1"
        ctx.color = False
    ctx.obj = Invocation(
        prog=ctx.info_name or "sedano",
        app_path=app,
        broker_url=broker_url,
        result_backend=result_backend,
        config=config_module,
        # Absolute: we are there already, and a worker's processes go there once more.
        workdir=str(Path.cwd()) if workdir is not None else None,
        **switches,
    )
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _go_to(workdir: str) -> None:
    try:
        os.chdir(workdir)
    except OSError as error:
        raise UserError(
            f"--workdir {workdir}: {error.strerror}.", hint=f"The current directory is {Path.cwd()}."
        ) from error


for _command in (worker, beat, schedule, call, result, status, purge, dead, check, report):
    sedano.add_command(_command)
