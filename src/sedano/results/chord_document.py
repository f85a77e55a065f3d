"""What the members of a chord's header ended with, as documents in Celery's form: ``[1, id, state, result]``.

Written by the executor when a member ends, read by it when all have; Celery's workers do the same with ours.
"""

from typing import Any

import msgspec

from sedano import states
from sedano.errors import MessageError, ResultStoreError
from sedano.message.serializers import find_serializer
from sedano.results import exception_document
from sedano.results.celery_meta import written_result
from sedano.results.compressed_document import unpack


class MemberEnd(msgspec.Struct, frozen=True):
    """What one member ended with."""

    task_id: str
    state: str
    #: What it returned; the exception in FAILURE and REVOKED.
    result: Any

    @property
    def has_failed(self) -> bool:
        """Whether the body cannot run because of it."""
        return self.state in states.PROPAGATE_STATES


def encode(task_id: str, state: str, result: Any, *, serializer: str = "json") -> bytes:
    """The end of a member.

    Raises:
        NotSerializable: the result cannot be written.

    >>> encode("1", "SUCCESS", 2)
    b'[1,"1","SUCCESS",2]'
    """
    chosen = find_serializer(serializer)
    return chosen.dumps([1, task_id, state, written_result(state, result, chosen)])


def decode(document: bytes, *, serializer: str = "json") -> MemberEnd:
    """Read what a member ended with, ours or Celery's.

    Raises:
        ResultStoreError: it is none, or written by another serializer.
    """
    chosen = find_serializer(serializer)
    try:
        found = chosen.loads(unpack(document))
    except MessageError as error:
        raise ResultStoreError(
            f"The end of a chord's member cannot be read as {chosen.name}: {error}"
        ) from error
    if not isinstance(found, list | tuple) or len(found) != 4:
        raise ResultStoreError(f"It is no end of a chord's member: {str(found)[:80]}")
    _, task_id, state, result = found
    if state in states.EXCEPTION_STATES:
        result = exception_document.read(result)
    return MemberEnd(task_id, state, result)
