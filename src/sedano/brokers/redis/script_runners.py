"""Which way of running scripts over lanes goes with a link.

Called by ``RedisLease`` and recovery.
"""

from sedano.brokers.redis.cluster_scripts import ClusterScripts
from sedano.brokers.redis.lane_scripts import LaneScripts
from sedano.redis.key_names import KeyNames
from sedano.redis.links import Link
from sedano.results.store import JointResults


def lane_scripts(
    link: Link, names: KeyNames, incarnation: str, *, joint_results: JointResults | None
) -> LaneScripts:
    """The scripts of one incarnation."""
    kind = LaneScripts if link.is_one_server else ClusterScripts
    return kind(link, names, incarnation, joint_results=joint_results)
