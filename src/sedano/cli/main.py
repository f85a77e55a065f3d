"""The entry of the command line: runs a command and turns a user's mistake into two lines.

Called by the script ``sedano``, by ``python -m sedano`` and by Django's ``manage.py sedano``. Never decides
anything about tasks; ``--version`` is answered before anything heavy is imported.
"""

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sedano.cli.user_error import UserError, explain
from sedano.errors import ApplicationNotFound

if TYPE_CHECKING:
    import click


def main(argv: Sequence[str] | None = None, *, prog: str = "sedano") -> int | None:
    """Run one command and return the exit code; None stands for 0.

    Args:
        argv: The arguments without the program's name; those of this process when None.
        prog: What the user typed to get here, for the help texts.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:
        from sedano.cli.version import version_line

        sys.stdout.write(version_line() + "\n")
        return 0
    try:
        return _run(arguments, prog)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _reader_has_gone()


def _run(arguments: list[str], prog: str) -> int | None:
    import click

    from sedano.cli.commands import sedano

    try:
        code = sedano.main(args=arguments, prog_name=prog, standalone_mode=False)
    except click.Abort:
        sys.stderr.write("\nStopped.\n")
        return 130
    except click.ClickException as error:
        return _tell(_from_click(error, prog))
    except Exception as error:
        mistake = explain(error)
        if mistake is None:
            raise
        if os.environ.get("SEDANO_TRACEBACK") and not isinstance(error, ApplicationNotFound):
            traceback.print_exception(error)
        return _tell(mistake)
    return code if isinstance(code, int) else None


def _from_click(error: "click.ClickException", prog: str) -> UserError:
    """click's own complaint (a wrong option, a missing argument) in our form."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else prog
    return UserError(error.format_message(), hint=f"`{path} --help` explains its options.")


def _tell(mistake: UserError) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"Error: {mistake.message}\n")
    if mistake.hint:
        sys.stderr.write(f"Hint: {mistake.hint}\n")
    return mistake.exit_code


def _reader_has_gone() -> int:
    # `sedano status | head` closes our output early. Whatever is still buffered would make the interpreter
    # complain at its end, so the output is pointed at nothing.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141
