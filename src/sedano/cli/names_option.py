"""Options that take a list of names: ``-Q mail,reports``. Their callbacks."""

import click

from sedano.cli.user_error import UserError


def names(_ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Names separated by commas, without blanks and repetitions; None if the option was not given."""
    if value is None:
        return None
    found = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    if not found:
        option = max(parameter.opts, key=len)
        raise UserError(f"{option}: {value!r} holds no name.", hint=f"For example: {option} mail,reports")
    return found


def names_if_any(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """As ``names``; no names if the option was not given."""
    return names(ctx, parameter, value) or ()
