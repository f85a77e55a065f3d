"""What settlements mean for RabbitMQ: messages to publish, and messages to acknowledge or to give back.

Called by ``AmqpLease``, for each batch. Never talks to a server.
"""

from collections.abc import Mapping
from typing import NamedTuple, assert_never

from sedano.brokers.amqp import dead_letters, parked, queue_names
from sedano.brokers.amqp.consumers import Arrival
from sedano.brokers.amqp.copy import Copy, may_go_back
from sedano.brokers.amqp.message import restamped
from sedano.brokers.delivery import Delivery
from sedano.brokers.publication import Publication
from sedano.brokers.settlement import Bury, Finish, Park, Record, Requeue, Settlement


class Claim(NamedTuple):
    """A message that a lease holds."""

    arrival: Arrival
    delivery: Delivery


class Settling:
    """One batch."""

    def __init__(self, claims: Mapping[int, Claim], now: float) -> None:
        self._claims = claims
        self._now = now
        #: What follows from tasks.
        self.follow_ups: list[Publication] = []
        #: Copies of messages, and the queues that they go to, by the tags of the originals.
        self.copies: dict[int, Copy] = {}
        #: They are done with when all the above has been published.
        self.done: dict[int, Claim] = {}
        #: They go back as they are.
        self.returned: dict[int, Claim] = {}
        #: Task ids among those that go back whose task may have begun.
        self.released: list[str] = []
        #: Settlements whose claims do not stand.
        self.lost: list[int] = []

    def add(self, settlement: Settlement) -> None:
        """Take a settlement in."""
        tag = settlement.tag
        if tag is None:
            if isinstance(settlement, Record):
                self.follow_ups += settlement.follow_ups
            return
        claim = self._claims.get(tag)
        if claim is None or tag in self.done or tag in self.returned:
            self.lost.append(tag)
            return
        match settlement:
            case Finish():
                self.follow_ups += settlement.follow_ups
                self.done[tag] = claim
            case Requeue():
                self._requeue(tag, claim, settlement)
            case Bury():
                self.follow_ups += settlement.follow_ups
                message, delivery = claim.arrival.message, claim.delivery
                crashes = delivery.crashes + settlement.crashed
                letter = dead_letters.buried(
                    message, delivery, settlement.reason, crashes=crashes, now=self._now
                )
                self.copies[tag] = Copy(queue_names.DEAD, letter)
                self.done[tag] = claim
            case Park():
                message = parked.parked(claim.arrival.message, claim.delivery)
                self.copies[tag] = Copy(queue_names.PARKING, message)
                self.done[tag] = claim
            case Record():
                self.follow_ups += settlement.follow_ups
            case _:
                assert_never(settlement)

    def _requeue(self, tag: int, claim: Claim, settlement: Requeue) -> None:
        arrival, delivery = claim
        began = settlement.begun or delivery.redelivered
        due = settlement.due if settlement.due is not None and settlement.due > self._now else None
        if due is None and not settlement.crashed and may_go_back(arrival):
            arrival.began = began
            self.returned[tag] = claim
            if settlement.begun:
                self.released.append(delivery.task_id)
            return
        crashes = delivery.crashes + settlement.crashed
        copy = restamped(arrival.message, crashes=crashes, redelivered=began, due=due, now=self._now)
        self.copies[tag] = Copy(delivery.queue, copy, due)
        self.done[tag] = claim
