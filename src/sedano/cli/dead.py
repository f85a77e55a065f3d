"""``sedano dead``: look at dead letters, run them again, or throw them away."""

from typing import Any, Final

import click

from sedano.brokers.admin import BrokerAdmin, DeadLetter
from sedano.cli.command import SedanoCommand, option
from sedano.cli.invocation import Invocation, pass_invocation
from sedano.cli.json_output import write_json
from sedano.cli.user_error import UserError

#: With ``--all``, this many are taken at a time.
BATCH: Final = 500


@click.group(short_help="List, replay or discard dead letters.")
def dead() -> None:
    """Tasks that were given up: they crashed too often, or nobody could read them.

    \b
    sedano -A proj dead list
    sedano -A proj dead replay 17 18
    sedano -A proj dead discard --all
    """


@dead.command(name="list", cls=SedanoCommand)
@option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True)
@option("--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")
@pass_invocation
def list_letters(invocation: Invocation, /, limit: int, as_json: bool) -> int:
    """List the dead letters, the newest first, with the reason of each."""
    letters = invocation.find_app().broker.admin.dead_letters(limit=limit)
    if as_json:
        write_json([_document(letter) for letter in letters])
    elif letters:
        _draw(invocation, letters)
    else:
        click.echo("There are no dead letters.")
    return 0


@dead.command(cls=SedanoCommand)
@click.argument("keys", nargs=-1, type=int, metavar="[KEY]...")
@option("--all", "every", is_flag=True, help="All of them.")
@pass_invocation
def replay(invocation: Invocation, /, keys: tuple[int, ...], every: bool) -> int:
    """Publish dead letters anew, with their crashes forgotten. KEY is what `dead list` shows."""
    admin = invocation.find_app().broker.admin
    replayed = sum(admin.replay(batch) for batch in _batches(admin, keys, every))
    return _report("Replayed", replayed, keys)


@dead.command(cls=SedanoCommand)
@click.argument("keys", nargs=-1, type=int, metavar="[KEY]...")
@option("--all", "every", is_flag=True, help="All of them.")
@option("-f", "--force", is_flag=True, help="Do not ask.")
@pass_invocation
def discard(invocation: Invocation, /, keys: tuple[int, ...], every: bool, force: bool) -> int:
    """Delete dead letters for good. KEY is what `dead list` shows."""
    admin = invocation.find_app().broker.admin
    if every and not force:
        click.confirm("Delete all dead letters? There is no undo", abort=True)
    discarded = sum(admin.discard(batch) for batch in _batches(admin, keys, every))
    return _report("Discarded", discarded, keys)


def _batches(admin: BrokerAdmin, keys: tuple[int, ...], every: bool) -> Any:
    if bool(keys) == every:
        raise UserError(
            "Say which dead letters.", hint="Their keys (`sedano dead list` shows them), or --all."
        )
    if keys:
        yield keys
        return
    newest = None
    while letters := admin.dead_letters(limit=BATCH):
        # What is replayed may be buried again while we go on; what is newer than our start is not ours.
        newest = letters[0].key if newest is None else newest
        batch = [letter.key for letter in letters if letter.key <= newest]
        if not batch:
            return
        yield batch


def _report(done: str, count: int, keys: tuple[int, ...]) -> int:
    click.echo(f"{done} {count} dead letter{'s' if count != 1 else ''}.")
    missing = len(set(keys)) - count
    if missing > 0:
        raise UserError(
            f"{missing} of the keys named no dead letter.",
            hint="`sedano dead list` shows the keys.",
            exit_code=1,
        )
    return 0


def _document(letter: DeadLetter) -> dict[str, Any]:
    return {
        "key": letter.key,
        "task_id": letter.task_id,
        "task": letter.task,
        "queue": letter.queue,
        "reason": letter.reason,
        "crashes": letter.crashes,
        "buried_at": letter.buried_at,
    }


def _draw(invocation: Invocation, letters: list[DeadLetter]) -> None:
    from datetime import datetime

    from rich.table import Table
    from rich.text import Text

    table = Table("key", "task", "id", "queue", "buried", "crashes", "reason", box=None)
    for letter in letters:
        buried = datetime.fromtimestamp(letter.buried_at).astimezone()
        table.add_row(
            str(letter.key),
            Text(letter.task),
            Text(letter.task_id),
            Text(letter.queue),
            f"{buried:%Y-%m-%d %H:%M:%S}",
            str(letter.crashes),
            Text(letter.reason),
        )
    invocation.console().print(table)
