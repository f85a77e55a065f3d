"""What an error of redis-py means, in words for people: shared by the broker and the result store.

Called at the one seam of each adapter. Raises nothing: it returns a diagnosis.
"""

from dataclasses import dataclass
from typing import Final

from redis import exceptions

#: How the server's answers begin that may be others in a moment (redis.io/docs, "Redis error replies").
_PASSING: Final = (
    "LOADING",
    "BUSY",
    "TRYAGAIN",
    "CLUSTERDOWN",
    "MASTERDOWN",
    "NOREPLICAS",
    "READONLY",
    "UNBLOCKED",
    "OOM",
    "MISCONF",
    "MOVED",
    "ASK",
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What went wrong, and what kind of thing it is."""

    reason: str
    #: It may go away by itself: trying again is worthwhile.
    passing: bool = False
    #: The user has to change a URL, a password or a setting.
    configuration: bool = False


def diagnose(error: Exception) -> Diagnosis:
    """Say what an error means.

    >>> diagnose(exceptions.ReadOnlyError("You can't write against a read only replica.")).passing
    True
    """
    text = str(error) or type(error).__name__
    if isinstance(error, exceptions.AuthenticationError | exceptions.NoPermissionError):
        return Diagnosis(f"the server does not let us in: {text}", configuration=True)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return Diagnosis(
            f"we do not trust the server's certificate (ssl_ca_certs): {text}", configuration=True
        )
    if isinstance(error, exceptions.ReadOnlyError):
        return Diagnosis("the server is a read-only replica (READONLY): a failover may be under way", True)
    if isinstance(error, exceptions.OutOfMemoryError):
        return Diagnosis("the server is out of memory (OOM): see maxmemory", passing=True)
    if isinstance(error, exceptions.MovedError | exceptions.ClusterCrossSlotError):
        return Diagnosis(
            f"the server belongs to a Redis Cluster, whose URL begins with redis+cluster://: {text}",
            configuration=True,
        )
    if "cluster support disabled" in text:
        return Diagnosis(f"the server belongs to no Redis Cluster: {text}", configuration=True)
    if isinstance(error, exceptions.ClusterDownError):
        return Diagnosis(f"the cluster is not whole (CLUSTERDOWN): {text}", passing=True)
    if isinstance(error, exceptions.AskError | exceptions.TryAgainError):
        return Diagnosis(f"keys are moving to another server of the cluster: {text}", passing=True)
    if isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError | OSError):
        return Diagnosis(text, passing=True)
    if text.startswith(_PASSING) or any(f"{word} " in text for word in ("READONLY", "OOM")):
        return Diagnosis(text, passing=True)
    return Diagnosis(text)
