"""What parent and zygote say to each other, as typed values in MessagePack."""

from typing import TypeAlias

import msgspec

from sedano.worker.plan import NodePlan
from sedano.worker.posts import Post


class Fork(msgspec.Struct, frozen=True, array_like=True, tag="fork"):
    """Make a child; its descriptors come with this message."""

    number: int
    #: What it is for, which says how many descriptors there are.
    post: Post


class Kill(msgspec.Struct, frozen=True, array_like=True, tag="kill"):
    """Send a signal to a child. The zygote does it: only it knows that the pid is still the child's."""

    pid: int
    signal: int


class ForkHerald(msgspec.Struct, frozen=True, array_like=True, tag="fork herald"):
    """Make a herald; its one descriptor comes with this message."""

    number: int


class ForkScheduler(msgspec.Struct, frozen=True, array_like=True, tag="fork scheduler"):
    """Make a scheduler; its one descriptor comes with this message: it ends when the other end is closed."""


class Ready(msgspec.Struct, frozen=True, array_like=True, tag="ready"):
    """The application is imported; children can be forked."""

    plan: NodePlan
    #: The names of the signals for which there should be a herald: they have receivers.
    awaited: tuple[str, ...] = ()


class Broken(msgspec.Struct, frozen=True, array_like=True, tag="broken"):
    """The application could not be imported or configured."""

    #: The class of the error: ``ApplicationNotFound``, ``ConfigurationError`` or another's.
    kind: str
    message: str
    traceback: str


class Forked(msgspec.Struct, frozen=True, array_like=True, tag="forked"):
    """The child with this number lives under this pid."""

    number: int
    pid: int


class HeraldForked(msgspec.Struct, frozen=True, array_like=True, tag="herald forked"):
    """The herald with this number lives under this pid."""

    number: int
    pid: int


class SchedulerForked(msgspec.Struct, frozen=True, array_like=True, tag="scheduler forked"):
    """The scheduler lives under this pid."""

    pid: int


class Exited(msgspec.Struct, frozen=True, array_like=True, tag="exited"):
    """A child, a herald or a scheduler is gone."""

    pid: int
    #: Exit code, or minus the number of the signal that ended it.
    returncode: int
    #: The most memory it ever had resident, in KiB.
    max_rss: int


ToZygote: TypeAlias = Fork | ForkHerald | ForkScheduler | Kill
FromZygote: TypeAlias = Ready | Broken | Forked | HeraldForked | SchedulerForked | Exited

encode = msgspec.msgpack.Encoder().encode
decode_to_zygote = msgspec.msgpack.Decoder(ToZygote).decode
decode_from_zygote = msgspec.msgpack.Decoder(FromZygote).decode
