"""What every command of ``sedano`` has in common: grouped options, and environment variables for them.

Used by all command modules through ``cls=SedanoCommand`` and ``@option``. Knows no command.
"""

import os
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from sedano.cli.invocation import Invocation

#: Celery's variables work where ours are not set, so that an existing deployment starts unchanged.
_PREFIX: Final = "SEDANO"
_CELERY_PREFIX: Final = "CELERY"

F = TypeVar("F", bound=Callable[..., Any])


def option(*names: str, heading: str = "Options", **attributes: Any) -> Callable[[F], F]:
    """``click.option`` with a heading for ``--help``; see ``SedanoOption``."""
    return click.option(*names, cls=SedanoOption, heading=heading, **attributes)


class SedanoOption(click.Option):
    """An option with a heading in ``--help``, which Celery's variable of the same name can give as well."""

    def __init__(
        self, *args: Any, heading: str = "Options", celery_variable: bool = True, **kwargs: Any
    ) -> None:
        self.heading = heading
        self._celery_variable = celery_variable
        super().__init__(*args, **kwargs)

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        value = super().resolve_envvar_value(ctx)
        prefix = ctx.auto_envvar_prefix
        if value is None and self._celery_variable and self.allow_from_autoenv and prefix and self.name:
            return os.environ.get(f"{prefix.replace(_PREFIX, _CELERY_PREFIX, 1)}_{self.name.upper()}") or None
        return value


class SedanoCommand(click.Command):
    """A command with grouped help that ends with the environment; it takes ``-A`` after its name, too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Everybody writes `sedano worker -A proj` some day. Celery 5 refuses it; there is no need to.
        self.params += [
            _late_global_option("-A", "--app", attribute="app_path"),
            _late_global_option("-b", "--broker", attribute="broker_url"),
        ]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        headings: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Argument):
                continue
            record = parameter.get_help_record(ctx)
            if record is not None:
                headings.setdefault(getattr(parameter, "heading", "Options"), []).append(record)
        for heading, records in headings.items():
            with formatter.section(heading):
                formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        example = self._example_variable(ctx)
        if example:
            with formatter.section("Environment"):
                formatter.write_text(
                    f"Every option can be a variable instead, such as {example}; "
                    "SEDANO_APP stands for -A. Options on the command line come first."
                )

    def _example_variable(self, ctx: click.Context) -> str | None:
        for parameter in self.params:
            if isinstance(parameter, SedanoOption) and not parameter.hidden and parameter.name:
                value = "1" if parameter.is_flag else "…"
                return f"{ctx.auto_envvar_prefix}_{parameter.name.upper()}={value}"
        return None


def _late_global_option(*names: str, attribute: str) -> click.Option:
    def take(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            setattr(ctx.ensure_object(Invocation), attribute, value)

    return click.Option(
        [*names, f"_late_{attribute}"],
        hidden=True,
        expose_value=False,
        allow_from_autoenv=False,
        is_eager=True,
        callback=take,
    )
