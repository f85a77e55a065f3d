"""A message as brokers carry it: opaque bytes with the few properties a broker needs.

Written by ``message.celery_v2.encode``, read by ``message.celery_v2.decode``. Brokers keep it and hand it
on; only ``headers`` is looked into on the way (a typed partial decode, by ``worker.admission``).
"""

import msgspec


class Envelope(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One message in transit. Encodes to MessagePack as an array; fields are only ever appended."""

    #: The task headers of protocol 2, a JSON object; ``{}`` for protocol 1.
    headers: bytes
    #: The arguments: serialized, then compressed if the headers say so.
    body: bytes
    content_type: str = "application/json"
    content_encoding: str = "utf-8"
    #: Celery's message properties of the same names.
    correlation_id: str | None = None
    reply_to: str | None = None
    priority: int = 0
    delivery_mode: int = 2
    #: Milliseconds, as text; only AMQP brokers act on it.
    expiration: str | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Envelope)


def pack(envelope: Envelope) -> bytes:
    """The form in which database brokers store an envelope."""
    return _encoder.encode(envelope)


def unpack(packed: bytes) -> Envelope:
    """The reverse of ``pack``. Raises ``msgspec.DecodeError`` for anything else."""
    return _decoder.decode(packed)
