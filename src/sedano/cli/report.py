"""``sedano report``: what to paste into a bug report."""

import os
import platform
import sys
from typing import Final

import click

from sedano.cli.command import SedanoCommand
from sedano.cli.invocation import Invocation, pass_invocation
from sedano.cli.user_error import UserError, explain
from sedano.cli.version import version_of

#: The distributions whose version matters to us; those that are not installed are left out.
DISTRIBUTIONS: Final = (
    "sedano",
    "click",
    "msgspec",
    "psutil",
    "rich",
    "Django",
    "celery",
    "redis",
    "amqp",
    "psycopg",
    "PyYAML",
    "msgpack",
)


@click.command(cls=SedanoCommand, short_help="Versions, platform and settings, for bug reports.")
@pass_invocation
def report(invocation: Invocation) -> int:
    """Show versions, the platform and the settings, without passwords: for bug reports.

    \b
    sedano -A proj report
    """
    click.echo(_software())
    click.echo(_platform())
    click.echo()
    # A report on an application that cannot be found is worth having, too.
    try:
        click.echo(_application(invocation))
    except Exception as error:
        mistake = explain(error)
        if mistake is None:
            raise
        _explain_absence(mistake)
    return 0


def _software() -> str:
    installed = ((name, version_of(name)) for name in DISTRIBUTIONS)
    versions = " ".join(f"{name.lower()}:{version}" for name, version in installed if version)
    return f"software -> {versions}"


def _platform() -> str:
    import sqlite3

    implementation = f"{platform.python_implementation()} {platform.python_version()}"
    return (
        f"platform -> {platform.platform()} {platform.machine()}, {os.cpu_count()} CPUs, {implementation} "
        f"({sys.executable}), SQLite {sqlite3.sqlite_version}"
    )


def _application(invocation: Invocation) -> str:
    app = invocation.find_app()
    lines = [f"application -> {app.main or '(unnamed)'}", f"broker -> {app.broker.location}"]
    lines.append(f"results -> {app.results.location if app.results is not None else 'not stored'}")
    return "\n".join([*lines, "", "settings ->", app.conf.humanize(with_defaults=False, censored=True)])


def _explain_absence(mistake: UserError) -> None:
    click.echo(f"application -> {mistake.message}")
    if mistake.hint:
        click.echo(f"  Hint: {mistake.hint}")
