"""One connection of a node, and all that is lost with it: consumers, what they brought, news, pauses.

Made by ``AmqpLease``, anew after each loss; used in its thread. Never decides what becomes of a message.
"""

import time
from collections.abc import Collection, Sequence
from typing import Final

from sedano.amqp.link import AmqpLink
from sedano.brokers.amqp.consumers import Arrival, Consumers
from sedano.brokers.amqp.copy import as_it_was, may_go_back
from sedano.brokers.amqp.node_log import News, NodeLog, outgoing
from sedano.brokers.amqp.outbound import Outbound
from sedano.clock import Clock

#: A paused queue is asked for this often whether it still is, should the news not arrive. Seconds.
ASK_AGAIN: Final = 0.5
#: A new lease reads what other nodes have said lately, if that takes no longer. Seconds.
_CATCHES_UP: Final = 1.0


class NodeSession:
    """Made of a link that is open.

    Args:
        incarnation: Of the lease.
    """

    def __init__(self, link: AmqpLink, outbound: Outbound, incarnation: str, clock: Clock) -> None:
        self.link = link
        self.outbound = outbound
        self.consumers = Consumers(link, incarnation, outbound.definition_of)
        self._incarnation = incarnation
        self._clock = clock
        #: Whether the queues that were asked for are paused.
        self.paused: dict[str, bool] = {}
        self._ask_again_at = 0.0
        #: What came a moment too early, and that moment.
        self._early: list[tuple[float, Arrival]] = []
        self.log = NodeLog(self._on_pause)
        self._has_log = False

    # -- news

    def enter(self, *news: News) -> None:
        """Tell the others that the node is here, and hear what they have said lately."""
        self._has_log = self.log.follow(self.link, self._clock.timestamp())
        if self._has_log:
            self.tell(*news)
            self.log.read_until(self.link, self._incarnation, seconds=_CATCHES_UP)

    def tell(self, *news: News) -> None:
        """Have other nodes read this, where there is a log."""
        if self._has_log:
            self.outbound.tell([outgoing(one) for one in news])

    # -- what comes

    def ask_for(self, queues: Sequence[str], count: int) -> bool:
        """Have up to so many messages of each of these queues sent. True if that is more than before."""
        for queue in queues:
            self.outbound.declare(queue)
        with self.link.within(), self.link.gathered():
            return self.consumers.want(queues, count)

    def settle_down(self, queues: Sequence[str]) -> None:
        """Return when what the server has for us at this moment is here."""
        with self.link.within():
            self.consumers.settle_down(queues)

    def catch_up(self, queues: Sequence[str]) -> None:
        """As ``settle_down``, so that a claim does not overlook what is on its way. Where all goes fast there
        is no need: to wait for it is the quicker way."""
        if not self.consumers.is_fast:
            self.settle_down(queues)

    def rest(self) -> float | None:
        """Give back what nobody has wanted lately; after how many seconds to call again, if at all."""
        self.link.pump(0)
        self.ripen()
        with self.link.within():
            unwanted, left = self.consumers.rest()
        self.give_back(unwanted)
        if not self._early:
            return left
        ripe = self.seconds_until_ripe()
        return ripe if left is None else min(ripe, left)

    def hold_off(self) -> None:
        """Have nothing sent in the place of what is settled now."""
        with self.link.within():
            unwanted = self.consumers.hold_off()
        self.give_back(unwanted)

    def acknowledge(
        self, arrivals: Sequence[Arrival], *, before: tuple[Collection[str], int] = ((), 0)
    ) -> None:
        """They are done with.

        Args:
            before: What is asked for next: of which queues, and how many.
        """
        if arrivals:
            with self.link.within(), self.link.gathered():
                self.consumers.make_way(*before, arrivals)
                self.consumers.acknowledge(arrivals)

    def give_back(self, arrivals: Sequence[Arrival]) -> None:
        """They are for others."""
        if not arrivals:
            return
        tired = [arrival for arrival in arrivals if not may_go_back(arrival)]
        if tired:
            self.outbound.publish((), list(map(as_it_was, tired)))
            self.acknowledge(tired)
        with self.link.within():
            self.consumers.give_back([arrival for arrival in arrivals if may_go_back(arrival)])

    def give_everything_back(self, held: Sequence[Arrival]) -> None:
        """What the owner holds, and what lies here."""
        with self.link.within():
            unwanted = self.consumers.stop()
        self.give_back([*held, *unwanted, *(arrival for _, arrival in self._early)])
        self._early = []

    # -- what comes too early

    def keep_until(self, due: float, arrival: Arrival) -> None:
        """It came a moment too early: ``ripen`` has it lie with the others when it is due."""
        self._early.append((due, arrival))

    def ripen(self) -> None:
        """What came too early lies with the others when its moment has come."""
        if self._early:
            now = self._clock.timestamp()
            for due, arrival in self._early:
                if due <= now:
                    self.consumers.put_back(arrival)
            self._early = [one for one in self._early if one[0] > now]

    def seconds_until_ripe(self) -> float:
        """Until the first of those is due."""
        first = min((due for due, _ in self._early), default=float("inf"))
        return max(0.0, first - self._clock.timestamp())

    # -- pauses

    def opened(self, queues: Sequence[str]) -> list[str]:
        """Those of these queues that are not paused."""
        unknown = [queue for queue in queues if queue not in self.paused]
        now = time.monotonic()
        if now >= self._ask_again_at:
            unknown += [queue for queue in queues if self.paused.get(queue)]
        if unknown:
            self._ask_again_at = now + ASK_AGAIN
            self.ask_for_pauses(unknown)
        return [queue for queue in queues if not self.paused[queue]]

    def ask_for_pauses(self, queues: Collection[str]) -> None:
        """Ask the server which of these queues are paused."""
        if queues:
            paused = self.outbound.paused_of(queues)
            self.paused |= {queue: queue in paused for queue in queues}
            self.leave_paused()

    def leave_paused(self) -> None:
        """Nothing more is to come from queues that are paused."""
        paused = [queue for queue, is_paused in self.paused.items() if is_paused]
        if paused and self.consumers.serves_any(paused):
            with self.link.within():
                given_back = self.consumers.stop(paused)
            self.give_back(given_back)

    def _on_pause(self, queue: str, is_paused: bool) -> None:
        if queue in self.paused:
            self.paused[queue] = is_paused
