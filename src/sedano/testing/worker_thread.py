"""A worker in a thread of the test's process: a real node of the solo pool, at the application's broker.

For users, as ``sedano.testing.start_worker``; ``celery.contrib.testing.worker`` has one of that name.
Installs no signal handlers and sets up no logging. Keeps no time limits, as the solo pool.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sedano.errors import NotSupported
from sedano.testing.callers_thread import close_connections
from sedano.testing.current_app import itself, made_current
from sedano.testing.plan_for_tests import plan_for_tests
from sedano.worker.plan import NodePlan
from sedano.worker.solo import SoloNode

if TYPE_CHECKING:
    from sedano.app import Sedano

#: What Celery's ``start_worker`` takes and has no counterpart here.
_MEANINGLESS: Final = frozenset(
    {
        "concurrency",  # it is that of the solo pool: 1
        "logfile",
        "loglevel",
        "perform_ping_check",  # what was published before it is up is not lost
        "ping_task_timeout",
        "without_gossip",
        "without_heartbeat",
        "without_mingle",
    }
)


class WorkerThread:
    """A running worker, as ``start_worker`` gives it."""

    def __init__(self, app: "Sedano", plan: NodePlan) -> None:
        #: The node's name.
        self.hostname = plan.name
        self._node = SoloNode(app, plan, app.broker, app.results)
        self._thread = threading.Thread(target=self._run, name="sedano-worker", daemon=True)
        self._exit_code: int | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it works."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def reload(self) -> None:
        """Accepted for Celery's sake: tasks that are defined while it works are known to it at once."""

    def stop(self, timeout: float) -> None:
        """Wait for the task that is running, and end.

        Raises:
            RuntimeError: it does not end in time, or has failed.
        """
        self._node.stop()
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise RuntimeError(
                f"The worker has not ended within {timeout:g} s: a task runs longer. Say shutdown_timeout=..."
            )
        if self._exit_code != 0:
            raise RuntimeError("The worker failed; the log of sedano.worker says why.")

    def _run(self) -> None:
        try:
            self._exit_code = self._node.work()
        finally:
            close_connections()


@contextmanager
def start_worker(
    app: "Sedano",
    *,
    queues: Iterable[str] | str | None = None,
    exclude_queues: Iterable[str] | str = (),
    hostname: str | None = None,
    pool: str = "solo",
    shutdown_timeout: float = 10.0,
    **celerys: Any,
) -> Iterator[WorkerThread]:
    """Have a worker run beside the test, in a thread. It runs one task at a time.

    The application is the current one meanwhile. Messages that are published before the worker is up are run
    as well.

    Args:
        app: The application. Its broker may be one in memory: worker and test share it.
        queues: What to consume; None means what ``sedano worker`` would.
        exclude_queues: What not to consume of that.
        hostname: The worker's name.
        pool: ``solo``; a thread cannot be more.
        shutdown_timeout: How long to wait for the task that runs at the end, in seconds.
        celerys: Further arguments of Celery's ``start_worker`` that are without meaning here.

    Raises:
        NotSupported: another pool, or an argument that this function does not know.
        RuntimeError: at the end: the worker failed, or does not end in time.
    """
    unknown = sorted(celerys.keys() - _MEANINGLESS)
    if unknown:
        raise NotSupported(f"start_worker: {', '.join(unknown)}: there is no such option here.")
    if pool != "solo":
        raise NotSupported(
            f"start_worker: pool={pool!r}: a worker in a thread is of the solo pool. For processes, start "
            "`sedano worker` with a broker that processes share, such as sqlite:///queue.db."
        )
    app = itself(app)
    with made_current(app):
        app.import_modules()
        chosen = None if queues is None else _listed(queues)
        plan = plan_for_tests(app, hostname, chosen, _listed(exclude_queues))
        worker = WorkerThread(app, plan)
        worker.start()
        try:
            yield worker
        finally:
            worker.stop(shutdown_timeout)


def _listed(names: Iterable[str] | str) -> tuple[str, ...]:
    return tuple(names.split(",")) if isinstance(names, str) else tuple(names)
