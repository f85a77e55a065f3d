"""One run of the command: its global options, and the way to the application.

Made by the group, handed to every command as click's ``ctx.obj``. Imports the application only when a command
asks for it.
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from sedano.app import Sedano


@dataclass(slots=True, kw_only=True)
class Invocation:
    """The options that stand before the command."""

    prog: str = "sedano"
    app_path: str | None = None
    broker_url: str | None = None
    result_backend: str | None = None
    config: str | None = None
    workdir: str | None = None
    no_color: bool = False
    quiet: bool = False
    skip_checks: bool = False

    def find_app(self, *, import_tasks: bool = False) -> "Sedano":
        """The application, with the settings given on the command line.

        Args:
            import_tasks: Import the modules that define tasks as well, so that its registry is full.
        """
        from sedano.cli.find_app import configured_from, find_app

        self.publish_environment()
        app = find_app(self.app_path)
        click.get_current_context().call_on_close(app.close)
        if self.config:
            configured_from(app, self.config)
        given = {"broker_url": self.broker_url, "result_backend": self.result_backend}
        app.conf.override({name: url for name, url in given.items() if url is not None})
        if import_tasks:
            from sedano.cli.find_app import import_tasks_of

            import_tasks_of(app)
        return app

    def publish_environment(self) -> None:
        """Set the variables by which Django's integration and a worker's processes learn of options."""
        if self.skip_checks:
            os.environ["CELERY_SKIP_CHECKS"] = "true"

    def note(self, text: str) -> None:
        """Something worth knowing that is no error: to stderr, unless ``--quiet``."""
        if not self.quiet:
            click.echo(f"Note: {text}", err=True)

    def console(self) -> "Console":
        """Where tables are drawn. Into a pipe they are not squeezed to a terminal's width."""
        from rich.console import Console

        console = Console(no_color=self.no_color or None, highlight=False, soft_wrap=False)
        if not console.is_terminal:
            console.width = 240
        return console


pass_invocation = click.make_pass_decorator(Invocation)
