"""From a client of one library to a worker of the other. Used by the tests of interoperation."""

from dataclasses import dataclass
from typing import Any, Final

from tests.interop.mixed_cluster import Library, MixedCluster

#: Seconds. No answer takes longer, on a machine that does other things as well.
PATIENCE: Final = 30.0

#: Client and worker, as ``way`` takes them.
CELERY_TO_SEDANO: Final = ("celery", "sedano")
SEDANO_TO_CELERY: Final = ("sedano", "celery")


@dataclass(frozen=True)
class Way:
    """Who publishes, and whose worker runs it."""

    cluster: MixedCluster
    client: Library
    worker: Library

    @property
    def queue(self) -> str:
        """The queue that only this worker consumes."""
        return f"to-{self.worker}"

    def publish(self, task: str, *args: Any, **options: Any) -> Any:
        """Publish a call; the client's AsyncResult of it."""
        return self.cluster.app(self.client).tasks[task].apply_async(args, **{"queue": self.queue, **options})

    def started(self, key: str) -> list[str]:
        """The keys of the tasks that have started, of those with this in their key: as often as they have."""
        return [name for word, name, _, _ in self.cluster.journal.lines() if word == "start" and key in name]
