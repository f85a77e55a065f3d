"""Celery's options of ``worker`` and ``beat`` that Sedano takes but does not need, or does not have yet.

Tables; the commands put them among their own options. A flag that would change nothing is accepted with a
note why; a flag that a deployment relies on is refused, and says what to do instead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import click

from sedano.cli.command import F, option
from sedano.cli.invocation import Invocation
from sedano.cli.user_error import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class CeleryFlag:
    """One of Celery's options that has no effect here."""

    names: tuple[str, ...]
    #: Why it has no effect, or what this version lacks: completes ``<option>: ``.
    reason: str
    #: What to do instead; a flag with an answer is refused, one without is accepted with a note.
    instead: str = ""
    #: None: a switch without a value.
    takes: type[int] | type[str] | None = None
    choices: tuple[str, ...] = ()
    #: Values that ask for nothing special, and so pass in silence.
    harmless: tuple[str, ...] = ()

    def add_to(self, command: F) -> F:
        """Give a click command this option."""
        takes: dict[str, Any] = {"is_flag": True} if self.takes is None else {"type": self.takes}
        if self.choices:
            takes = {"type": click.Choice(self.choices)}
        return option(
            *self.names,
            heading="Celery's, refused in this version" if self.instead else "Celery's, not needed here",
            expose_value=False,
            help=f"{self.reason[0].upper()}{self.reason[1:]}.",
            callback=self._judge,
            **takes,
        )(command)

    def _judge(self, ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value is None or value is False or str(value) in self.harmless:
            return
        name = max(parameter.opts, key=len)
        if self.instead:
            raise UserError(f"{name}: {self.reason}.", hint=self.instead)
        ctx.ensure_object(Invocation).note(f"{name} has no effect: {self.reason}.")


NOT_NEEDED: Final = (
    CeleryFlag(
        names=("--prefetch-multiplier",),
        takes=int,
        reason="a worker looks ahead by expected run time, and takes back what waits behind a long task",
    ),
    CeleryFlag(
        names=("--disable-prefetch",), reason="nothing waits in a busy worker while another one is free"
    ),
    CeleryFlag(
        names=("-O", "--optimization"),
        choices=("default", "fair"),
        harmless=("default",),
        reason="distribution is always fair",
    ),
    CeleryFlag(names=("--without-gossip",), reason="workers do not gossip"),
    CeleryFlag(names=("--without-mingle",), reason="workers do not wait for one another at the start"),
    CeleryFlag(
        names=("--without-heartbeat",),
        reason="there are no heartbeat events, and the lease is always renewed",
    ),
    CeleryFlag(
        names=("--heartbeat-interval",), takes=int, reason="the lease is renewed as `worker_lease` needs it"
    ),
)

_KEPT: Final = CeleryFlag(
    names=("-s", "--schedule", "--schedule-filename"),
    takes=str,
    reason="when entries were run is kept in the broker, where all schedulers see it",
)
_SCHEDULER_CLASS: Final = CeleryFlag(
    names=("--scheduler",),
    takes=str,
    reason="there is one scheduler; entries in Django's database are in the schedule by themselves",
)

REFUSED: Final = (
    CeleryFlag(
        names=("--autoscale",),
        takes=str,
        reason="this version does not change the number of processes while it runs",
        instead="-c N starts N processes; an idle process costs little memory and no CPU.",
    ),
    CeleryFlag(
        names=("-E", "--task-events", "--events"),
        reason="this version sends no events to monitors",
        instead="Leave it out; `sedano status` shows workers and queues.",
    ),
    CeleryFlag(
        names=("-D", "--detach"),
        reason="this version does not run in the background by itself",
        instead="Let systemd or a container runtime start it; for a moment: `nohup sedano … worker &`.",
    ),
    CeleryFlag(
        names=("-S", "--statedb"),
        takes=str,
        reason="this version keeps no list of revoked tasks",
        instead="Leave it out; queues that are paused are noted in the broker.",
    ),
    CeleryFlag(
        names=("--pool-start-method",),
        choices=("fork", "spawn"),
        harmless=("fork",),
        reason="processes are forked, by a process without threads",
        instead="Leave it out: what makes forking unsafe elsewhere does not exist here.",
    ),
    CeleryFlag(
        names=("--uid",),
        takes=str,
        reason="a worker does not change its user",
        instead="Start it as that user: systemd's User=, or `setpriv --reuid=… sedano …`.",
    ),
    CeleryFlag(
        names=("--gid",),
        takes=str,
        reason="a worker does not change its group",
        instead="Start it with that group: systemd's Group=, or `setpriv --regid=… sedano …`.",
    ),
    CeleryFlag(
        names=("--executable",),
        takes=str,
        reason="Celery uses it with --detach, which this version does not have",
        instead="Start that Python yourself: `/path/to/python -m sedano …`.",
    ),
)


WORKER_FLAGS: Final = (*NOT_NEEDED, _KEPT, _SCHEDULER_CLASS, *REFUSED)

BEAT_FLAGS: Final = (
    _KEPT,
    replace(_SCHEDULER_CLASS, names=("-S", "--scheduler")),
    *(flag for flag in REFUSED if flag.names[-1] in ("--detach", "--uid", "--gid", "--executable")),
)


def celery_flags(flags: Sequence[CeleryFlag]) -> Callable[[F], F]:
    """Put a table's options on a click command."""

    def add(command: F) -> F:
        for flag in reversed(flags):
            command = flag.add_to(command)
        return command

    return add
