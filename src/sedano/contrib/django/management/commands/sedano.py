"""``manage.py sedano ...``: the command ``sedano`` within the Django project, without ``-A``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from sedano.cli.main import main

#: What Django itself makes of a command's arguments before it calls the command.
DJANGOS_OPTIONS: Final = ("--settings", "--pythonpath")


class Command(BaseCommand):  # type: ignore[misc]
    """Hands its arguments on to the command line of Sedano."""

    help = "Runs sedano's commands for this project: manage.py sedano worker, status, purge, check ..."
    requires_system_checks: Sequence[str] = ()

    def run_from_argv(self, argv: list[str]) -> None:
        """Called by ``manage.py``. Django's own parser would refuse options that it does not know."""
        sys.exit(self._run(_without_djangos_options(argv[2:])))

    def print_help(self, prog_name: str, subcommand: str) -> None:
        """Called by ``manage.py help sedano``."""
        self._run(["--help"])

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """For ``call_command("sedano", "purge", "--force")``."""
        parser.add_argument("arguments", nargs=argparse.REMAINDER)

    def handle(self, *args: Any, **options: Any) -> None:
        """Called by ``call_command``."""
        code = self._run(options["arguments"])
        if code:
            raise CommandError(f"sedano ended with exit code {code}", returncode=code)

    def _run(self, arguments: list[str]) -> int:
        if "worker" in arguments and not {"--skip-checks", "--help"}.intersection(arguments):
            self.check()
            # The process that imports the application need not check again.
            os.environ["CELERY_SKIP_CHECKS"] = "true"
        _let_children_find_the_project()
        return main(arguments, prog="manage.py sedano") or 0


def _without_djangos_options(arguments: list[str]) -> list[str]:
    kept: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument in DJANGOS_OPTIONS:
            next(remaining, None)
        elif not argument.startswith(tuple(f"{option}=" for option in DJANGOS_OPTIONS)):
            kept.append(argument)
    return kept


def _let_children_find_the_project() -> None:
    """A worker's processes do not start through ``manage.py``, which puts its directory on the path."""
    program = Path(sys.argv[0]).resolve()
    # `python -m django` puts the working directory on the path, and not that of Django's own program.
    project = str(Path.cwd() if program.name == "__main__.py" else program.parent)
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if project not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [project, *paths]))
