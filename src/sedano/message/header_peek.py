"""What a node's parent reads of a message: a few headers, never the arguments.

Called by the worker's admission for every claimed message. Whatever it cannot read, it leaves to the child,
which decodes the whole message and says what is wrong with it.
"""

import json
from typing import Final

import msgspec

from sedano.message.header_values import Count, Name, TimeLimits, check


class HeaderPeek(msgspec.Struct, kw_only=True, frozen=True):
    """The headers that decide whether, when and how long a task may run, and what logs and monitors show."""

    task: Name
    id: Name
    eta: str | None = None
    expires: str | None = None
    retries: Count = 0
    #: Seconds, hard first.
    timelimit: TimeLimits | None = None
    root_id: str | None = None
    parent_id: str | None = None
    group: str | None = None
    ignore_result: bool | None = None
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    shadow: str | None = None
    #: True: it was revoked while it waited, and is told so. Anything else is a header of the user's own.
    revoked: object = None


_decoder: Final = msgspec.json.Decoder(HeaderPeek)


def peek(headers: bytes) -> HeaderPeek | None:
    """The headers of a protocol 2 message, or None: then a child has to decode it.

    ``eta`` and ``expires``, where they are set, can be read by ``wire_time.parse_time``.

    >>> peek(b'{"task": "proj.add", "id": "1", "retries": 2}').retries
    2
    >>> peek(b"{}") is None
    True
    """
    try:
        found = _read(headers)
        check(found.eta, found.expires, found.timelimit)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None
    return found


def _read(headers: bytes) -> HeaderPeek:
    try:
        return _decoder.decode(headers)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # What Python's JSON writes and the standard does not allow: NaN, halves of surrogate pairs.
        return msgspec.convert(json.loads(headers), HeaderPeek)
