"""What our worker has buried. Used by the tests of interoperation."""

from sedano.brokers.admin import DeadLetter
from tests.acceptance.workers import wait_until
from tests.interop.mixed_cluster import MixedCluster


def buried(cluster: MixedCluster, task_id: str) -> DeadLetter:
    """The dead letter of this task, once it is there."""
    found: list[DeadLetter] = []

    def is_there() -> bool:
        letters = cluster.sedano.broker.admin.dead_letters(limit=1000)
        found[:] = [letter for letter in letters if letter.task_id == task_id]
        return bool(found)

    wait_until(is_there, what="the message is buried")
    return found[0]
