"""The port through which one node takes messages and gives them back."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from sedano.brokers.delivery import Delivery
from sedano.brokers.settlement import Settlement


class Claimed(NamedTuple):
    """What one claim brought."""

    deliveries: list[Delivery]
    #: Tags of settlements that came too late: the claim had been lost, nothing of them was carried out.
    lost: list[int]
    #: Settlements that completed a chord, and which. All of them was carried out, but that their messages are
    #: still held: whoever ends the chord settles them.
    completing: Sequence[tuple[int, str]] = ()


class Lease(Protocol):
    """The right of one incarnation of a node to hold claimed messages. Renewed while the node lives.

    Owned by one thread, but for ``wake``. Every method may raise ``BrokerUnavailable``; nothing of the
    call was then carried out, or all of it was: settlements may be repeated.
    """

    #: This life of the node; the fence that every settlement is checked against.
    incarnation: str

    def claim(
        self,
        queues: Sequence[str],
        limit: int,
        settling: Sequence[Settlement] = (),
        *,
        tasks: Collection[str] | None = None,
    ) -> Claimed:
        """Carry out the settlements, then claim up to ``limit`` ready messages, in one step.

        Ready messages come by priority (higher first), then in the order they were published; the queues
        are equals. Due messages that are ripe count as ready. Right after a ``wait`` it may bring fewer than
        are ready, but not none. ``limit`` 0 only settles. With ``tasks``, only messages of these tasks
        (``BrokerFeatures.claims_by_task``), and perhaps not those behind very many others. Paused queues give
        nothing, and a lease that was lost gets nothing. A follow-up is published exactly when its settlement
        takes effect. Results are stored in the same step if the lease was begun with ``results``, else left
        to the caller.
        """

    def holds(self, tags: Collection[int]) -> set[int]:
        """Which of these claims still stand."""

    def reread(self, tags: Collection[int]) -> list[Delivery]:
        """The messages of those of these claims that still stand, under their tags."""

    def wait(self, queues: Sequence[str], timeout: float, *, tasks: Collection[str] | None = None) -> bool:
        """Sleep until something may be ready in these queues, ``wake`` is called, or the time is up.

        Args:
            timeout: Seconds of real time. A message becoming due ends the wait as well.
            tasks: What the next claim will be limited to: messages of other tasks do not end the wait.

        Returns:
            True if something may be ready. False positives are allowed, false negatives are not.

        Raises:
            LeaseLost: Waiting is of no use, a claim would bring nothing.
        """

    def wake(self) -> None:
        """End the current ``wait`` (or the next one, if none is under way). From any thread."""

    def rest(self) -> float | None:
        """Nothing more is wanted for now: what the broker may have sent ahead of a claim goes back.

        The next ``wait`` or ``claim`` ends the rest.

        Returns:
            After how many seconds to call this again, if something is being kept for a moment.
        """

    def renew(self, running: Collection[int]) -> None:
        """Say that this node lives, and which claims its children are running right now.

        Should this node die, those get a crash attempt. Raises ``LeaseLost`` if others took it for dead.
        """

    def recover_dead(self) -> int:
        """Take over from nodes whose lease has run out: what they held is ready again. Returns how many.

        What they were running gets a crash attempt and is ready after a back-off. Whether that was one too
        many is judged by the node that claims it: the task is told of its end like of any other.
        """

    def claim_parked(self, queues: Sequence[str], limit: int, tasks: Collection[str]) -> list[Delivery]:
        """Claim up to ``limit`` of the messages that were parked, of tasks that this node knows.

        They are claimed rather than made ready, so that the node that parked them does not get them again.
        """

    def take_turns(self, task: str, seconds: float, count: int, *, most: int) -> Sequence[float]:
        """Ask for ``count`` messages of a task that all nodes together start every ``seconds`` at the most.

        In one step, as ``turns.Turns`` says. Only of brokers with ``BrokerFeatures.shared_rates``.

        Args:
            task: Its name.
            seconds: From one start to the next.
            count: How many are asked for.
            most: How many of them can start now, at the most.

        Returns:
            For each of them 0.0 if it may start now, and otherwise when it is to come back (POSIX seconds),
            to be asked for again. Those that may start come first.
        """

    def end(self) -> int:
        """Give back everything still held, uncounted, and end the lease. Returns how many. Idempotent."""
