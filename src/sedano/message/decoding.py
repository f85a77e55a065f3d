"""From a message to the call it makes, whichever of Celery's protocols it speaks.

Called in the child, once for every message. For any bytes whatever it returns a call or raises a
``MessageError``; it never runs any code that a message names, unless the user accepts pickle.
"""

from collections.abc import Collection
from typing import Any

from sedano.errors import ContentDisallowed, MalformedMessage, MessageTooLarge
from sedano.message import celery_v1, celery_v2, task_headers
from sedano.message.compression import MAX_BODY, decompress
from sedano.message.envelope import Envelope
from sedano.message.serializers import Serializer, serializer_for
from sedano.message.task_message import TaskMessage


def decode(envelope: Envelope, *, accept: Collection[str], max_size: int = MAX_BODY) -> TaskMessage:
    """Read a message.

    Args:
        accept: The serializers whose work is read: names or content types. Celery: ``accept_content``.
        max_size: The most bytes that the body may have, before and after it is decompressed.

    Raises:
        ContentDisallowed: the content type is not accepted.
        MessageTooLarge: the body is larger than ``max_size``.
        MalformedMessage: it is no task, or not what it says it is.

    >>> body = b'[[1, 2], {}, {"chain": null}]'
    >>> call = decode(Envelope(b'{"task": "proj.add", "id": "1"}', body), accept={"json"})
    >>> call.task, call.args
    ('proj.add', [1, 2])
    """
    serializer = _accepted_serializer(envelope.content_type, accept)
    if len(envelope.body) > max_size:
        raise MessageTooLarge(f"The body has {len(envelope.body):,} bytes; {max_size:,} are accepted.")
    if serializer.name == "json" and (plain := celery_v2.read_plain(envelope)) is not None:
        return plain
    headers = task_headers.read_object(envelope.headers)
    body = _read_body(envelope, headers, serializer, max_size)
    if "task" in headers:
        if isinstance(body, dict) and "args" in body:
            return celery_v1.read_hybrid(headers, body, envelope)
        return celery_v2.read(headers, body, envelope)
    if isinstance(body, dict) and "task" in body:
        return celery_v1.read(headers, body, envelope)
    raise MalformedMessage("The message is no task: neither its headers nor its body name one.")


def _read_body(envelope: Envelope, headers: dict[str, Any], serializer: Serializer, max_size: int) -> Any:
    compression = headers.get("compression")
    body = decompress(envelope.body, compression, max_size=max_size) if compression else envelope.body
    return serializer.loads(body)


def _accepted_serializer(content_type: str, accept: Collection[str]) -> Serializer:
    serializer = serializer_for(content_type)
    if serializer is not None and (serializer.name in accept or content_type in accept):
        return serializer
    if content_type == "application/data":
        raise MalformedMessage(
            "The body is of type application/data: raw bytes or a signed message. This version reads neither."
        )
    if content_type in accept:
        raise MalformedMessage(f"No serializer is registered for the content type {content_type!r}.")
    name = f" ({serializer.name})" if serializer is not None else ""
    raise ContentDisallowed(
        f"The content type {content_type!r}{name} is not accepted; accept_content is {sorted(accept)}."
    )
