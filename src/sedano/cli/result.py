"""``sedano result``: what became of one task."""

from typing import Any

import click

from sedano.cli.command import SedanoCommand, option
from sedano.cli.invocation import Invocation, pass_invocation
from sedano.cli.json_output import write_json
from sedano.cli.user_error import EXIT_FAILED, EXIT_TRY_AGAIN, UserError
from sedano.results.replies import replies_of


@click.command(cls=SedanoCommand, short_help="Print the result of a task.")
@click.argument("task_id")
@option("--traceback", "with_traceback", is_flag=True, help="Show the traceback instead.")
@option("--wait", is_flag=True, help="Wait until there is a result.")
@option("--timeout", type=float, metavar="SECONDS", help="With --wait: no longer than this.")
@option("--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")
@option("-t", "--task", hidden=True, expose_value=False)
@pass_invocation
def result(
    invocation: Invocation,
    /,
    task_id: str,
    with_traceback: bool,
    wait: bool,
    timeout: float | None,
    as_json: bool,
) -> int:
    """Print the return value of the task TASK_ID.

    Exit codes: 0 it succeeded, 1 it failed or was revoked, 75 there is no result (yet).

    \b
    sedano -A proj result 9f0c5a4e-…
    sedano -A proj result 9f0c5a4e-… --wait --timeout 30
    """
    app = invocation.find_app()
    if app.results is None:
        raise UserError(
            "This application stores no results.",
            hint="Set result_backend, such as sqlite:///results.db; `sedano check` shows what is in use.",
        )
    if replies_of(app.results) is not None:
        raise UserError(
            "Results go to the process that called (rpc://), and nobody else can read them.",
            hint="`sedano call --wait` calls and waits; or keep results: result_backend = redis://...",
        )
    found = app.AsyncResult(task_id)
    if wait:
        wait_for(found, timeout)
    if with_traceback and not as_json:
        click.echo(found.traceback or f"{found.state}: there is no traceback.")
        return exit_code_of(found)
    return show_result(found, as_json=as_json)


def wait_for(result: Any, timeout: float | None) -> None:
    """Wait until a task is done, whether it succeeds or not."""
    result.get(timeout=timeout, propagate=False)


def show_result(result: Any, *, as_json: bool) -> int:
    """Print a result, and return the exit code that tells of it."""
    state, value = result.state, result.result
    if as_json:
        failed = isinstance(value, BaseException)
        write_json(
            {
                "id": result.id,
                "state": state,
                "result": None if failed else value,
                "error": f"{type(value).__name__}: {value}" if failed else None,
                "traceback": result.traceback,
            }
        )
    elif state == "SUCCESS":
        click.echo(value if isinstance(value, str) else repr(value))
    elif isinstance(value, BaseException):
        click.echo(f"{state}: {type(value).__name__}: {value}", err=True)
        if result.traceback:
            click.echo("Hint: --traceback shows where.", err=True)
    else:
        click.echo(_unfinished(state, value), err=True)
    return exit_code_of(result)


def _unfinished(state: str, value: object) -> str:
    if state == "PENDING":
        return "PENDING: no result yet, or no such task. --wait waits for it."
    return state if value is None else f"{state}: {value!r}"


def exit_code_of(result: Any) -> int:
    """The exit code that tells of a task's state."""
    if result.successful():
        return 0
    return EXIT_FAILED if result.ready() else EXIT_TRY_AGAIN
