"""``sedano call``: publish one task by name."""

from typing import TYPE_CHECKING, Any

import click

from sedano.cli.command import SedanoCommand, option
from sedano.cli.invocation import Invocation, pass_invocation
from sedano.cli.json_option import json_array, json_object
from sedano.cli.json_output import write_json
from sedano.cli.moment_option import moment, moment_or_seconds
from sedano.cli.user_error import UserError
from sedano.errors import TaskNotRegistered

if TYPE_CHECKING:
    from sedano.app import Sedano


@click.command(cls=SedanoCommand, short_help="Publish a task by name.")
@click.argument("name")
@option(
    "-a",
    "--args",
    "args",
    callback=json_array,
    metavar="JSON",
    heading="Call",
    help="The positional arguments, a JSON array.",
)
@option(
    "-k",
    "--kwargs",
    "kwargs",
    callback=json_object,
    metavar="JSON",
    heading="Call",
    help="The keyword arguments, a JSON object.",
)
@option("--countdown", type=float, metavar="SECONDS", heading="Call", help="Run it so many seconds from now.")
@option(
    "--eta",
    callback=moment,
    metavar="TIME",
    heading="Call",
    help="Run it at this moment (ISO 8601: 2030-01-31T08:00:00+00:00).",
)
@option(
    "--expires",
    callback=moment_or_seconds,
    metavar="TIME",
    heading="Call",
    help="Do not run it after this moment, or after so many seconds from now.",
)
@option("--serializer", metavar="NAME", heading="Call", help="json, or another one that is enabled.")
@option("--task-id", metavar="ID", heading="Call", help="Its id, instead of a new one.")
@option(
    "--unregistered",
    is_flag=True,
    heading="Call",
    help="Send it although this application has no task of that name (a worker elsewhere does).",
)
@option("--queue", metavar="NAME", heading="Routing", help="The queue, instead of the one of its route.")
@option("--priority", type=int, metavar="N", heading="Routing", help="Higher is sooner; on Redis, lower.")
@option("--exchange", metavar="NAME", heading="Routing", help="RabbitMQ: the exchange it goes to.")
@option("--routing-key", metavar="KEY", heading="Routing", help="RabbitMQ: what the exchange goes by.")
@option("--wait", is_flag=True, heading="Result", help="Wait for the result and print it.")
@option(
    "--timeout",
    type=float,
    default=None,
    metavar="SECONDS",
    heading="Result",
    help="With --wait: wait no longer than this.",
)
@option("--json", "as_json", is_flag=True, heading="Result", help="Answer in JSON, for scripts.")
@pass_invocation
def call(
    invocation: Invocation,
    /,
    name: str,
    args: list[Any],
    kwargs: dict[str, Any],
    unregistered: bool,
    wait: bool,
    timeout: float | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Publish the task NAME, and print its id.

    The arguments are checked against the task's signature before anything is sent.

    \b
    sedano -A proj call proj.tasks.add -a '[1, 2]'
    sedano -A proj call proj.tasks.send_mail -k '{"user_id": 42}' --countdown 60
    sedano -A proj call proj.tasks.add -a '[1, 2]' --wait
    """
    if options["eta"] is not None and options["countdown"] is not None:
        raise UserError("--eta and --countdown both say when.", hint="Give one of them.")
    app = invocation.find_app(import_tasks=not unregistered)
    given = {name: value for name, value in options.items() if value is not None}
    result = _publish(app, name, args, kwargs, unregistered, given)
    if wait:
        from sedano.cli.result import show_result, wait_for

        if not as_json:
            invocation.note(f"{name} has the id {result.id}; waiting for its result.")
        wait_for(result, timeout)
        return show_result(result, as_json=as_json)
    if as_json:
        write_json({"id": result.id, "task": name})
    else:
        click.echo(result.id)
    return 0


def _publish(
    app: "Sedano",
    name: str,
    args: list[Any],
    kwargs: dict[str, Any],
    unregistered: bool,
    options: dict[str, Any],
) -> Any:
    if unregistered:
        return app.send_task(name, args, kwargs, **options)
    if name not in app.tasks:
        raise UserError(
            str(TaskNotRegistered(name, list(app.tasks))),
            hint="`sedano check --tasks` lists the tasks; --unregistered sends it to a worker that knows it.",
        )
    return app.tasks[name].apply_async(args, kwargs, **options)
