"""Options that take a moment: ISO 8601, or seconds from now where that makes sense. Their callbacks."""

from datetime import datetime
from typing import Final

import click

from sedano.cli.user_error import UserError

_EXAMPLE: Final = "2030-01-31T08:00:00+00:00"


def moment(_ctx: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """A moment; None if the option was not given."""
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        option = max(parameter.opts, key=len)
        raise UserError(
            f"{option}: {value!r} is no moment in ISO 8601.", hint=f"For example: {option} {_EXAMPLE}"
        ) from error


def moment_or_seconds(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> datetime | float | None:
    """A moment, or a number of seconds from now; None if the option was not given."""
    try:
        return float(value or "")
    except ValueError:
        return moment(ctx, parameter, value)
