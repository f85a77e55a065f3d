"""Options that take JSON, with errors that show where it goes wrong. Their callbacks."""

import json
from typing import Any, Final

import click

from sedano.cli.user_error import UserError

#: How much of a text that is wrong is shown on either side of the mistake.
_SHOWN: Final = 20

_KINDS: Final[dict[type, str]] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a truth value",
    type(None): "null",
}


def json_array(_ctx: click.Context, parameter: click.Parameter, value: str | None) -> list[Any]:
    """The array; an empty one if the option was not given."""
    parsed = _parsed(parameter, value, list, """-a '[1, "two"]'""") if value is not None else []
    assert isinstance(parsed, list)
    return parsed


def json_object(_ctx: click.Context, parameter: click.Parameter, value: str | None) -> dict[str, Any]:
    """The object; an empty one if the option was not given."""
    parsed = _parsed(parameter, value, dict, """-k '{"user_id": 42}'""") if value is not None else {}
    assert isinstance(parsed, dict)
    return parsed


def _parsed(parameter: click.Parameter, text: str, kind: type, example: str) -> object:
    option = max(parameter.opts, key=len)
    hint = f"For example {example}: double quotes inside, single quotes outside."
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{option} is not JSON: {_located(text, error)}.", hint=hint) from error
    if not isinstance(parsed, kind):
        raise UserError(f"{option} takes {_KINDS[kind]}, not {_KINDS[type(parsed)]}.", hint=hint)
    return parsed


def _located(text: str, error: json.JSONDecodeError) -> str:
    """What is wrong and where: ``expecting value at character 5, where it ends after '[1, '``."""
    before = text[max(0, error.pos - _SHOWN) : error.pos]
    after = text[error.pos : error.pos + _SHOWN]
    what = error.msg[0].lower() + error.msg[1:]
    place = f"at {after!r}" if after else "where it ends"
    return f"{what} at character {error.pos + 1}, {place}" + (f" after {before!r}" if before else "")
