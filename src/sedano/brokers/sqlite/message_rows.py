"""Rows of the message table as the values of the broker ports."""

from typing import Any

import msgspec

from sedano.brokers.delivery import Delivery
from sedano.message.envelope import Envelope, unpack


def delivery(row: tuple[Any, ...]) -> Delivery:
    """A row of ``head_of_lane`` as a delivery."""
    tag, task_id, task, queue, priority, crashes, redelivered, ready_since, envelope = row
    return Delivery(
        tag, task_id, task, queue, envelope_of(envelope), priority, crashes, bool(redelivered), ready_since
    )


def envelope_of(packed: bytes) -> Envelope:
    """The envelope in a column.

    Bytes that are none become an envelope that nobody can decode, so that the message takes the usual way of
    a malformed one and is buried with its reason, rather than stop the node that claimed it.
    """
    try:
        return unpack(packed)
    except msgspec.DecodeError:
        return Envelope(headers=b"", body=bytes(packed), content_type="application/octet-stream")
