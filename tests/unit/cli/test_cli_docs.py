"""``docs/cli.md`` and the commands say the same."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from sedano.cli.commands import CELERY_COMMANDS, sedano

PAGE: Final = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")

#: What stands between backquotes, and in the examples.
CODE: Final = " ".join(re.findall(r"`+([^`]+)`+", PAGE))
WORDS: Final = set(re.findall(r"[\w-]+", CODE))

#: That of every command, and one of Celery's that is hidden.
ALWAYS: Final = {"--help", "--loader"}


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    yield " ".join(path), group
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


def options(command: click.Command) -> set[str]:
    found = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    return {name for option in found for name in (*option.opts, *option.secondary_opts)}


def test_every_command_is_on_the_page() -> None:
    names = {name for path, _ in commands(sedano) for name in path.split()}

    assert names - WORDS == set()


def test_every_option_is_on_the_page() -> None:
    missing = {(path, name) for path, one in commands(sedano) for name in options(one) if name not in WORDS}

    assert missing == set()


def test_every_option_on_the_page_is_there() -> None:
    known = {name for _, one in commands(sedano) for name in options(one)} | ALWAYS

    assert {name for name in WORDS if name.startswith("--")} - known == set()


def test_celerys_other_commands_are_on_the_page() -> None:
    assert set(CELERY_COMMANDS) - WORDS == set()
