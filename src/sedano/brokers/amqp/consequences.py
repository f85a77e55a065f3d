"""What settlements publish: once, though they are repeated after a failure, and without holding up a node.

Used by ``AmqpLease``, in its thread; outlives its connections. What RabbitMQ will never take (its exchange
does not exist, no queue is behind it, it is too large) becomes a dead letter: tried again and again, it would
keep the node from all its other work.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from sedano.amqp.failures import ChannelClosed
from sedano.brokers.amqp.copy import Copy
from sedano.brokers.amqp.dead_letters import undelivered
from sedano.brokers.amqp.outbound import Outbound
from sedano.brokers.amqp.queue_names import DEAD
from sedano.brokers.amqp.sending import Batch, Draft, first_error
from sedano.brokers.publication import Publication
from sedano.clock import Clock
from sedano.errors import BrokerError, BrokerUnavailable, ConfigurationError, MessageTooLarge

logger = logging.getLogger(__name__)

_Key: TypeAlias = tuple[str, int]
_NEVER: Final = (BrokerError, ConfigurationError)


class Consequences:
    """Of one lease."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        #: Of settlements that could not be carried out yet: what has been published all the same.
        self._published: dict[_Key, Publication | Copy] = {}

    def publish(
        self, outbound: Outbound, follow_ups: Sequence[Publication], copies: Mapping[int, Copy]
    ) -> None:
        """All of these that have not been published before, confirmed.

        Args:
            copies: By the tags of their messages.

        Raises:
            BrokerUnavailable: Some have not been published yet, or nobody knows.
        """
        given: dict[_Key, Publication | Copy] = {("follow-up", id(one)): one for one in follow_ups}
        given |= {("copy", tag): copy for tag, copy in copies.items()}
        new = {key: one for key, one in given.items() if key not in self._published}
        aside = {key: one for key, one in new.items() if isinstance(one, Copy) and outbound.lies_aside(one)}
        if aside:
            outbound.publish((), list(aside.values()))
            self._published |= aside
        drafts = {key: self._draft(outbound, one) for key, one in new.items() if key not in aside}
        batch = Batch(one for one in drafts.values() if one is not None)
        try:
            self._send(outbound, batch)
        finally:
            left = {id(one) for one in batch.left}
            self._published |= {key: given[key] for key, one in drafts.items() if id(one) not in left}

    def forget(self) -> None:
        """Those settlements have been carried out."""
        self._published.clear()

    def _draft(self, outbound: Outbound, one: Publication | Copy) -> Draft | None:
        """None for one that has been buried."""
        try:
            draft = outbound.draft_of(one)
        except MessageTooLarge as error:
            assert isinstance(one, Publication)
            self._bury(outbound, outbound.draft_of(_without_headers(one)), error)
            return None
        try:
            outbound.prepare(draft)
        except BrokerUnavailable:
            raise
        except _NEVER as error:
            self._bury(outbound, draft, error)
            return None
        return draft

    def _send(self, outbound: Outbound, batch: Batch) -> None:
        """Leaves in the batch what is neither in its queue nor buried."""
        if not batch.left:
            return
        try:
            refusals = outbound.send(batch)
        except ChannelClosed as error:
            if len(batch.left) == 1:
                self._bury(outbound, batch.left.pop(), error)
            while batch.left:  # it does not say which of them it was
                self._send(outbound, Batch(batch.left[:1]))
                del batch.left[0]
            return
        unroutable = {id(one.outgoing.message): one.error for one in refusals if one.unroutable}
        for draft in batch.left:
            if id(draft.message) in unroutable:
                self._bury(outbound, draft, unroutable[id(draft.message)])
        batch.left = [draft for draft in batch.left if id(draft.message) not in unroutable]
        if batch.left:
            raise first_error([one for one in refusals if not one.unroutable])

    def _bury(self, outbound: Outbound, draft: Draft, error: Exception) -> None:
        letter = undelivered(draft, str(error), now=self._clock.timestamp())
        outbound.publish((), [Copy(DEAD, letter)])
        logger.error("%s can never be published, and is a dead letter now: %s", draft.label, error)


def _without_headers(one: Publication) -> Publication:
    """But for those that say what it is."""
    headers = json.dumps({"id": one.task_id, "task": one.task}).encode()
    return msgspec.structs.replace(one, envelope=msgspec.structs.replace(one.envelope, headers=headers))
