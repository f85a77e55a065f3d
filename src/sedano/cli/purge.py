"""``sedano purge``: delete what waits in queues."""

import click

from sedano.brokers.admin import QueueDepth
from sedano.cli.command import SedanoCommand, option
from sedano.cli.invocation import Invocation, pass_invocation
from sedano.cli.names_option import names, names_if_any
from sedano.cli.queue_names import configured_queues


@click.command(cls=SedanoCommand, short_help="Delete what waits in queues.")
@option("-f", "--force", is_flag=True, help="Do not ask.")
@option("-Q", "--queues", callback=names, metavar="A,B", help="These queues.")
@option(
    "-X",
    "--exclude-queues",
    "excluded",
    callback=names_if_any,
    metavar="A,B",
    help="The queues of the settings without these.",
)
@pass_invocation
def purge(
    invocation: Invocation, /, force: bool, queues: tuple[str, ...] | None, excluded: tuple[str, ...]
) -> int:
    """Delete the tasks that wait in the queues: ready, scheduled, and parked.

    What a worker has claimed is not touched, and neither are dead letters. There is no undo.

    \b
    sedano -A proj purge              the queues of the settings; asks first
    sedano -A proj purge -f -Q mail   the queue mail, without asking
    """
    app = invocation.find_app()
    admin = app.broker.admin
    chosen = [queue for queue in queues or configured_queues(app) if queue not in excluded]
    counts = {queue: _waiting(admin.depth(queue)) for queue in chosen}
    if queues is None:
        _mention_others(invocation, [queue for queue in admin.queues() if queue not in {*chosen, *excluded}])
    if not sum(counts.values()):
        click.echo(f"Nothing waits in {', '.join(chosen) or 'no queue'}.")
        return 0
    if not force:
        listed = ", ".join(f"{queue} ({count})" for queue, count in counts.items() if count)
        click.confirm(f"Delete the waiting tasks of {listed}? There is no undo", abort=True)
    deleted = sum(admin.purge(queue) for queue in chosen)
    click.echo(f"Deleted {deleted} task{'s' if deleted != 1 else ''} from {', '.join(chosen)}.")
    return 0


def _waiting(depth: QueueDepth) -> int:
    return depth.ready + depth.scheduled + depth.parked


def _mention_others(invocation: Invocation, others: list[str]) -> None:
    if others:
        invocation.note(
            f"the broker also has {', '.join(others)}; -Q purges queues the settings do not name."
        )
