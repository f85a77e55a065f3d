"""What parent and children say to each other, as typed values in MessagePack.

Parent → child: a ``Frame`` of jobs. Child → parent: a ``Hello``, then ``Report`` after ``Report``.
Nothing here touches a socket (``worker.channel``).
"""

from typing import Final, TypeAlias

import msgspec

from sedano.execution.executed import Executed
from sedano.execution.job import Job


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """Jobs for one child, to be done in this order, each under a permit with the frame's number."""

    #: 0 to 255, then 0 again.
    number: int
    jobs: list[Job]


class Hello(msgspec.Struct, frozen=True, array_like=True, tag="hello"):
    """The child is ready for its first frame."""

    pid: int


class Report(msgspec.Struct, frozen=True, array_like=True, tag="report"):
    """What became of some jobs, in the order they were done."""

    executed: list[Executed]
    #: The child's resident memory exceeds ``max_memory_per_child``: replace it.
    outgrown: bool = False


FromChild: TypeAlias = Hello | Report

#: Parent → child, in place of a frame: one will come in a moment.
HEADS_UP: Final = b""

encode = msgspec.msgpack.Encoder().encode
decode_frame = msgspec.msgpack.Decoder(Frame).decode
decode_from_child = msgspec.msgpack.Decoder(FromChild).decode
