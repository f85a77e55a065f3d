"""``sedano status``: the workers, the queues, the dead letters."""

import time
from typing import Any, Final

import click

from sedano.brokers.admin import NodeRecord, QueueDepth
from sedano.cli.command import SedanoCommand, option
from sedano.cli.durations import spoken
from sedano.cli.invocation import Invocation, pass_invocation
from sedano.cli.json_output import write_json
from sedano.cli.names_option import names
from sedano.cli.queue_names import configured_queues
from sedano.cli.user_error import EXIT_UNAVAILABLE

#: Dead letters are counted by reading them; more than this are not.
MOST_DEAD_LETTERS: Final = 1000


@click.command(cls=SedanoCommand, short_help="Show workers, queues, and the number of dead letters.")
@option("-d", "--destination", "nodes", callback=names, metavar="A,B", help="Only these workers.")
@option("-j", "--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")
@option("-t", "--timeout", type=float, hidden=True, expose_value=False)
@pass_invocation
def status(invocation: Invocation, /, nodes: tuple[str, ...] | None, as_json: bool) -> int:
    """Show the workers that are alive, the queues, and how many dead letters there are.

    A worker counts as alive while it holds its lease. Exit codes: 0 there is one, 69 there is none.

    \b
    sedano -A proj status
    sedano -A proj status --json
    """
    app = invocation.find_app()
    admin = app.broker.admin
    alive = [node for node in admin.nodes() if nodes is None or node.node in nodes]
    depths = [admin.depth(queue) for queue in sorted({*admin.queues(), *configured_queues(app)})]
    dead = len(admin.dead_letters(limit=MOST_DEAD_LETTERS))
    if as_json:
        write_json(_document(app.broker.location, alive, depths, dead))
    else:
        _draw(invocation, alive, depths, dead)
    return 0 if alive else EXIT_UNAVAILABLE


def _document(location: str, nodes: list[NodeRecord], depths: list[QueueDepth], dead: int) -> dict[str, Any]:
    import msgspec

    return {
        "broker": location,
        "nodes": [msgspec.to_builtins(node) for node in nodes],
        "queues": [msgspec.to_builtins(depth) for depth in depths],
        "dead_letters": dead,
    }


def _draw(invocation: Invocation, nodes: list[NodeRecord], depths: list[QueueDepth], dead: int) -> None:
    from rich.table import Table

    console = invocation.console()
    if nodes:
        now = time.time()
        workers = Table("worker", *_numbers("up", "renewed", "claimed", "running"), box=None)
        for node in nodes:
            renewed = f"{spoken(now - node.renewed_at)} ago"
            workers.add_row(
                node.node, spoken(now - node.started_at), renewed, str(node.claimed), str(node.running)
            )
        console.print(workers)
    else:
        console.print(f"No worker is running. Start one: `{invocation.prog} -A … worker`")
    console.print()
    queues = Table(
        "queue", *_numbers("ready", "oldest", "scheduled", "claimed", "parked"), "", box=None, padding=(0, 1)
    )
    for depth in depths:
        queues.add_row(
            depth.queue,
            str(depth.ready),
            spoken(depth.oldest_age),
            str(depth.scheduled),
            str(depth.claimed),
            str(depth.parked),
            "paused" if depth.paused else "",
        )
    console.print(queues)
    console.print()
    count = f"{dead} or more" if dead >= MOST_DEAD_LETTERS else str(dead)
    console.print(
        f"Dead letters: {count}" + (f"  (`{invocation.prog} dead list` shows them)" if dead else "")
    )


def _numbers(*headings: str) -> list[Any]:
    from rich.table import Column

    return [Column(heading, justify="right") for heading in headings]
