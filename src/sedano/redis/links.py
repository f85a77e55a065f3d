"""From a location to the link that goes there.

Called by the Redis broker and the Redis result store.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from sedano.redis.cluster_link import ClusterLink
from sedano.redis.link import MOST_CONNECTIONS, RedisLink
from sedano.redis.redis_diagnosis import Diagnosis
from sedano.redis.redis_url import RedisLocation
from sedano.redis.script import Script

Link: TypeAlias = RedisLink | ClusterLink


def open_link(
    location: RedisLocation,
    *,
    timeout: float,
    translate: Callable[[Diagnosis], Exception],
    most_connections: int = MOST_CONNECTIONS,
    scripts: Sequence[Script] = (),
) -> Link:
    """A link to a server or to a cluster; the arguments are those of ``RedisLink``."""
    kind = ClusterLink if location.cluster else RedisLink
    return kind(
        location,
        timeout=timeout,
        translate=translate,
        most_connections=most_connections,
        scripts=scripts,
    )
